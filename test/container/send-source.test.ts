import t from "tap";
import { create } from "../../src/container/create.js";
import { config, host, leftovers, request } from "./bundle.js";

const mapping = [{ containerID: 0, hostID: 100000, size: 10 }];
const user = (mount: object = { type: "mount" }) => ({
	namespaces: [mount, { type: "user" }],
	uidMappings: mapping,
	gidMappings: mapping,
});

/** A host whose init can't reach the source of the step with this operation. */
function asking(op: string, linux: object = user()): ReturnType<typeof host> {
	const native = host(config({ mounts: [{ destination: "/d", source: "/private/s", options: ["bind"] }], linux }));
	const send = native.sendPlan.bind(native);
	native.sendPlan = (options) => {
		send(options);
		if ("more" in JSON.parse(options.plan)) return;
		const step = (native.sentPlan().init as { op: string }[]).findIndex((step) => step.op === op);
		native.messages.splice(-1, 0, { type: "source", step });
	};
	return native;
}

t.test("the engine opens what the init can't, by the path of the plan", async (t) => {
	const native = asking("mount.bind");
	create(native, request);
	t.match(native.callsOf("sendSource"), [{ pid: 500, path: "/private/s" }]);
});

t.test("a source that the engine can't open fails the create, with the mount's name", async (t) => {
	for (const [code, message, hint] of [
		["EACCES", /error mounting "\/private\/s" to rootfs at "\/d": .*permission denied/, /may not be searched/],
		["ENOENT", /error mounting "\/private\/s" to rootfs at "\/d": .*no such file/, /does not exist on the host/],
	] as const) {
		const native = asking("mount.bind");
		native.sendSourceFailure = code;
		t.throws(() => create(native, request), { message, context: { pointer: "/mounts/0", errno: code, hint } });
		t.strictSame(leftovers(native), []);
	}
});

t.test("not in a mount namespace that is joined", async (t) => {
	const native = asking("mount.bind", user({ type: "mount", path: "/proc/7/ns/mnt" }));
	t.throws(() => create(native, request), { message: /permission denied/, context: { pointer: "/mounts/0" } });
	t.strictSame(native.callsOf("sendSource"), []);
});

t.test("the root filesystem is opened like a source", async (t) => {
	const native = asking("root.open");
	create(native, request);
	t.match(native.callsOf("sendSource"), [{ path: /\/rootfs$/ }]);
});

t.test("a step without a source has none opened", async (t) => {
	const native = asking("root.enter");
	t.throws(() => create(native, request), { message: /the init broke the protocol/ });
	t.strictSame(native.callsOf("sendSource"), []);
});
