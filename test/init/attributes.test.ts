/** process.attribute: labels are written to the procfs of the kernel, whatever the container has on /proc. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { InitStep } from "../../src/plan/schema.js";
import { program } from "../support/programs.js";
import { scene } from "./engine.js";
import { bind, filesystem, script, steps } from "./plan.js";

const { ENOENT, ENXIO, EINVAL } = constants.errno;
const space = scene(t);

/** Not an attribute of an LSM, which this kernel may not have: the name of the thread, which it has for certain. */
const named = (...files: string[]): InitStep => ({ op: "process.attribute", files, value: "labelled" });

/** The init's name is read inside, before exec gives the program its own. */
async function nameOf(parts: { first?: InitStep[]; mounts?: InitStep[]; inside?: InitStep[] }): Promise<string> {
	let name = "";
	const result = await space.run(steps(space, parts), [], (pid) => {
		name = execFileSync("cat", [`/proc/${pid}/comm`], { encoding: "utf8" }).trim();
	});
	t.equal(result.failure, undefined);
	return name;
}

t.test("before the root changes and after it", async (t) => {
	t.equal(await nameOf({ first: [named("comm")] }), "labelled");
	t.equal(await nameOf({ inside: [named("comm")] }), "labelled");
});

t.test("the first file that the kernel has", async (t) => {
	t.equal(await nameOf({ inside: [named("attr/none/exec", "comm", "oom_adj")] }), "labelled");
	const missing = await space.run(steps(space, { inside: [named("attr/none/exec", "attr/neither")] }));
	t.match(missing.failure, { op: "process.attribute", syscall: "openat2", errno: ENOENT, detail: /attr\/neither$/ });
});

t.test("a /proc that is faked gets nothing (CVE-2019-19921, CVE-2023-28642, CVE-2025-52881)", async (t) => {
	const fake = space.path("fake");
	for (const directory of ["self", "thread-self", "1/task/1"]) {
		mkdirSync(join(fake, directory), { recursive: true });
		writeFileSync(join(fake, directory, "comm"), "untouched");
	}
	t.equal(await nameOf({ mounts: [bind(fake, "/proc")], inside: [named("comm")] }), "labelled");
	t.equal(await nameOf({ mounts: [filesystem("tmpfs", "/proc")], inside: [named("comm")] }), "labelled");
	for (const directory of ["self", "thread-self", "1/task/1"])
		t.equal(execFileSync("cat", [join(fake, directory, "comm")], { encoding: "utf8" }), "untouched");
});

t.test("a value that the kernel refuses", async (t) => {
	const oom: InitStep = { op: "process.attribute", files: ["oom_score_adj"], value: "x" };
	t.match((await space.run(steps(space, { inside: [oom] }))).failure, { op: "process.attribute", errno: EINVAL });
});

t.test("a label of a mount's root, and of the empty directory over a masked one", async (t) => {
	execFileSync("cp", [program("kernel"), join(space.rootfs, "bin/kernel")]);
	const label = "system_u:object_r:t:s0:c1,c2";
	const result = await space.run(
		script(space, "kernel label /tmp; kernel label /sys", {
			mounts: [filesystem("tmpfs", "/tmp", [], { rootLabel: label }), filesystem("tmpfs", "/sys")],
		}),
	);
	t.equal(result.stdout, `${label}\nENODATA\n`, result.stderr);
	// Without SELinux the kernel knows no such option: it did arrive there.
	const hasSelinux = spawnSync("test", ["-d", "/sys/fs/selinux"]).status === 0;
	const masked = await space.run(steps(space, { inside: [{ op: "path.mask", path: "/tmp", label }] }));
	if (!hasSelinux) t.match(masked.failure, { op: "path.mask", syscall: "fsconfig", errno: EINVAL });
});

t.test("CPUs", async (t) => {
	const result = await space.run(
		script(space, "grep Cpus_allowed_list /proc/self/status", {
			inside: [{ op: "process.affinity", cpus: [0, 8191] }],
		}),
	);
	t.equal(result.stdout, "Cpus_allowed_list:\t0\n", "those that the machine has");
	const none = await space.run(steps(space, { inside: [{ op: "process.affinity", cpus: [8000] }] }));
	t.match(none.failure, { op: "process.affinity", syscall: "sched_setaffinity", errno: EINVAL });
});

t.test("a device is bound only when it is the one", async (t) => {
	const device = (minor: number, kind: "b" | "c" = "c"): InitStep => ({
		op: "device.bind",
		source: "/dev/full",
		path: "/dev/full",
		kind,
		major: 1,
		minor,
	});
	const result = await space.run(script(space, "stat -c %t:%T /dev/full", { mounts: [device(7)] }));
	t.equal(result.stdout, "1:7\n", result.stderr);
	for (const wrong of [device(3), device(7, "b")])
		t.match((await space.run(steps(space, { mounts: [wrong] }))).failure, { op: "device.bind", errno: ENXIO });
});
