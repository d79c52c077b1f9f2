import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { InitStep, Plan } from "../../src/plan/schema.js";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

type Mount = NonNullable<Spec["mounts"]>[number];

function planOf(...mounts: Mount[]): Plan {
	const spec = defaultSpec();
	return compile({ ...spec, root: { path: "rootfs" }, mounts });
}

function stepsFor(mount: Mount): InitStep[] {
	return planOf(mount).init.filter((step) => step.at === "/mounts/0");
}

t.test("proc and sysfs go on ordinary directories", async (t) => {
	t.strictSame(stepsFor({ destination: "/proc", type: "proc", source: "proc" }), [
		{
			op: "mount.filesystem",
			at: "/mounts/0",
			destination: "/proc",
			type: "proc",
			source: "proc",
			options: [],
			superblock: [],
			ordinary: true,
		},
	]);
	t.match(stepsFor({ destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "ro"] }), [
		{ ordinary: true, superblock: [], attributes: { set: ["nosuid", "rdonly"] } },
	]);
	t.notHas(stepsFor({ destination: "/tmp", type: "tmpfs" })[0], { ordinary: true });
});

t.test("read-only: the mount always, the superblock where it is the mount's own", async (t) => {
	for (const type of ["tmpfs", "overlay", "ext4", "xfs", "ramfs"]) {
		t.match(
			stepsFor({ destination: "/x", type, options: ["ro"] }),
			[{ superblock: ["ro"], attributes: { set: ["rdonly"] } }],
			type,
		);
	}
	for (const type of ["sysfs", "cgroup2", "mqueue", "devpts"]) {
		const [step] = stepsFor({ destination: "/x", type, options: ["ro"] });
		t.match(step, { attributes: { set: ["rdonly"] } }, type);
		t.strictSame(step?.op === "mount.filesystem" && step.superblock, [], type);
	}
	const [writable] = stepsFor({ destination: "/x", type: "tmpfs", options: ["ro", "rw"] });
	t.strictSame(writable?.op === "mount.filesystem" && [writable.superblock, writable.attributes], [[], undefined]);
});

t.test("a read-only /dev is closed after the devices are in it", async (t) => {
	const plan = planOf({ destination: "/dev/", type: "tmpfs", source: "tmpfs", options: ["nosuid", "ro", "mode=755"] });
	t.strictSame(stepOf(plan, "mount.filesystem").attributes, { set: ["nosuid"] });
	t.strictSame(stepOf(plan, "mount.filesystem").superblock, []);
	t.match(stepOf(plan, "mount.remount"), { destination: "/dev", bind: true, attributes: { set: ["rdonly"] } });
	const remount = position(plan, (step) => step.op === "mount.remount");
	for (const op of ["device.create", "symlink.create", "console.create", "root.enter"]) {
		t.ok(plan.init.findLastIndex((step) => step.op === op) < remount, op);
	}
	t.equal(
		stepsOf(planOf({ destination: "/dev", type: "bind", source: "/dev", options: ["rbind", "ro"] }), "mount.remount")
			.length,
		0,
	);
});

t.test("binds", async (t) => {
	t.strictSame(stepsFor({ destination: "/data", source: "/host/data", options: ["rbind", "ro", "rslave"] }), [
		{
			op: "mount.bind",
			at: "/mounts/0",
			destination: "/data",
			propagation: ["rslave"],
			source: "/host/data",
			tree: true,
			attributes: { set: ["rdonly"] },
		},
	]);
	t.match(
		stepsFor({ destination: "/d", type: "bind", source: "data" }),
		[{ source: "/bundle/data", tree: false }],
		"relative to the bundle",
	);
	t.match(stepsFor({ destination: "/d", source: "/h", options: ["bind", "rw", "exec"] }), [
		{ attributes: { clear: ["rdonly", "noexec"] } },
	]);
	t.match(stepsFor({ destination: "/d", source: "/h", options: ["rbind", "rro", "rnosuid"] }), [
		{ recursive: { set: ["rdonly", "nosuid"] }, attributes: undefined },
	]);
	t.throws(() => stepsFor({ destination: "/d", type: "bind" }), {
		code: "config.invalid",
		context: { pointer: "/mounts/0" },
	});
});

