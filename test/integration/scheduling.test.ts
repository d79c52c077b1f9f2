/** process.scheduler, ioPriority, execCPUAffinity; linux.memoryPolicy, personality: what the kernel says to the program. */
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { program } from "../support/programs.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const newer = { runc: "1.1.5 does not know the property", crun: "1.8.1 does not know the property" };
const questions = {
	scheduler: "kernel scheduler",
	ioPriority: "kernel io-priority",
	memoryPolicy: "kernel memory-policy",
	persona: "kernel persona",
	status: "grep Cpus_allowed_list /proc/self/status",
};

function ask(edit: (config: Config) => void) {
	return space.inside(withProgram(edit), questions);
}

/** Without CONFIG_RT_GROUP_SCHED there is no budget to lack. */
const hasBudgets = existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us");
const [major = 0, minor = 0] = release().split(".").map(Number);
const hasWeights = major > 6 || (major === 6 && minor >= 9);

/** The error that create fails with. */
function refused(edit: (config: Config) => void): string {
	const container = space.container(withProgram(edit));
	const result = container.create();
	t.equal(result.status, 1);
	return result.error || result.stderr;
}

function withProgram(edit: (config: Config) => void): Edit {
	return (config, bundle) => {
		copyFileSync(program("kernel"), join(bundle.rootfs, "bin/kernel"));
		edit(config);
	};
}

/** Where the kernel has CONFIG_RT_GROUP_SCHED, a new cgroup of v1 has no real-time budget; this hook gives it one. */
function giveBudget(config: Config): void {
	const file = `/sys/fs/cgroup/cpu${config.linux.cgroupsPath}/cpu.rt_runtime_us`;
	const script = `if [ -e ${file} ]; then echo 1000 > ${file}; fi`;
	config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
}

t.test("nothing is set where the configuration is silent", async (t) => {
	const seen = ask(() => {});
	t.equal(seen.scheduler, "policy 0 nice 0 priority 0 flags 0");
	t.equal(seen.memoryPolicy, "mode 0 flags 0 nodes 0");
	t.match(seen.persona, /^0 /);
});

t.test("scheduling policies", { skip: unlessPeer(newer) }, async (t) => {
	const scheduler = (value: NonNullable<Config["process"]["scheduler"]>, budget = false) =>
		ask((config) => {
			config.process.scheduler = value;
			if (budget) giveBudget(config);
		}).scheduler;
	t.match(scheduler({ policy: "SCHED_OTHER", nice: 5 }), /^policy 0 nice 5 priority 0 flags 0$/);
	t.match(scheduler({ policy: "SCHED_OTHER", nice: -7 }), /^policy 0 nice -7 /);
	t.match(scheduler({ policy: "SCHED_BATCH", nice: 19 }), /^policy 3 nice 19 /);
	t.match(scheduler({ policy: "SCHED_IDLE" }), /^policy 5 /);
	t.match(
		scheduler({ policy: "SCHED_FIFO", priority: 10, flags: ["SCHED_FLAG_RESET_ON_FORK"] }, true),
		/^policy 0 nice 0 /,
		"the shell forks the question",
	);
});

/** What the program itself has, without the fork of a shell. */
const own = (value: NonNullable<Config["process"]["scheduler"]>, budget = false) => {
	const container = space.container(
		withProgram((config) => {
			config.process.args = ["/bin/kernel", "scheduler"];
			config.process.scheduler = value;
			if (budget) giveBudget(config);
		}),
	);
	const result = container.run();
	if (result.status !== 0) throw new Error(result.stderr);
	return result.stdout.trim();
};

