import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { HostFacts } from "../../src/plan/input.js";
import type { InitStep } from "../../src/plan/schema.js";
import { compile, defaultSpec, v1, v2 } from "./fixture.js";

type Namespace = NonNullable<NonNullable<Spec["linux"]>["namespaces"]>[number];

function steps(options: string[], host: Partial<HostFacts>, ...namespaces: Namespace[]): InitStep[] {
	const spec = defaultSpec();
	spec.mounts = [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options }];
	spec.root = { path: "rootfs" };
	spec.linux.namespaces?.push(...namespaces);
	spec.linux.uidMappings = spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
	return compile(spec, { host }).init.filter((step) => step.at === "/mounts/0");
}

const mask = ["nosuid", "nodev", "noexec"] as const;

t.test("v1 with a cgroup namespace: each hierarchy is mounted anew", async (t) => {
	const result = steps(["nosuid", "ro", "rslave"], { cgroup: v1 }, { type: "cgroup" });
	t.match(result[0], {
		op: "mount.filesystem",
		type: "tmpfs",
		destination: "/sys/fs/cgroup",
		attributes: { set: mask },
	});
	t.match(result[1], {
		op: "mount.filesystem",
		type: "cgroup",
		destination: "/sys/fs/cgroup/cpu,cpuacct",
		options: ["cpu", "cpuacct"],
		superblock: [],
		attributes: { set: ["nosuid", "rdonly", "nodev", "noexec"] },
	});
	t.match(result[2], { op: "symlink.create", path: "/sys/fs/cgroup/cpu", target: "cpu,cpuacct" });
	t.match(result[3], { op: "symlink.create", path: "/sys/fs/cgroup/cpuacct", target: "cpu,cpuacct" });
	const named = result.find((step) => step.op === "mount.filesystem" && step.destination === "/sys/fs/cgroup/systemd");
	t.match(named, { options: ["none", ["name", "systemd"]] });
	t.match(result.at(-1), { op: "mount.remount", bind: true, attributes: { set: ["rdonly"] }, propagation: ["rslave"] });
});

t.test("v1 without one: the container's own directories are bound", async (t) => {
	const result = steps([], { cgroup: v1 });
	const binds = result.filter((step) => step.op === "mount.bind");
	t.strictSame(
		binds.map((step) => [step.source, step.destination]),
		v1.v1.map(({ path }) => [`${path}/c1`, path]),
	);
	for (const step of binds) t.strictSame(step.attributes, { set: mask }, "writable");
	t.equal(result.at(-1)?.op, "mount.bind", "nothing to remount");
});

t.test("without a cgroup of its own a container sees the host's, read-only (CVE-2023-25809)", async (t) => {
	const spec = defaultSpec();
	spec.linux.resources = {};
	const plan = compile(spec, { host: { euid: 1000 } });
	const binds = plan.init.filter((step) => step.op === "mount.bind");
	t.ok(binds.length >= v1.v1.length);
	for (const step of binds) {
		if (step.op !== "mount.bind" || !step.destination.startsWith("/sys/fs/cgroup/")) continue;
		t.equal(step.source, step.destination);
		t.ok(step.attributes?.set?.includes("rdonly"), step.destination);
	}
	t.notOk(plan.init.some((step) => step.op === "cgroup.join"));
});

t.test("hybrid is as v1", async (t) => {
	const hybrid = { ...v1, mode: "hybrid" as const, unified: "/sys/fs/cgroup/unified" };
	t.strictSame(steps(["ro"], { cgroup: hybrid }), steps(["ro"], { cgroup: v1 }));
});

t.test("v2", async (t) => {
	t.strictSame(steps(["nosuid", "ro", "private"], { cgroup: v2 }, { type: "cgroup" }), [
		{
			op: "mount.filesystem",
			at: "/mounts/0",
			destination: "/sys/fs/cgroup",
			type: "cgroup2",
			source: "cgroup",
			options: [],
			superblock: [],
			attributes: { set: ["nosuid", "rdonly"] },
			propagation: ["private"],
		},
	]);
	t.match(steps([], { cgroup: v2 }), [{ op: "mount.filesystem", type: "cgroup2" }]);
	t.match(
		steps([], { cgroup: v2 }, { type: "user" }, { type: "cgroup" }),
		[{ op: "mount.filesystem" }],
		"our own cgroup namespace",
	);
	t.match(
		steps([], { cgroup: v2 }, { type: "user" }),
		[{ op: "mount.bind", source: "/sys/fs/cgroup/c1" }],
		"somebody else's",
	);
});

t.test("recursive options: they close what is mounted, they open nothing of the host's", async (t) => {
	t.match(steps(["rro", "rnoatime"], { cgroup: v1 }).at(-1), {
		op: "mount.remount",
		recursive: { set: ["rdonly"], atime: "noatime" },
	});
	t.match(steps(["rro"], { cgroup: v2 }), [{ op: "mount.filesystem", recursive: { set: ["rdonly"] } }]);
	const [bind] = steps(["rro"], { cgroup: v2 }, { type: "user" });
	t.match(bind, { op: "mount.bind", recursive: { set: ["rdonly"] } });
	for (const host of [v1, v2]) {
		for (const step of steps(["rrw", "rsuid"], { cgroup: host, euid: 1000 }, { type: "user" }))
			t.notHas(step, { recursive: Object }, "CVE-2023-25809");
	}
});

t.test("options of the filesystem only where there is one", async (t) => {
	t.match(steps(["nsdelegate"], { cgroup: v2 }), [{ op: "mount.filesystem", options: ["nsdelegate"] }]);
	for (const [host, ...namespaces] of [[v1], [v1, { type: "cgroup" }], [v2, { type: "user" }]] as [
		HostFacts["cgroup"],
		...Namespace[],
	][]) {
		t.throws(() => steps(["ro", "memory_localevents"], { cgroup: host }, ...namespaces), {
			code: "config.unsupported",
			message: 'a cgroup mount can\'t have the option "memory_localevents" here',
			context: { pointer: "/mounts/0/options" },
		});
	}
});

t.test("a host without cgroups", async (t) => {
	t.throws(() => steps([], { cgroup: { mode: "none", v1: [] } }), {
		code: "host.unsupported",
		context: { pointer: "/mounts/0/type" },
	});
});