t.test("destinations are absolute and clean", async (t) => {
	const table = {
		"/a/b/": "/a/b",
		"a/b": "/a/b",
		"/a/./b//c": "/a/b/c",
		"/a/../b": "/b",
		"/../../etc": "/etc",
		"/": "/",
	};
	for (const [given, expected] of Object.entries(table)) {
		t.match(stepsFor({ destination: given, type: "tmpfs" }), [{ destination: expected }], given);
	}
});

t.test("/proc is proc, and nothing but single files goes into it", async (t) => {
	const refuses = (mount: Mount, message: RegExp) =>
		t.throws(() => stepsFor(mount), { code: "config.invalid", message });
	refuses({ destination: "/proc", type: "tmpfs" }, /not of type proc/);
	refuses({ destination: "/proc/self", type: "tmpfs" }, /is inside \/proc/);
	refuses({ destination: "/proc/../proc/sys", type: "bind", source: "/x" }, /is inside \/proc/);
	t.match(stepsFor({ destination: "/proc", source: "/proc", options: ["rbind"] }), [{ op: "mount.bind" }]);
	t.match(stepsFor({ destination: "/proc/meminfo", source: "/lxcfs/meminfo", options: ["bind"] }), [
		{ op: "mount.bind" },
	]);
	t.match(stepsFor({ destination: "/processes", type: "tmpfs" }), [{ op: "mount.filesystem" }]);
});

t.test("remount", async (t) => {
	t.match(stepsFor({ destination: "/x", options: ["remount", "bind", "ro"], source: "x" }), [
		{ op: "mount.remount", bind: true, superblock: [], attributes: { set: ["rdonly"] } },
	]);
	t.match(stepsFor({ destination: "/x", options: ["remount", "ro", "size=1m"] }), [
		{
			op: "mount.remount",
			bind: false,
			superblock: ["ro"],
			options: [["size", "1m"]],
			attributes: { set: ["rdonly"] },
		},
	]);
	t.match(stepsFor({ destination: "/x", options: ["remount", "rw"] }), [
		{ superblock: ["rw"], attributes: { clear: ["rdonly"] } },
	]);
});

t.test("an option of the filesystem's own is told where there is no filesystem to have it", async (t) => {
	const warned = (mount: Mount) => planOf(mount).warnings.filter(({ at }) => at === "/mounts/0/options").length;
	const options = ["sync", "lazytime"];
	t.equal(warned({ destination: "/d", source: "/s", options: ["bind", ...options] }), 1);
	t.equal(warned({ destination: "/d", source: "/s", options: ["bind", "remount", ...options] }), 1);
	t.equal(warned({ destination: "/d", type: "cgroup", options }), 1);
	t.equal(warned({ destination: "/d", options: ["rshared", ...options] }), 1);
	t.equal(warned({ destination: "/d", type: "tmpfs", options }), 0);
	t.equal(warned({ destination: "/d", type: "tmpfs", options: ["remount", ...options] }), 0);
	t.equal(warned({ destination: "/d", source: "/s", options: ["bind", "sync", "async"] }), 0);
});

t.test("propagation alone changes the mount that is there", async (t) => {
	t.strictSame(stepsFor({ destination: "/x", options: ["rshared"] }), [
		{ op: "mount.propagation", at: "/mounts/0", destination: "/x", propagation: ["rshared"] },
	]);
});

t.test("copy-up is for tmpfs", async (t) => {
	t.match(stepsFor({ destination: "/run", type: "tmpfs", options: ["tmpcopyup", "ro"] }), [
		{ copyUp: true, superblock: ["ro"] },
	]);
	t.throws(() => stepsFor({ destination: "/run", type: "ramfs", options: ["rw", "tmpcopyup"] }), {
		code: "config.invalid",
		context: { pointer: "/mounts/0/options/1" },
	});
});

t.test("mounts keep their order", async (t) => {
	const plan = planOf(
		{ destination: "/a", type: "tmpfs" },
		{ destination: "/a/b", source: "/b", options: ["bind"] },
		{ destination: "/c", type: "mqueue" },
	);
	const mounted = plan.init.filter((step) => step.at?.startsWith("/mounts/")).map((step) => step.at);
	t.strictSame(mounted, ["/mounts/0", "/mounts/1", "/mounts/2"]);
});

t.test("a mount without a source is named after its type", async (t) => {
	t.match(stepsFor({ destination: "/x", type: "tmpfs" }), [{ source: "tmpfs" }]);
	t.match(stepsFor({ destination: "/x", type: "tmpfs", source: "shm" }), [{ source: "shm" }]);
});
