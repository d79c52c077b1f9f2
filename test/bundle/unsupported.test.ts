import t from "tap";
import { UNSUPPORTED } from "../../src/bundle/unsupported.js";
import { bentText, type Case, said } from "./base.js";

const NOT_YET: Case[] = [
	[
		"netDevices",
		(c) => (c.linux.netDevices = { eth0: {} }),
		"config.json#/linux/netDevices: moving network devices is not supported yet",
	],
	[
		"memoryPolicy",
		(c) => (c.linux.memoryPolicy = { mode: "MPOL_LOCAL" }),
		"config.json#/linux/memoryPolicy: a NUMA memory policy is not supported yet",
	],
	[
		"intelRdt",
		(c) => (c.linux.intelRdt = { closID: "x" }),
		"config.json#/linux/intelRdt: Intel RDT is not supported yet",
	],
	[
		"personality",
		(c) => (c.linux.personality = { domain: "LINUX32" }),
		"config.json#/linux/personality: an execution domain is not supported yet",
	],
	[
		"scheduler",
		(c) => (c.process.scheduler = { policy: "SCHED_BATCH" }),
		"config.json#/process/scheduler: a scheduling policy is not supported yet",
	],
	[
		"ioPriority",
		(c) => (c.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 4 }),
		"config.json#/process/ioPriority: an I/O priority is not supported yet",
	],
	[
		"selinuxLabel",
		(c) => (c.process.selinuxLabel = "system_u:system_r:container_t:s0"),
		"config.json#/process/selinuxLabel: an SELinux label is not supported yet",
	],
	[
		"mountLabel",
		(c) => (c.linux.mountLabel = "x"),
		"config.json#/linux/mountLabel: an SELinux mount label is not supported yet",
	],
	[
		"apparmorProfile",
		(c) => (c.process.apparmorProfile = "docker-default"),
		"config.json#/process/apparmorProfile: an AppArmor profile is not supported yet",
	],
	[
		"execCPUAffinity",
		(c) => (c.process.execCPUAffinity = { initial: "0" }),
		"warning: config.json#/process/execCPUAffinity: is used by exec only, and exec does not support it yet",
	],
];

for (const [name, bend, ...expected] of NOT_YET) {
	t.test(name, async (t) => {
		t.same(said(bentText(bend)), expected);
	});
}

t.test("every gap is tested", async (t) => {
	const lines = NOT_YET.flatMap(([, , ...expected]) => expected).join("\n");
	for (const { feature } of UNSUPPORTED) t.ok(lines.includes(`${feature} is not supported yet`), feature);
});
