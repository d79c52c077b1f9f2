import { arch } from "node:os";
import t from "tap";
import type { Config, Syscall } from "../support/config.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const flagsSkip = arch() === "x64" ? unlessPeer({ runc: "1.1.5 has no flags" }) : "checks 32-bit x86 beside x86-64";
const status = "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status";

const filter =
	(syscalls: Syscall[], more: Partial<NonNullable<Config["linux"]["seccomp"]>> = {}) =>
	(config: Config): void => {
		config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls, ...more };
	};

t.test("errno actions: default, given, default of the profile", async (t) => {
	const questions = {
		status,
		mkdir: "probe call mkdir /tmp/d",
		personality: "probe call personality 0xffffffff",
		other: "probe call getcwd",
	};
	const seen = space.inside(
		filter([
			{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" },
			{ names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 28 },
		]),
		questions,
	);
	t.match(seen.status, /Seccomp:\t2/);
	t.equal(seen.mkdir, "EPERM");
	t.equal(seen.personality, "ENOSPC");
	t.match(seen.other, /^ok/);

	const listed = space.inside((config) => {
		// Everything that busybox and the start of a container need is allowed but two.
		config.linux.seccomp = {
			defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{ names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 0 }],
		};
	}, questions);
	t.equal(listed.personality, "ok 0", "errno 0: the call does nothing and succeeds");
});

t.test("the default action with defaultErrnoRet takes what is not listed", async (t) => {
	const allowed = (
		"access arch_prctl brk capget capset chdir clone clone3 close close_range dup dup2 dup3 execve execveat exit " +
		"exit_group faccessat faccessat2 fchdir fcntl fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getpid " +
		"getppid getrandom gettid getuid ioctl lseek mmap mprotect munmap nanosleep newfstatat open openat openat2 pipe2 " +
		"poll ppoll prctl prlimit64 read readlink readlinkat recvmsg restart_syscall rseq rt_sigaction rt_sigprocmask " +
		"rt_sigreturn sendmsg sendto set_robust_list set_tid_address setgid setgroups setresgid setresuid setuid " +
		"sched_getaffinity sigaltstack stat statx tgkill epoll_ctl epoll_pwait madvise uname umask vfork wait4 waitid write writev"
	).split(" ");
	const seen = space.inside(
		filter([{ names: allowed, action: "SCMP_ACT_ALLOW" }], { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 61 }),
		{ mkdir: "probe call mkdir /tmp/d", personality: "probe call personality 0xffffffff", getcwd: "probe call getcwd" },
	);
	t.equal(seen.mkdir, "ENODATA");
	t.equal(seen.personality, "ENODATA");
	t.match(seen.getcwd, /^ok/);
});

t.test("a profile need not know the system calls of the runtime", async (t) => {
	// What a static busybox needs to print a file, and capset(2).
	const names = (
		"arch_prctl brk capset close execve exit_group fcntl fstat getgid getrandom getuid mmap mprotect munmap newfstatat open " +
		"openat prctl prlimit64 read readlink rseq sendfile set_robust_list set_tid_address setgid setuid stat write"
	).split(" ");
	for (const noNewPrivileges of [true, false]) {
		const container = space.container((config) => {
			config.linux.seccomp = {
				defaultAction: "SCMP_ACT_KILL_PROCESS",
				syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
			};
			config.process.noNewPrivileges = noNewPrivileges;
			config.process.user = { uid: 1000, gid: 1000 };
			config.process.cwd = "/tmp";
			config.process.capabilities = { bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"] };
			config.process.args = ["/bin/cat", "/proc/self/status"];
		});
		// By create and start, too: the filter then has to wait for start with the init.
		if (noNewPrivileges) t.equal(container.run().status, 0);
		else {
			t.equal(container.create().status, 0);
			t.equal(container.start().status, 0);
			await container.stopped();
		}
		const status = container.output;
		t.match(status, new RegExp(`NoNewPrivs:\\t${Number(noNewPrivileges)}\\nSeccomp:\\t2\\nSeccomp_filters:\\t1`));
		// Nothing of what the runtime kept to load the filter with: not root, and not ambient, the program holds nothing.
		for (const set of ["Inh", "Prm", "Eff", "Amb"]) t.match(status, new RegExp(`Cap${set}:\\t0{16}\\n`));
		t.match(status, /CapBnd:\t0{14}20\n/);
		container.delete("--force");
	}
});

t.test("a root program holds its own capabilities and no other", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] };
			config.process.noNewPrivileges = false;
			const names = ["CAP_KILL", "CAP_CHOWN"];
			config.process.capabilities = {
				bounding: names,
				permitted: names,
				effective: names,
				inheritable: [],
				ambient: [],
			};
		},
		{ caps: "grep ^Cap /proc/self/status" },
	);
	t.match(seen.caps, /CapPrm:\t0{14}21\nCapEff:\t0{14}21\nCapBnd:\t0{14}21/);
});

