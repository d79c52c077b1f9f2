/** What the rules about scheduling, memory policy, execution domain and Intel RDT refuse. */
import type { Bent, Case } from "./base.js";

const scheduler = (value: object) => (c: Bent) => (c.process.scheduler = value);
const memory = (value: object) => (c: Bent) => (c.linux.memoryPolicy = value);
const affinity = (value: object) => (c: Bent) => (c.process.execCPUAffinity = value);
const closID = (value: string) => (c: Bent) => (c.linux.intelRdt = { closID: value });
const at = "config.json#/process/scheduler";
const policy = "config.json#/linux/memoryPolicy";

export const BAD_PROCESSES: Case[] = [
	[
		"SCHED_ISO",
		scheduler({ policy: "SCHED_ISO" }),
		`${at}/policy: SCHED_ISO is a name that Linux reserves; no kernel has this policy`,
	],
	[
		"SCHED_FIFO without priority",
		scheduler({ policy: "SCHED_FIFO" }),
		`${at}/priority: expected a priority from 1 to 99 for SCHED_FIFO; found 0`,
	],
	[
		"SCHED_RR over the top",
		scheduler({ policy: "SCHED_RR", priority: 100 }),
		`${at}/priority: expected a priority from 1 to 99 for SCHED_RR; found 100`,
	],
	[
		"priority of SCHED_OTHER",
		scheduler({ policy: "SCHED_OTHER", priority: 1 }),
		`${at}/priority: scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR; found 1`,
	],
	["nice", scheduler({ policy: "SCHED_BATCH", nice: 20 }), `${at}/nice: expected an integer from -20 to 19; found 20`],
	[
		"deadline of SCHED_FIFO",
		scheduler({ policy: "SCHED_FIFO", priority: 1, runtime: 1, deadline: 2, period: 3 }),
		`${at}/runtime: scheduler.runtime can only be specified for SCHED_DEADLINE`,
		`${at}/deadline: scheduler.deadline can only be specified for SCHED_DEADLINE`,
		`${at}/period: scheduler.period can only be specified for SCHED_DEADLINE`,
	],
	[
		"SCHED_DEADLINE without runtime",
		scheduler({ policy: "SCHED_DEADLINE", deadline: 5000 }),
		`${at}/runtime: expected at least 1024 ns for SCHED_DEADLINE; found 0`,
	],
	[
		"deadline before runtime",
		scheduler({ policy: "SCHED_DEADLINE", runtime: 5000, deadline: 4000 }),
		`${at}/deadline: expected at least the runtime, 5000 ns; found 4000`,
	],
	[
		"period before deadline",
		scheduler({ policy: "SCHED_DEADLINE", runtime: 2000, deadline: 4000, period: 3000 }),
		`${at}/period: expected at least the deadline, 4000 ns; found 3000`,
	],
	[
		"CPU list",
		affinity({ initial: "3-1", final: "0 1" }),
		"config.json#/process/execCPUAffinity/initial: expected ranges with the smaller number first; found 3-1",
		'config.json#/process/execCPUAffinity/final: expected a list like 0-3,7; found "0 1" in it',
	],
	[
		"CPU list without CPUs",
		affinity({ initial: " , ", final: "" }),
		'config.json#/process/execCPUAffinity/initial: expected at least one CPU; found " , "',
	],
	[
		"CPU beyond the last",
		affinity({ final: "8192" }),
		"config.json#/process/execCPUAffinity/final: expected numbers below 8192; found 8192",
	],
	[
		"nodes of MPOL_LOCAL",
		memory({ mode: "MPOL_LOCAL", nodes: "0-1" }),
		`${policy}/nodes: memory policy MPOL_LOCAL takes no nodes; found 2`,
	],
	[
		"MPOL_BIND without nodes",
		memory({ mode: "MPOL_BIND", nodes: "" }),
		`${policy}/nodes: memory policy MPOL_BIND requires at least one node`,
	],
	[
		"list of nodes",
		memory({ mode: "MPOL_BIND", nodes: "0,x" }),
		`${policy}/nodes: expected a list like 0-3,7; found "x" in it`,
	],
	[
		"flags of a memory policy",
		memory({ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"] }),
		`${policy}/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`,
	],
	[
		"flags of an execution domain",
		(c) => (c.linux.personality = { domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"] }),
		"config.json#/linux/personality/flags: no flag of an execution domain is supported",
	],
	...["..", ".", "a/b"].map(
		(id): Case => [
			`closID ${id}`,
			closID(id),
			`config.json#/linux/intelRdt/closID: invalid intelRdt.ClosID ${JSON.stringify(id)}`,
		],
	),
];
