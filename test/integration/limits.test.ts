import { readFileSync } from "node:fs";
import t from "tap";
import { defaultCapabilities } from "../support/config.js";
import { onNode, oursOnly, Runtime, unlessPeer } from "../support/runtime.js";
import { Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const sets = "grep ^Cap /proc/self/status";

const own = BigInt(`0x${/^CapBnd:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
const ungrantable =
	(own & (1n << 24n)) !== 0n
		? "this machine grants CAP_SYS_RESOURCE, all that the test knows to be ungrantable"
		: unlessPeer({ runc: "fails with EPERM", crun: "fails with EPERM" });

/** Numbers of linux/capability.h. */
const numbers: Record<string, number> = {
	CAP_CHOWN: 0,
	CAP_DAC_OVERRIDE: 1,
	CAP_FOWNER: 3,
	CAP_KILL: 5,
	CAP_SETGID: 6,
	CAP_SETUID: 7,
	CAP_SETPCAP: 8,
	CAP_NET_BIND_SERVICE: 10,
	CAP_NET_RAW: 13,
	CAP_SYS_CHROOT: 18,
	CAP_MKNOD: 27,
	CAP_AUDIT_WRITE: 29,
	CAP_SYSLOG: 34,
	CAP_BPF: 39,
};

function mask(names: string[]): string {
	let bits = 0n;
	for (const name of names) bits |= 1n << BigInt(numbers[name] ?? Number.NaN);
	return bits.toString(16).padStart(16, "0");
}

function parse(status: string): Record<string, string> {
	return Object.fromEntries(status.split("\n").map((line) => line.split(/:\s*/) as [string, string]));
}

t.test("five capability sets, each as it is written", async (t) => {
	const seen = space.inside(
		(config) => {
			config.process.capabilities = {
				bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SETPCAP"],
				permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
				effective: ["CAP_CHOWN", "CAP_KILL"],
				inheritable: ["CAP_CHOWN", "CAP_NET_RAW"],
				ambient: ["CAP_NET_RAW"],
			};
			config.process.user = { uid: 1000, gid: 1000 };
		},
		{ sets },
	);
	const found = parse(seen.sets);
	// execve(2) of a user that is not root: permitted and effective become the ambient set.
	t.same(found, {
		CapInh: mask(["CAP_CHOWN", "CAP_NET_RAW"]),
		CapPrm: mask(["CAP_NET_RAW"]),
		CapEff: mask(["CAP_NET_RAW"]),
		CapBnd: mask(["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SETPCAP"]),
		CapAmb: mask(["CAP_NET_RAW"]),
	});
});

t.test("those above 31 are in the other half of the kernel's sets", async (t) => {
	const names = ["CAP_CHOWN", "CAP_SYSLOG", "CAP_BPF"];
	const seen = space.inside(
		(config) => {
			const all = { bounding: names, permitted: names, effective: names, inheritable: names, ambient: names };
			config.process.capabilities = all;
			config.process.user = { uid: 1000, gid: 1000 };
		},
		{ sets },
	);
	for (const [name, value] of Object.entries(parse(seen.sets))) t.equal(value, mask(names), name);
});

t.test("what the caller has of ambient capabilities ends with the caller", async (t) => {
	const names = ["CAP_CHOWN", "CAP_NET_RAW"];
	const made = space.container((config) => {
		config.process.capabilities = { bounding: names, permitted: names, effective: names, inheritable: names };
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.args = ["/bin/grep", "^Cap", "/proc/self/status"];
	});
	const caller = ["setpriv", "--inh-caps", "+chown,+net_raw", "--ambient-caps", "+chown,+net_raw", "--"];
	const runtime = new Runtime(space.root, space.path("io"), caller);
	const result = new Container(made.id, made.bundle, runtime).run();
	t.equal(result.status, 0, result.stderr);
	t.match(parse(result.stdout.trim()), { CapInh: mask(names), CapPrm: mask([]), CapEff: mask([]), CapAmb: mask([]) });
});

t.test("a bounding set that can't be cut down is an error, not a larger one", { skip: oursOnly }, async (t) => {
	const made = space.container();
	const runtime = new Runtime(space.root, space.path("io"), ["setpriv", "--bounding-set", "-setpcap", "--"]);
	const result = new Container(made.id, made.bundle, runtime).create();
	t.equal(result.status, 1);
	t.match(result.error, /unable to apply caps: bound capabilities to .*: operation not permitted/);
});

t.test("root has what the bounding set leaves", async (t) => {
	const seen = space.inside(() => {}, { sets });
	const all = mask(defaultCapabilities);
	t.same(parse(seen.sets), { CapInh: mask([]), CapPrm: all, CapEff: all, CapBnd: all, CapAmb: mask([]) });
});

t.test("no capabilities at all", async (t) => {
	const questions = { sets, chown: "touch /tmp/f && chown 1 /tmp/f" };
	const empty = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
	for (const capabilities of [empty, {}]) {
		const seen = space.inside((config) => {
			config.process.capabilities = capabilities;
			config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" });
		}, questions);
		for (const [name, value] of Object.entries(parse(seen.sets))) t.equal(value, mask([]), name);
		t.match(seen.chown, /not permitted/);
	}
});

t.test("a user other than root without ambient capabilities has none", async (t) => {
	const seen = space.inside(
		(config) => {
			config.process.user = { uid: 1000, gid: 1000 };
		},
		{ sets },
	);
	const found = parse(seen.sets);
	t.equal(found.CapPrm, mask([]));
	t.equal(found.CapEff, mask([]));
	t.equal(found.CapBnd, mask(defaultCapabilities));
});

t.test("unknown and ungrantable capabilities warn and do not fail", async (t) => {
	// CAP_SYS_RESOURCE may be missing in this machine's bounding set; an unknown name is unknown everywhere.
	const container = space.container((config) => {
		config.process.capabilities = {
			bounding: ["CAP_CHOWN", "CAP_FLY"],
			effective: ["CAP_CHOWN", "CAP_FLY"],
			permitted: ["CAP_CHOWN", "CAP_FLY"],
		};
		config.process.args = ["/bin/grep", "CapBnd", "/proc/self/status"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout.trim(), `CapBnd:\t${mask(["CAP_CHOWN"])}`);
});

t.test("capabilities outside of the runtime's own bounding set are left out", { skip: ungrantable }, async (t) => {
	const names = ["CAP_CHOWN", "CAP_SYS_RESOURCE"];
	const seen = space.inside(
		(config) => {
			config.process.capabilities = {
				bounding: names,
				effective: names,
				permitted: names,
				inheritable: names,
				ambient: names,
			};
		},
		{ sets },
	);
	for (const [name, value] of Object.entries(parse(seen.sets))) t.equal(value, mask(["CAP_CHOWN"]), name);
});

t.test("resource limits are exact, those that are not named are the caller's", async (t) => {
	const infinity = 18446744073709551615n;
	const seen = space.inside(
		(config) => {
			config.process.rlimits = [
				{ type: "RLIMIT_NOFILE", soft: 123, hard: 456 },
				{ type: "RLIMIT_CORE", soft: 0, hard: infinity },
				{ type: "RLIMIT_CPU", soft: infinity, hard: infinity },
				{ type: "RLIMIT_STACK", soft: 8388608, hard: 9007199254740993n },
				{ type: "RLIMIT_DATA", soft: 9007199254740993n, hard: 9007199254740995n },
				{ type: "RLIMIT_MSGQUEUE", soft: 1000, hard: 2000 },
			];
		},
		{ limits: "probe limits" },
		{ shell: "ulimit -f 4096;" },
	);
	const found = new Set(seen.limits.split("\n"));
	for (const line of [
		"RLIMIT_NOFILE 123 456",
		`RLIMIT_CORE 0 ${infinity}`,
		`RLIMIT_CPU ${infinity} ${infinity}`,
		"RLIMIT_STACK 8388608 9007199254740993",
		"RLIMIT_DATA 9007199254740993 9007199254740995",
		"RLIMIT_MSGQUEUE 1000 2000",
		"RLIMIT_FSIZE 2097152 2097152",
	]) {
		t.ok(found.has(line), line);
	}
});

function openFiles(shell: string): string {
	const seen = space.inside(
		(config) => {
			delete config.process.rlimits;
			// Hooks get it as well.
			config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", hook] }] };
		},
		{ soft: "ulimit -Sn", hard: "ulimit -Hn" },
		{ shell },
	);
	return `${seen.soft} ${seen.hard}, in a hook ${readFileSync(space.path("limits"), "utf8").trim()}`;
}
const hook = `echo $(ulimit -Sn) $(ulimit -Hn) > ${space.path("limits")}`;

t.test(
	"an unset RLIMIT_NOFILE is the one that the runtime was started with",
	{
		skip:
			unlessPeer({ runc: "1.1 leaves what Go raised" }) || (onNode && "Node raises it, and only the parent's is known"),
	},
	async (t) => {
		// The shell execs the runtime, so its own limits, not its parent's, are the ones.
		t.equal(openFiles("ulimit -Sn 1000; ulimit -Hn 5000;"), "1000 5000, in a hook 1000 5000");
		t.equal(openFiles("ulimit -Sn 512;").split(" ")[0], "512", "the parent has the same hard limit");
		t.equal(openFiles("ulimit -Sn 5000; ulimit -Hn 5000;"), "5000 5000, in a hook 5000 5000");
		t.equal(openFiles("ulimit -Sn 40; ulimit -Hn 40;"), "40 40, in a hook 40 40", "a limit with no room to spare");
	},
);

t.test("on Node an unset RLIMIT_NOFILE is the parent's", { skip: !onNode && "Node's only" }, async (t) => {
	// A subshell is the parent here, and exits with the status of its child.
	t.equal(openFiles('ulimit -Sn 1000; ulimit -Hn 5000; "$@"; exit;'), "1000 5000, in a hook 1000 5000");
});

t.test("a limit that cannot be raised is an error that names it", async (t) => {
	const container = space.container((config) => {
		config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 4000000000, hard: 4000000000 }];
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /operation not permitted|Operation not permitted/);
});

nothingLeft(t, space);
