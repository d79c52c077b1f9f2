import t from "tap";
import { compile, defaultSpec, position, stepsOf } from "./fixture.js";

const moves = (plan: ReturnType<typeof compile>) => plan.host.filter(({ op }) => op === "netDevice.move");

t.test("devices move when the namespace is there, before keys, hooks and sysctls", async (t) => {
	const spec = defaultSpec();
	spec.linux.netDevices = { eth0: { name: "uplink" }, "a~b": {}, eth1: { name: "" } };
	spec.hooks = { createRuntime: [{ path: "/h" }] };
	const plan = compile(spec);
	t.strictSame(moves(plan), [
		{ op: "netDevice.move", at: "/linux/netDevices/eth0", device: "eth0", name: "uplink" },
		{ op: "netDevice.move", at: "/linux/netDevices/a~0b", device: "a~b" },
		{ op: "netDevice.move", at: "/linux/netDevices/eth1", device: "eth1" },
	]);
	t.equal(stepsOf(plan, "netDevices.wait").length, 1);
	const at = (op: string) => position(plan, (step) => step.op === op);
	t.ok(at("clone") < at("netDevices.wait") && at("netDevices.wait") < at("hooks.sync"));
});

t.test("into a namespace that is joined", async (t) => {
	const spec = defaultSpec();
	spec.linux.namespaces = (spec.linux.namespaces ?? []).map((namespace) =>
		namespace.type === "network" ? { ...namespace, path: "/run/netns/n" } : namespace,
	);
	spec.linux.netDevices = { eth0: {} };
	t.match(moves(compile(spec)), [{ namespace: "/run/netns/n" }]);
});

t.test("after the id maps: the namespace may belong to a new user namespace", async (t) => {
	const spec = defaultSpec();
	spec.linux.namespaces?.push({ type: "user" });
	spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	spec.linux.netDevices = { eth0: {} };
	const plan = compile(spec);
	const at = (op: string) => position(plan, (step) => step.op === op);
	t.equal(at("netDevices.wait"), at("idmap.wait") + 1);
});

t.test("none, and none of a user's", async (t) => {
	const spec = defaultSpec();
	spec.linux.netDevices = {};
	const plan = compile(spec);
	t.equal(moves(plan).length + stepsOf(plan, "netDevices.wait").length, 0);
	spec.linux.netDevices = { eth0: {} };
	t.throws(() => compile(spec, { host: { euid: 1000 } }), {
		message: "network devices are not supported for rootless containers",
		context: { pointer: "/linux/netDevices" },
	});
});
