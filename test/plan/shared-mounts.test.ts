import t from "tap";
import { compile, defaultSpec, stepsOf } from "./fixture.js";

function ifForbidden(shared: string[], user: boolean): Record<string, string | undefined> {
	const spec = defaultSpec();
	spec.linux.namespaces = (spec.linux.namespaces ?? []).filter(({ type }) => !shared.includes(type));
	if (user) {
		spec.linux.namespaces.push({ type: "user" });
		spec.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
		spec.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
	}
	const plan = compile(spec, { host: { euid: user ? 1000 : 0, egid: user ? 1000 : 0 } });
	const steps = stepsOf(plan, "mount.filesystem").map(({ type, ifForbidden }) => [type, ifForbidden]);
	return Object.fromEntries(steps.filter(([, source]) => source !== undefined));
}

t.test("what shows a namespace of the caller can be bound, where a user namespace may not mount it", async (t) => {
	t.strictSame(ifForbidden(["network"], true), { sysfs: "/sys" });
	t.strictSame(ifForbidden(["ipc"], true), { mqueue: "/dev/mqueue" });
	t.strictSame(ifForbidden(["network", "ipc", "pid"], true), { sysfs: "/sys", mqueue: "/dev/mqueue" });
	t.strictSame(ifForbidden([], true), {}, "in namespaces of its own it may");
	t.strictSame(ifForbidden(["network", "ipc"], false), {}, "root may");
});
