/** linux.namespaces "time" and linux.timeOffsets, by the clocks that a process of the container reads. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import t, { type Test } from "tap";
import type { Config } from "../support/config.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const tooOld = { skip: unlessPeer({ runc: "1.1 has no time namespaces", crun: "1.8 ignores some of it" }) };

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const base = 100_000;
const questions = {
	namespace: "readlink /proc/self/ns/time; readlink /proc/self/ns/time_for_children",
	offsets: "cat /proc/self/timens_offsets",
	monotonic: `/bin/probe clock ${CLOCK_MONOTONIC}`,
	boottime: `/bin/probe clock ${CLOCK_BOOTTIME}`,
	uptime: "cut -d' ' -f1 /proc/uptime",
	real: "date +%s",
};

/** The host's clocks in seconds; its uptime is that of CLOCK_BOOTTIME, its monotonic clock that of performance counters. */
function host(): { monotonic: number; boottime: number } {
	return {
		monotonic: Number(process.hrtime.bigint() / 1_000_000_000n),
		boottime: Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]),
	};
}

function seconds(answer: string): number {
	return Number(answer.replace(/^ok /, "")) / 1_000_000;
}

/** Offsets in seconds, within what the start of a container may take. */
function near(t: Test, found: number, expected: number, what: string): void {
	t.ok(Math.abs(found - expected) < 15, `${what}: ${found} is near ${expected}`);
}

function userNamespace(config: Config): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
}

for (const [name, prepare] of [
	["of the host's user namespace", () => {}],
	["of a new user namespace", userNamespace],
] as const) {
	t.test(`clocks with offsets, in a time namespace ${name}`, tooOld, async (t) => {
		const before = host();
		const seen = space.inside((config) => {
			prepare(config);
			config.linux.namespaces.push({ type: "time" });
			config.linux.timeOffsets = { monotonic: { secs: 1_000_000, nanosecs: 500 }, boottime: { secs: 2_000_000 } };
		}, questions);
		const [own, children] = seen.namespace.split("\n");
		t.not(own, readlinkSync("/proc/self/ns/time"));
		t.equal(own, children, "the process itself is in it, not only what it forks");
		t.match(seen.offsets, /^monotonic +1000000 +500\nboottime +2000000 +0$/);
		near(t, seconds(seen.monotonic), before.monotonic + 1_000_000, "CLOCK_MONOTONIC");
		near(t, seconds(seen.boottime), before.boottime + 2_000_000, "CLOCK_BOOTTIME");
		near(t, Number(seen.uptime), before.boottime + 2_000_000, "/proc/uptime");
		near(t, Number(seen.real), Date.now() / 1000, "the time of day is the host's");
	});
}

t.test("a negative offset, with nanoseconds that count upwards", tooOld, async (t) => {
	const before = host();
	// A machine that has just booted has no minute to take away.
	const back = Math.min(60, Math.floor(before.boottime / 2));
	const seen = space.inside((config) => {
		config.linux.namespaces.push({ type: "time" });
		config.linux.timeOffsets = { boottime: { secs: -back, nanosecs: 999_999_999 } };
	}, questions);
	t.match(seen.offsets, new RegExp(`boottime +-${back} +999999999`));
	near(t, seconds(seen.boottime), before.boottime - back + 1, "CLOCK_BOOTTIME");
	near(t, seconds(seen.monotonic), before.monotonic, "the other clock is as it was");
});

t.test("without offsets the clocks are the host's", tooOld, async (t) => {
	const before = host();
	const seen = space.inside((config) => {
		config.linux.namespaces.push({ type: "time" });
	}, questions);
	t.not(seen.namespace.split("\n")[0], readlinkSync("/proc/self/ns/time"));
	near(t, seconds(seen.boottime), before.boottime, "CLOCK_BOOTTIME");
});

t.test("a namespace is joined by its path, alone and with a user namespace of its own", tooOld, async (t) => {
	const holder = spawn("unshare", ["-T", "--boottime", "3000000", "--fork", "sh", "-c", "echo $PPID; exec sleep 60"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	try {
		await once(holder.stdout, "data");
		const path = `/proc/${holder.pid}/ns/time_for_children`;
		for (const prepare of [() => {}, userNamespace]) {
			const before = host();
			const seen = space.inside((config) => {
				prepare(config);
				config.linux.namespaces.push({ type: "time", path });
			}, questions);
			t.equal(seen.namespace.split("\n")[0], readlinkSync(path));
			near(t, Number(seen.uptime), before.boottime + 3_000_000, "/proc/uptime");
		}
	} finally {
		const pids = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8")
			.trim()
			.split(" ")
			.filter(Boolean);
		for (const pid of pids) process.kill(Number(pid), "SIGKILL");
		holder.kill("SIGKILL");
	}
});

t.test("a new time namespace in a user namespace that is joined", tooOld, async (t) => {
	const owner = space.container((config) => {
		userNamespace(config);
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(owner.create().status, 0);
	const { pid } = owner.state();
	const seen = space.inside((config) => {
		config.linux.namespaces.push({ type: "user", path: `/proc/${pid}/ns/user` }, { type: "time" });
		config.linux.timeOffsets = { boottime: { secs: 4_000_000 } };
	}, questions);
	t.match(seen.offsets, /boottime +4000000/);
	near(t, Number(seen.uptime), host().boottime + 4_000_000, "/proc/uptime");
	t.equal(owner.delete("--force").status, 0);
});

t.test("what is refused", tooOld, async (t) => {
	const cases: [string, (config: Config) => void, RegExp][] = [
		[
			"offsets without a namespace",
			(config) => {
				config.linux.timeOffsets = { boottime: { secs: 1 } };
			},
			/time namespace isn't enabled in the config/,
		],
		[
			"offsets for a namespace that is joined",
			(config) => {
				config.linux.namespaces.push({ type: "time", path: "/proc/self/ns/time" });
				config.linux.timeOffsets = { boottime: { secs: 1 } };
			},
			/both namespace path and time offsets/,
		],
		[
			"more nanoseconds than a second has",
			(config) => {
				config.linux.namespaces.push({ type: "time" });
				config.linux.timeOffsets = { boottime: { nanosecs: 1_000_000_000 } };
			},
			/timeOffsets\/boottime\/nanosecs.*expected less than 1000000000/,
		],
		[
			"a clock before its zero",
			(config) => {
				config.linux.namespaces.push({ type: "time" });
				config.linux.timeOffsets = { boottime: { secs: -9_000_000_000 } };
			},
			/numerical result out of range.*linux\/timeOffsets/,
		],
		[
			"a clock beyond what the kernel counts",
			(config) => {
				config.linux.namespaces.push({ type: "time" });
				config.linux.timeOffsets = { monotonic: { secs: 9_223_372_036_854_775_807n } };
			},
			/numerical result out of range.*linux\/timeOffsets/,
		],
		[
			"a path to another kind of namespace",
			(config) => config.linux.namespaces.push({ type: "time", path: "/proc/self/ns/uts" }),
			/invalid argument.*linux\/namespaces/,
		],
	];
	for (const [what, edit, message] of cases) {
		const result = space.container((config) => void edit(config)).create();
		t.equal(result.status, 1, what);
		t.match(result.stderr, message, what);
	}
});

nothingLeft(t, space);