t.test("argument comparisons, with all 64 bits", async (t) => {
	const refuse = (index: number, op: string, value: number, valueTwo?: number): Syscall => ({
		names: ["lseek"],
		action: "SCMP_ACT_ERRNO",
		errnoRet: 95,
		args: [{ index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }],
	});
	const call = (value: string) => `probe call lseek ${value}`;
	// The call itself fails with EBADF: that answer means the filter let it through.
	for (const [rule, caught, passed] of [
		[refuse(1, "SCMP_CMP_EQ", 4294967297), ["0x100000001"], ["1", "0x200000001"]],
		[refuse(1, "SCMP_CMP_NE", 4294967297), ["1", "0x200000001"], ["0x100000001"]],
		[refuse(1, "SCMP_CMP_LT", 4294967296), ["1", "0xffffffff"], ["0x100000000"]],
		[refuse(1, "SCMP_CMP_LE", 4294967296), ["1", "0x100000000"], ["0x100000001"]],
		[refuse(1, "SCMP_CMP_GE", 4294967296), ["0x100000000", "0x7000000000000000"], ["0xffffffff"]],
		[refuse(1, "SCMP_CMP_GT", 4294967296), ["0x100000001"], ["0x100000000"]],
		[refuse(1, "SCMP_CMP_MASKED_EQ", 0xf0, 0x30), ["0x30", "0x13a"], ["0x31", "0x40"]],
	] as const) {
		const [{ op } = { op: "" }] = rule.args ?? [];
		if (op === "SCMP_CMP_MASKED_EQ") {
			// value is the mask, valueTwo what must be left of it.
			t.same(caughtBy(rule, ["0x30", "0x13a", "0x40"]), ["EOPNOTSUPP", "EOPNOTSUPP", "EBADF"], op);
			continue;
		}
		t.same(
			caughtBy(rule, [...caught]),
			caught.map(() => "EOPNOTSUPP"),
			`${op} catches ${caught}`,
		);
		t.same(
			caughtBy(rule, [...passed]),
			passed.map(() => "EBADF"),
			`${op} lets through ${passed}`,
		);
	}
	function caughtBy(rule: Syscall, values: string[]): string[] {
		const seen = space.inside(filter([rule]), Object.fromEntries(values.map((value) => [value, call(value)])));
		return Object.values(seen);
	}
});

t.test("several rules for one call", async (t) => {
	const rule = (value: number): Syscall => ({
		names: ["socket"],
		action: "SCMP_ACT_ERRNO",
		errnoRet: 97,
		args: [{ index: 0, value, op: "SCMP_CMP_EQ" }],
	});
	const seen = space.inside(filter([rule(2), rule(16)]), {
		inet: "probe call socket 2",
		netlink: "probe call socket 16",
		unix: "probe call socket 1",
	});
	t.equal(seen.inet, "EAFNOSUPPORT");
	t.not(seen.netlink, "ok");
	t.match(seen.unix, /^ok/);
});

