import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { CreateOptions } from "../../src/plan/input.js";
import { compile, defaultSpec, position, stepOf, stepsOf, v2 } from "./fixture.js";

type Namespace = NonNullable<NonNullable<Spec["linux"]>["namespaces"]>[number];

function withNamespaces(...namespaces: Namespace[]): ReturnType<typeof defaultSpec> {
	const spec = defaultSpec();
	spec.linux.namespaces = namespaces;
	spec.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
	spec.linux.gidMappings = [
		{ containerID: 0, hostID: 200000, size: 1000 },
		{ containerID: 1000, hostID: 1000, size: 1 },
	];
	delete spec.hostname;
	return spec;
}

t.test("without a path a namespace is made, with one it is joined", async (t) => {
	const plan = compile(
		withNamespaces(
			{ type: "pid" },
			{ type: "network", path: "/run/netns/a" },
			{ type: "mount" },
			{ type: "uts", path: "" },
		),
	);
	t.strictSame(stepOf(plan, "namespace.join").namespaces, [
		{ type: "network", path: "/run/netns/a", at: "/linux/namespaces/1/path" },
	]);
	t.strictSame(stepOf(plan, "clone").namespaces, ["pid", "mount", "uts"], "an empty path is none");
	t.equal(stepsOf(plan, "network.up").length, 0, "the loopback device of a joined namespace is not ours");
	t.equal(stepsOf(compile(withNamespaces({ type: "mount" })), "namespace.join").length, 0);
});

t.test("a new network namespace gets its loopback device", async (t) => {
	t.match(stepOf(compile(withNamespaces({ type: "mount" }, { type: "network" })), "network.up"), {
		device: "lo",
		at: "/linux/namespaces/1",
	});
});

t.test("a new user namespace", async (t) => {
	const plan = compile(withNamespaces({ type: "mount" }, { type: "user" }));
	t.strictSame(plan.host.at(-1), {
		op: "idmap.write",
		at: "/linux/uidMappings",
		uid: [[0, 100000, 65536]],
		gid: [
			[0, 200000, 1000],
			[1000, 1000, 1],
		],
		denySetgroups: false,
	});
	t.equal(
		position(plan, ({ op }) => op === "idmap.wait"),
		position(plan, ({ op }) => op === "clone") + 1,
		"at once, for nothing works before",
	);
	t.ok(stepOf(plan, "process.user").setgroups);
});

t.test("a user who maps only the own group has to give up setgroups", async (t) => {
	const spec = withNamespaces({ type: "mount" }, { type: "user" });
	const caller = { euid: 1000, egid: 1001 };
	spec.linux.gidMappings = [{ containerID: 0, hostID: 1001, size: 1 }];
	const plan = compile(spec, { host: caller });
	t.match(plan.host.at(-1), { op: "idmap.write", denySetgroups: true });
	t.strictSame(stepOf(plan, "process.user").setgroups, false);
	spec.process.user = { uid: 0, gid: 0, additionalGids: [5] };
	t.throws(() => compile(spec, { host: caller }), {
		message: "cannot set any additional groups in a rootless container",
		context: { pointer: "/process/user/additionalGids" },
	});

	// newgidmap writes these, and groups that were given can be given on.
	spec.linux.gidMappings.push({ containerID: 1, hostID: 100000, size: 65536 });
	const ranges = compile(spec, { host: caller });
	t.match(ranges.host.at(-1), { op: "idmap.write", denySetgroups: false });
	t.match(stepOf(ranges, "process.user"), { setgroups: true, additionalGids: [5] });
	t.notOk("setgroupsMayBeDenied" in stepOf(ranges, "process.user"));
});

t.test("a caller whose own user namespace denies setgroups", async (t) => {
	const host = { initialUserNamespace: false, setgroupsDenied: true };
	for (const namespaces of [
		[{ type: "mount" }],
		[{ type: "mount" }, { type: "user" }],
		[{ type: "mount" }, { type: "user", path: "/proc/7/ns/user" }],
	] as Namespace[][]) {
		const spec = withNamespaces(...namespaces);
		if (!namespaces.some(({ type, path }) => type === "user" && !path)) {
			delete spec.linux.uidMappings;
			delete spec.linux.gidMappings;
		}
		const plain = compile(spec, { host });
		t.match(stepOf(plain, "process.user"), { setgroups: false, additionalGids: [] });
		t.notOk(plain.warnings.some(({ at }) => at === "/process/user/additionalGids"));
		spec.process.user = { uid: 0, gid: 0, additionalGids: [5] };
		const plan = compile(spec, { host });
		t.match(stepOf(plan, "process.user"), { setgroups: false, additionalGids: [] });
		t.ok(plan.warnings.some(({ at }) => at === "/process/user/additionalGids"));
	}
});

t.test("whom the init becomes where root is not mapped: the process's user", async (t) => {
	const user = { uid: 7, gid: 8 };
	const made = withNamespaces({ type: "mount" }, { type: "user" });
	made.process.user = user;
	t.match(stepOf(compile(made), "idmap.wait"), user);
	const joined = withNamespaces({ type: "mount" }, { type: "user", path: "/proc/7/ns/user" });
	joined.process.user = user;
	t.match(stepOf(compile(joined), "namespace.join"), user);
	const other = withNamespaces({ type: "mount" }, { type: "network", path: "/run/netns/a" });
	other.process.user = user;
	t.notOk("uid" in stepOf(compile(other), "namespace.join"), "without a user namespace nobody changes");
});

