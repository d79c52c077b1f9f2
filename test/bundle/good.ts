/** Configurations that no rule has anything against, each near one that a rule refuses. */
import { type Case, userns, uts } from "./base.js";

export const GOOD: Case[] = [
	["base", () => {}],
	...["1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.0.2", "1.1.0+build.5", "1.2.1", "1.3.0-rc.1+dev", "1.3.9", "1.3.10"].map(
		(version): Case => [`ociVersion ${version}`, (c) => (c.ociVersion = version)],
	),
	["unknown properties", (c) => Object.assign(c, { solaris: 1, x: [null], root: { path: "r", flavour: {} } })],
	["null is nothing", (c) => Object.assign(c, { hooks: null, annotations: null, root: { path: "r", readonly: null } })],
	["empty namespace path", (c) => (c.linux.namespaces[0].path = "")],
	["no hostname, no uts namespace", (c) => uts(c) && delete c.hostname],
	["empty hostname, no uts namespace", (c) => uts(Object.assign(c, { hostname: "" }))],
	["user namespace", (c) => userns(c)],
	["user namespace joined", (c) => c.linux.namespaces.push({ type: "user", path: "/proc/7/ns/user" })],
	[
		"two ranges",
		(c) =>
			userns(c, [
				{ containerID: 0, hostID: 1000, size: 1 },
				{ containerID: 1, hostID: 1001, size: 9 },
			]),
	],
	["time namespace", (c) => c.linux.namespaces.push({ type: "time" })],
	[
		"time offsets",
		(c) => {
			c.linux.namespaces.push({ type: "time" });
			c.linux.timeOffsets = { monotonic: { secs: -5, nanosecs: 999999999 }, boottime: {} };
		},
	],
	["empty id mappings", (c) => Object.assign(c.mounts[1], { uidMappings: [], gidMappings: [] })],
	[
		"id mappings",
		(c) => {
			const mapping = [{ containerID: 0, hostID: 100000, size: 10 }];
			Object.assign(c.mounts[1], { uidMappings: mapping, gidMappings: mapping });
		},
	],
	[
		"idmap with the container's mapping",
		(c) => {
			userns(c);
			c.mounts[1].options.push("ridmap");
		},
	],
	["idmap with a mapping", (c) => c.mounts[1].options.push("idmap=uids=0-1-10#10-11-10;gids=0-100-10")],
	[
		"idmap with a relative mapping",
		(c) => {
			userns(c);
			c.mounts[1].options.push("idmap=uids=@0-1-10;gids=@5-0-1#6-6-1");
		},
	],
	["propagation only", (c) => c.mounts.push({ destination: "/", options: ["rslave"] })],
	["the same mount twice", (c) => c.mounts.push(c.mounts[0])],
	["pipe without numbers", (c) => (c.linux.devices = [{ type: "p", path: "/dev/pipe" }])],
	[
		"file type bits in fileMode",
		(c) => (c.linux.devices = [{ type: "b", path: "/dev/s", major: 8, minor: 0, fileMode: 24960 }]),
	],
	[
		"ipc sysctl",
		(c) => (c.linux.sysctl = { "kernel.shmmax": "1", "fs.mqueue.msg_max": "1", "net/ipv4/conf/eth0.1/rp_filter": "1" }),
	],
	["kernel.domainname", (c) => (c.linux.sysctl = { "kernel.domainname": "lan" })],
	[
		"errno with ERRNO and TRACE",
		(c) =>
			(c.linux.seccomp = {
				defaultAction: "SCMP_ACT_ERRNO",
				defaultErrnoRet: 38,
				syscalls: [{ names: ["a"], action: "SCMP_ACT_TRACE", errnoRet: 1 }],
			}),
	],
	[
		"listenerPath without NOTIFY",
		(c) => (c.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/s", listenerMetadata: "m" }),
	],
	["pids limits", (c) => (c.linux.resources = { pids: { limit: -1 } })],
	["swappiness", (c) => (c.linux.resources = { memory: { swappiness: 100 } })],
	["AppArmor off", (c) => (c.process.apparmorProfile = "unconfined")],
	["empty labels", (c) => Object.assign(c.process, { apparmorProfile: "", selinuxLabel: "" })],
	["empty root propagation", (c) => (c.linux.rootfsPropagation = "")],
	["root propagation of containerd", (c) => (c.linux.rootfsPropagation = "rslave")],
	["scheduler", (c) => (c.process.scheduler = { policy: "SCHED_FIFO", priority: 99, nice: -20 })],
	[
		"deadline scheduler",
		(c) => (c.process.scheduler = { policy: "SCHED_DEADLINE", runtime: 1024, deadline: 1024, period: 0 }),
	],
	["CPU affinity", (c) => (c.process.execCPUAffinity = { initial: "7", final: "0-3, 7,,8191" })],
	["preferred nowhere", (c) => (c.linux.memoryPolicy = { mode: "MPOL_PREFERRED" })],
	["nodes", (c) => (c.linux.memoryPolicy = { mode: "MPOL_INTERLEAVE", nodes: "0-1,1023" })],
	["execution domain", (c) => (c.linux.personality = { domain: "LINUX32", flags: [] })],
	["default class of service", (c) => (c.linux.intelRdt = { closID: "/" })],
	["no class of service", (c) => (c.linux.intelRdt = { closID: "", schemata: ["L2:0=f"] })],
	["a device twice", (c) => (c.linux.devices = [1, 2].map(() => ({ type: "c", path: "/dev/x", major: 1, minor: 1 })))],
	[
		"network devices",
		(c) =>
			(c.linux.netDevices = { eth0: {}, eth1: { name: "fifteen-letters" }, a: { name: "e%d" }, b: { name: "e%d" } }),
	],
	["no network devices", (c) => (c.linux.netDevices = {})],
];
