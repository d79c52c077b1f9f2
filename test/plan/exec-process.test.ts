/** Which process exec runs: a file's, or the container's with the options of the command line. */
import t from "tap";
import { RuntimeError } from "../../src/errors.js";
import type { Process } from "../../src/plan/context.js";
import { type ExecOptions, execProcess } from "../../src/plan/exec-process.js";
import type { SavedProcess } from "../../src/plan/exec-schema.js";

const saved: SavedProcess = {
	user: { uid: 1, gid: 2, umask: 0o77, additionalGids: [3] },
	cwd: "/home",
	env: ["PATH=/bin", "A=container"],
	capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"], inheritable: ["CAP_KILL"] },
	rlimits: [{ type: "RLIMIT_CORE", soft: "0", hard: "18446744073709551615" }],
	noNewPrivileges: true,
	apparmorProfile: "profile",
	selinuxLabel: "label",
	oomScoreAdj: 4,
	scheduler: { policy: "SCHED_BATCH", runtime: "5" },
	ioPriority: { class: "IOPRIO_CLASS_BE", priority: 1 },
	execCPUAffinity: { initial: "0" },
};

const merge = (options: Partial<ExecOptions>, file?: Process, base = saved) =>
	execProcess(structuredClone(base), file, { args: file ? [] : ["true"], ...options });

t.test("the container's process with other arguments, and no terminal but by --tty", async (t) => {
	const { process } = merge({ args: ["ls", "-l"] });
	t.match(process, {
		args: ["ls", "-l"],
		terminal: false,
		cwd: "/home",
		env: ["PATH=/bin", "A=container"],
		user: { uid: 1, gid: 2, umask: 0o77, additionalGids: [3] },
		noNewPrivileges: true,
		apparmorProfile: "profile",
		selinuxLabel: "label",
		oomScoreAdj: 4,
		rlimits: [{ type: "RLIMIT_CORE", soft: 0n, hard: 18446744073709551615n }],
	});
	t.equal(merge({ tty: true }).process.terminal, true);
});

t.test("options", async (t) => {
	const { process } = merge({
		cwd: "/srv",
		env: ["A=1", "B=2"],
		user: "7:8",
		additionalGids: ["9", "10"],
		capabilities: ["CAP_NET_RAW", "sys_ptrace"],
		noNewPrivileges: false,
		apparmorProfile: "other",
		selinuxLabel: "another",
	});
	t.equal(process.cwd, "/srv");
	t.same(process.env, ["PATH=/bin", "A=container", "A=1", "B=2"]);
	t.same(process.user, { uid: 7, gid: 8, umask: 0o77, additionalGids: [3, 9, 10] });
	t.equal(process.noNewPrivileges, false);
	t.equal(process.apparmorProfile, "other");
	t.equal(process.selinuxLabel, "another");
	const added = ["CAP_KILL", "CAP_NET_RAW", "CAP_SYS_PTRACE"];
	t.same(
		process.capabilities,
		{ bounding: added, effective: added, permitted: added, inheritable: ["CAP_KILL"] },
		"never inheritable (CVE-2022-29162)",
	);
});

t.test("without a user or capabilities to start from", async (t) => {
	const { process } = merge({ additionalGids: ["9"], capabilities: ["KILL"] }, undefined, { cwd: "/" });
	t.same(process.user, { uid: 0, gid: 0, additionalGids: [9] });
	t.same(process.capabilities, { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] });
	t.same(merge({ user: "5" }, undefined, { cwd: "/" }).process.user, { uid: 5, gid: 0 });
});

t.test("the user is a number, or nothing happens (CVE-2026-30892)", async (t) => {
	t.match(merge({ user: "5" }).process.user, { uid: 5, gid: 2 });
	t.match(merge({ user: "0:0" }).process.user, { uid: 0, gid: 0 });
	t.match(merge({ user: "" }).process.user, { uid: 1, gid: 2 }, "empty is not given");
	for (const user of ["root", "1x", "-1", "+1", " 1", "1 ", "0x1", ":1", "4294967295", "99999999999", "1e3"]) {
		t.throws(() => merge({ user }), { message: /^bad uid/ }, user);
	}
	for (const user of ["1:", "1:x", "1:2:3", "1:-1", "1:4294967295"]) {
		t.throws(() => merge({ user }), { message: /^bad gid/ }, user);
	}
	t.throws(() => merge({ additionalGids: ["x"] }), { message: /^bad additional gid/ });
});

t.test("what is refused", async (t) => {
	t.throws(() => merge({ args: [] }), { message: "exec args cannot be empty" });
	t.throws(() => merge({ cwd: "srv" }), { message: "Cwd must be an absolute path" });
	t.throws(() => merge({ capabilities: ["CAP_X"] }), { message: 'unknown capability "CAP_X"' });
	t.throws(() => merge({ args: ["ls"] }, { args: ["ls"], cwd: "/" }), RuntimeError);
});

t.test("a file is the whole process; what it leaves open is the container's, but for no_new_privs", async (t) => {
	const { process } = merge({}, { args: ["id"], cwd: "/", user: { uid: 9, gid: 9 } });
	t.match(process, {
		args: ["id"],
		cwd: "/",
		user: { uid: 9, gid: 9, umask: 0o77 },
		capabilities: saved.capabilities,
		rlimits: [{ type: "RLIMIT_CORE", soft: 0n, hard: 18446744073709551615n }],
		apparmorProfile: "profile",
		selinuxLabel: "label",
		oomScoreAdj: 4,
		scheduler: { policy: "SCHED_BATCH", runtime: 5n },
		ioPriority: saved.ioPriority,
		execCPUAffinity: saved.execCPUAffinity,
	});
	t.equal(process.noNewPrivileges, undefined);
	t.equal(process.env, undefined);
	t.same(process.user?.additionalGids, undefined);
});

t.test("a file's own values stay", async (t) => {
	const file: Process = {
		args: ["id"],
		cwd: "/",
		user: { uid: 9, gid: 9, umask: 0o22 },
		capabilities: {},
		rlimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }],
		apparmorProfile: "own",
		selinuxLabel: "own",
		oomScoreAdj: 0,
		scheduler: { policy: "SCHED_OTHER" },
		ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 },
		execCPUAffinity: { final: "2" },
		terminal: true,
	};
	t.strictSame(merge({}, structuredClone(file)).process, file);
});

t.test("options go on top of a file", async (t) => {
	const { process } = merge({ tty: true, env: ["B=2"], user: "3" }, { args: ["id"], cwd: "/", env: ["A=1"] });
	t.match(process, { terminal: true, env: ["A=1", "B=2"], user: { uid: 3, gid: 0 } });
});

t.test("messages say where a value comes from", async (t) => {
	const plain = merge({ user: "1" });
	t.equal(plain.origin("/process/user"), "--user");
	t.equal(plain.origin("/process/cwd"), "config.json#/process/cwd");
	t.equal(plain.origin("/linux/seccomp"), "config.json#/linux/seccomp");
	t.equal(plain.origin("/process/args/0"), "arguments");
	const file = merge({ cwd: "/x" }, { args: ["id"], cwd: "/" });
	t.equal(file.origin("/process/user/uid"), "process.json#/user/uid");
	t.equal(file.origin("/process/cwd"), "--cwd");
	t.equal(file.origin("/process/rlimits/0"), "config.json#/process/rlimits/0");
	t.equal(file.origin("/linux/seccomp"), "config.json#/linux/seccomp");
});