t.test("below a user namespace that denies setgroups, additional groups are ignored, and that is said", async (t) => {
	const spec = defaultSpec();
	spec.process.user = { uid: 0, gid: 0, additionalGids: [5] };
	const host = { initialUserNamespace: false, setgroupsDenied: true };
	const plan = compile(spec, { host });
	t.notOk(stepOf(plan, "process.user").setgroups);
	t.match(plan.warnings, [{ at: "/process/user/additionalGids", message: /ignored.*setgroups/ }]);
	t.ok(stepOf(compile(spec, { host: { initialUserNamespace: false } }), "process.user").setgroups);
});

t.test("a joined user namespace has its maps", async (t) => {
	const plan = compile(withNamespaces({ type: "mount" }, { type: "user", path: "/proc/7/ns/user" }));
	t.notOk(plan.host.some((step) => step.op === "idmap.write"));
	t.equal(stepsOf(plan, "idmap.wait").length, 0);
	t.match(stepOf(plan, "process.user"), { setgroups: true, setgroupsMayBeDenied: true }, "only the kernel knows");
});

t.test("on v2 the clone is into the cgroup, but not out of a user namespace that was joined", async (t) => {
	const path = "/proc/7/ns/user";
	for (const [user, into] of [
		[{ type: "user" as const }, true],
		[{ type: "user" as const, path }, false],
	] as const) {
		const spec = withNamespaces({ type: "mount" }, user);
		const plan = compile(spec, { host: { cgroup: v2 } });
		t.equal(stepOf(plan, "clone").cgroup, into ? "/sys/fs/cgroup/c1" : undefined);
		t.equal(stepsOf(plan, "cgroup.join").length, into ? 0 : 1);
	}
});

t.test("in a user namespace hard limits are raised before the clone", async (t) => {
	const spec = withNamespaces({ type: "mount" }, { type: "user" });
	spec.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 10, hard: 18446744073709551615n }];
	const plan = compile(spec);
	const [early, late] = stepsOf(plan, "process.rlimit");
	t.match(early, { soft: "18446744073709551615", hard: "18446744073709551615" });
	t.match(late, { soft: "10", hard: "18446744073709551615" });
	t.ok(position(plan, ({ op }) => op === "process.rlimit") < position(plan, ({ op }) => op === "clone"));
});

t.test("a session keyring, unless told otherwise", async (t) => {
	t.equal(stepOf(compile(defaultSpec()), "keyring.join").name, "_ses.c1");
	t.equal(stepsOf(compile(defaultSpec(), { options: { noNewKeyring: true } }), "keyring.join").length, 0);
});

const bare = (change: Partial<Spec> = {}): Spec => ({
	ociVersion: "1.3.0",
	root: { path: "rootfs" },
	process: { args: ["sh"], cwd: "/" },
	linux: { namespaces: [{ type: "pid" }] },
	...change,
});

t.test("without a mount namespace, and with nothing to mount, no mount of the host is touched", async (t) => {
	const plan = compile(bare());
	t.equal(stepOf(plan, "root.enter").method, "chroot");
	t.strictSame(stepOf(plan, "root.open"), { op: "root.open", at: "/root/path", path: "/bundle/rootfs" });
	t.notOk("mountedRoot" in plan);
	for (const op of ["device.create", "symlink.create", "mount.propagation"] as const)
		t.equal(stepsOf(plan, op).length, 0, op);
});

t.test("without a mount namespace mounts are made on a copy of the rootfs", async (t) => {
	const changes: [string, Partial<Spec>, Partial<CreateOptions>?][] = [
		["mount.filesystem", { mounts: [{ destination: "/proc", type: "proc" }] }],
		["mount.remount", { root: { path: "rootfs", readonly: true } }],
		["console.create", { process: { args: ["sh"], cwd: "/", terminal: true } }],
		["device.create", { linux: { devices: [{ path: "/dev/x", type: "p" }] } }],
		["mount.bind", {}, { notifyDirectory: "/run/runtime-ts/c1/notify" }],
	];
	for (const [op, change, options] of changes) {
		const plan = compile(bare(change), { options: options ?? {} });
		t.equal(plan.mountedRoot, "/run/runtime-ts/c1/mounts/rootfs", op);
		t.equal(stepOf(plan, "root.open").path, plan.mountedRoot);
		t.equal(stepOf(plan, "root.enter").method, "chroot");
		t.ok(plan.init.some((step) => step.op === op));
		t.ok(
			stepsOf(plan, "device.create").some(({ path }) => path === "/dev/null"),
			"the default devices",
		);
	}
});

t.test("what takes a mount namespace of one's own is refused", async (t) => {
	const user: NonNullable<Spec["linux"]> = {
		namespaces: [{ type: "user" }],
		uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
		gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
	};
	const changes: [Partial<Spec>, string][] = [
		[{ linux: { rootfsPropagation: "shared" } }, "/linux/rootfsPropagation"],
		[{ linux: { maskedPaths: ["/proc/kcore"] } }, "/linux/maskedPaths"],
		[{ linux: { readonlyPaths: ["/proc/sys"] } }, "/linux/readonlyPaths"],
		[{ linux: user, mounts: [{ destination: "/proc", type: "proc" }] }, "/mounts"],
		[{ linux: user, root: { path: "rootfs", readonly: true } }, "/root/readonly"],
	];
	for (const [change, pointer] of changes)
		t.throws(() => compile(bare(change)), { code: "config.unsupported", context: { pointer } }, pointer);
	t.doesNotThrow(() => compile(bare({ linux: user })));
});
