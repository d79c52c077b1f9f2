import t from "tap";
import { create } from "../../src/container/create.js";
import { config, host, leftovers, request } from "./bundle.js";

const mapping = [
	{ containerID: 0, hostID: 100000, size: 10 },
	{ containerID: 10, hostID: 5, size: 1 },
];
const ns = { namespaces: [{ type: "mount" }, { type: "user" }], uidMappings: mapping, gidMappings: mapping };
const mount = (options: string[], mappings: object = {}) => ({
	...{ destination: "/d", source: "/s", options: ["rbind", ...options] },
	...mappings,
});

/** A host whose init asks for the mapping of each mount in turn. */
function asking(...mounts: object[]): ReturnType<typeof host> {
	const native = host(config({ mounts, linux: ns }));
	const send = native.sendPlan.bind(native);
	native.sendPlan = (options) => {
		send(options);
		if ("more" in JSON.parse(options.plan)) return;
		const init = native.sentPlan().init as { idmap?: object }[];
		const asked = init.flatMap(({ idmap }, step) => (idmap ? [{ type: "mount" as const, step, fd: 70 + step }] : []));
		native.messages.splice(-1, 0, ...asked);
	};
	return native;
}

t.test("the engine maps what the init hands over, answers, and keeps no descriptor", async (t) => {
	const native = asking(
		mount(["idmap"]),
		mount(["ridmap"], { uidMappings: mapping, gidMappings: mapping.slice(0, 1) }),
	);
	create(native, request);
	const calls = native.callsOf("mapMount");
	t.match(calls, [
		{ recursive: false, pid: 500 },
		{ recursive: true, uidMap: "0 100000 10\n10 5 1\n", gidMap: "0 100000 10\n" },
	]);
	t.notHas(calls[0], { uidMap: String }, "the container's own user namespace");
	t.equal(native.callsOf("send").filter(({ type }) => type === "mount").length, 2);
	for (const { fd } of calls) t.ok(native.callsOf("close").some((call) => call.fd === fd));
});

t.test("a filesystem that can't be mapped fails the create, with the mount's name", async (t) => {
	const native = asking(mount(["idmap"]));
	native.mapMountFailure = "EINVAL";
	t.throws(() => create(native, request), {
		message: /error mounting "\/s" to rootfs at "\/d": .*invalid argument \(config.json#\/mounts\/0\)$/,
		context: { pointer: "/mounts/0", syscall: "mount_setattr", hint: /does not support id-mapped mounts/ },
	});
	t.strictSame(leftovers(native), []);
	t.equal(native.callsOf("send").filter(({ type }) => type === "mount").length, 0);
});

t.test("a mount that nobody wanted mapped is not", async (t) => {
	const native = asking(mount([]));
	native.messages.splice(1, 0, { type: "mount", step: 0, fd: 70 });
	t.throws(() => create(native, request), { message: /the init broke the protocol/ });
	t.strictSame(native.callsOf("mapMount"), []);
});