t.test("what the program itself has, without a fork", { skip: unlessPeer(newer) }, async (t) => {
	t.equal(own({ policy: "SCHED_FIFO", priority: 10 }, true), "policy 1 nice 0 priority 10 flags 0");
	t.equal(
		own({ policy: "SCHED_RR", priority: 99, flags: ["SCHED_FLAG_RESET_ON_FORK"] }, true),
		"policy 2 nice 0 priority 99 flags 1",
	);
	t.match(own({ policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_KEEP_POLICY"] }), /^policy 0 nice 3 /);
	t.match(own({ policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_KEEP_PARAMS"] }), /^policy 0 nice 0 /);
});

/** sched_setattr(2): SCHED_DEADLINE takes a process that may run on all CPUs of its root domain. */
const someCpus =
	/^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] !==
		readFileSync("/sys/devices/system/cpu/online", "utf8").trim() && "the tests may not run on all CPUs";
t.test("SCHED_DEADLINE", { skip: unlessPeer(newer) || someCpus }, async (t) => {
	t.equal(
		own({
			policy: "SCHED_DEADLINE",
			runtime: 1_000_000,
			deadline: 20_000_000,
			period: 100_000_000,
			flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN"],
		}),
		"policy 6 nice 0 priority 0 flags 7 runtime 1000000 deadline 20000000 period 100000000",
	);
	t.equal(
		own({ policy: "SCHED_DEADLINE", runtime: 1_000_000, deadline: 20_000_000 }),
		"policy 6 nice 0 priority 0 flags 0 runtime 1000000 deadline 20000000 period 20000000",
	);
});

const noBudgets = hasBudgets ? unlessPeer(newer) : "the kernel has no real-time budgets of cgroups";
t.test("a real-time policy without a budget is refused, naming the value", { skip: noBudgets }, async (t) => {
	const fifo = refused((config) => {
		config.process.scheduler = { policy: "SCHED_FIFO", priority: 1 };
	});
	t.match(
		fifo,
		/error setting scheduler: .*operation not permitted \(config\.json#\/process\/scheduler\)/,
		"no real-time budget",
	);
});

t.test("what the kernel refuses is an error that names the value", { skip: unlessPeer(newer) }, async (t) => {
	const clamp = refused((config) => {
		config.process.scheduler = { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_UTIL_CLAMP_MIN"] };
	});
	t.match(clamp, /error setting scheduler: .*operation not supported/);
	const node = refused((config) => {
		config.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "1000" };
	});
	t.match(node, /error setting memory policy: .*invalid argument \(config\.json#\/linux\/memoryPolicy\)/);
});

t.test("for a user without privileges, and in a user namespace", { skip: oursOnly }, async (t) => {
	const unprivileged = (config: Config): void => {
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.capabilities = {};
	};
	const mapped = (config: Config): void => {
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
	};
	for (const edit of [unprivileged, mapped]) {
		const nice = ask((config) => {
			edit(config);
			config.process.scheduler = { policy: "SCHED_OTHER", nice: -7 };
			config.process.ioPriority = { class: "IOPRIO_CLASS_RT", priority: 3 };
		});
		t.match(nice.scheduler, /^policy 0 nice -7 /);
		t.equal(nice.ioPriority, "class 1 priority 3, group class 1 priority 3");
		const container = space.container(
			withProgram((config) => {
				edit(config);
				giveBudget(config);
				config.process.args = ["/bin/kernel", "scheduler"];
				config.process.scheduler = { policy: "SCHED_FIFO", priority: 4 };
			}),
		);
		const created = container.create();
		t.equal(created.status, 0, created.stderr);
		t.equal(container.start().status, 0);
		await container.printed("policy 1 nice 0 priority 4 flags 0\n");
		t.equal(container.delete("--force").status, 0);
	}
	const error = refused((config) => {
		mapped(config);
		config.process.scheduler = { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_UTIL_CLAMP_MIN"] };
	});
	t.match(error, /error setting scheduler: .*operation not supported \(config\.json#\/process\/scheduler\)/);
});

t.test("I/O priority", { skip: unlessPeer(newer) }, async (t) => {
	const priority = (value: NonNullable<Config["process"]["ioPriority"]>) =>
		ask((config) => {
			config.process.ioPriority = value;
		}).ioPriority;
	t.equal(priority({ class: "IOPRIO_CLASS_BE", priority: 6 }), "class 2 priority 6, group class 2 priority 6");
	t.equal(priority({ class: "IOPRIO_CLASS_RT", priority: 0 }), "class 1 priority 0, group class 1 priority 0");
	t.match(priority({ class: "IOPRIO_CLASS_IDLE", priority: 7 }), /^class 3 priority 7/);
});

t.test("memory policy", { skip: unlessPeer(newer) }, async (t) => {
	const policy = (value: NonNullable<Config["linux"]["memoryPolicy"]>) =>
		ask((config) => {
			config.linux.memoryPolicy = value;
		}).memoryPolicy;
	// The machine has one node.
	t.equal(policy({ mode: "MPOL_DEFAULT" }), "mode 0 flags 0 nodes 0");
	t.equal(policy({ mode: "MPOL_PREFERRED", nodes: "0" }), "mode 1 flags 0 nodes 0x1");
	t.equal(policy({ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }), "mode 2 flags 0x8000 nodes 0x1");
	t.equal(policy({ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] }), "mode 2 flags 0x2000 nodes 0x1");
	t.equal(
		policy({ mode: "MPOL_INTERLEAVE", nodes: " 0, ", flags: ["MPOL_F_RELATIVE_NODES"] }),
		"mode 3 flags 0x4000 nodes 0x1",
	);
	t.equal(policy({ mode: "MPOL_LOCAL" }), "mode 4 flags 0 nodes 0");
	t.equal(policy({ mode: "MPOL_PREFERRED_MANY", nodes: "0" }), "mode 5 flags 0 nodes 0x1");
	const weighted = { mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0" };
	if (hasWeights) t.equal(policy(weighted), "mode 6 flags 0 nodes 0x1");
	else
		t.throws(
			() => policy(weighted),
			/set the memory policy to MPOL_WEIGHTED_INTERLEAVE.*invalid argument/,
			"Linux 6.9",
		);
	const numa = space.inside(
		(config) => {
			config.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0" };
		},
		{ maps: "head -1 /proc/self/numa_maps" },
	);
	t.match(numa.maps, / bind:0 /, "and the memory of the program obeys it");
});

t.test(
	"execution domain",
	{ skip: process.arch === "x64" ? unlessPeer({ runc: newer.runc }) : "x86_64 only" },
	async (t) => {
		const domain = (value: string) =>
			ask((config) => {
				config.linux.personality = { domain: value };
			}).persona;
		t.equal(domain("LINUX32"), "0x8 i686");
		t.equal(domain("LINUX"), "0 x86_64");
	},
);

t.test("execCPUAffinity is not for the container's first process", async (t) => {
	const without = ask(() => {}).status;
	const seen = ask((config) => {
		config.process.execCPUAffinity = { initial: "0", final: "0" };
	});
	t.equal(seen.status, without);
});

nothingLeft(t, space);