t.test("kill, trap, log", async (t) => {
	const seen = space.inside(
		filter([
			{ names: ["personality"], action: "SCMP_ACT_KILL_PROCESS" },
			{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_TRAP" },
			{ names: ["getpriority"], action: "SCMP_ACT_LOG" },
		]),
		{
			kill: "probe call personality 0; echo $?",
			trap: "probe call mkdir /tmp/d; echo $?",
			log: "probe call getpriority",
		},
	);
	t.match(seen.kill, /159$/, "SIGSYS");
	t.match(seen.trap, /159$/);
	t.match(seen.log, /^ok/);
});

t.test("architectures and flags", { skip: flagsSkip }, async (t) => {
	const seen = space.inside(
		filter([{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }], {
			architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
			flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
		}),
		{ mkdir: "probe call mkdir /tmp/d", speculation: "grep Speculation_Store_Bypass /proc/self/status" },
	);
	t.equal(seen.mkdir, "EPERM");
	t.notMatch(seen.speculation, /force mitigated|seccomp mitigated/);
});

t.test("system calls that this libseccomp does not know are skipped", async (t) => {
	const seen = space.inside(filter([{ names: ["no_such_call", "mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }]), {
		mkdir: "probe call mkdir /tmp/d",
	});
	t.equal(seen.mkdir, "EPERM");
});

t.test("the filter holds without no_new_privs too, and for another user", async (t) => {
	for (const noNewPrivileges of [true, false]) {
		const seen = space.inside(
			(config) => {
				filter([{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }])(config);
				config.process.noNewPrivileges = noNewPrivileges;
				config.process.user = { uid: 1000, gid: 1000 };
			},
			{ mkdir: "probe call mkdir /tmp/d", status },
		);
		t.equal(seen.mkdir, "EOPNOTSUPP");
		t.match(seen.status, new RegExp(`NoNewPrivs:\t${noNewPrivileges ? 1 : 0}`));
	}
});

t.test("a profile that refuses everything, exit included, ends the container", async (t) => {
	const container = space.container((config) => {
		config.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [] };
	});
	const started = Date.now();
	const { status } = container.run([], { timeoutMs: 20_000 });
	t.not(status, 0);
	t.not(status, null, "it ended by itself");
	t.ok(Date.now() - started < 10_000, "it did not go round and round");
});

t.test("create and start, with no_new_privs and without", async (t) => {
	for (const noNewPrivileges of [true, false]) {
		const container = space.container((config) => {
			filter([{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }])(config);
			config.process.noNewPrivileges = noNewPrivileges;
			config.process.args = ["/bin/probe", "call", "mkdir", "/tmp/d"];
		});
		t.equal(container.create().status, 0);
		t.equal(container.start().status, 0);
		await container.printed("EOPNOTSUPP");
		await container.stopped();
		t.equal(container.delete().status, 0);
	}
});

t.test(
	"an unknown action, operator, architecture or flag is an error",
	{ skip: unlessPeer({ runc: "1.1.5 has no flags", crun: "1.8 ignores unknown flags" }) },
	async (t) => {
		const edits: ((config: Config) => void)[] = [
			filter([{ names: ["mkdir"], action: "SCMP_ACT_DANCE" }]),
			filter([{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", args: [{ index: 0, value: 1, op: "SCMP_CMP_LIKE" }] }]),
			filter([], { architectures: ["SCMP_ARCH_ABACUS"] }),
			filter([], { flags: ["SECCOMP_FILTER_FLAG_DANCE"] }),
			filter([], { defaultAction: "SCMP_ACT_DANCE" }),
		];
		for (const edit of edits) {
			const result = space.container(edit).create();
			t.equal(result.status, 1);
			t.match(result.error, /DANCE|LIKE|ABACUS/);
		}
	},
);

nothingLeft(t, space);
