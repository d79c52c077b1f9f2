/**
 * A config.json in pieces that together have every property of the specification. Each is compiled by itself, so that
 * one that is refused does not hide the others.
 */
import { type Bent, userns } from "../bundle/base.js";

export type Piece = [name: string, bend: (config: Bent) => void];

const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
const hook = { path: "/bin/hook", args: ["hook", "x"], env: ["A=b"], timeout: 5 };
const resources = (value: object) => (c: Bent) => (c.linux.resources = value);

export const PIECES: Piece[] = [
	["the base", () => {}],
	["root.readonly", (c) => (c.root.readonly = true)],
	["names", (c) => Object.assign(c, { hostname: "h", domainname: "d" })],
	["annotations", (c) => (c.annotations = { a: "b" })],
	["terminal", (c) => Object.assign(c.process, { terminal: true, consoleSize: { height: 24, width: 80 } })],
	["user", (c) => (c.process.user = { uid: 1, gid: 2, umask: 18, additionalGids: [3] })],
	[
		"capabilities",
		(c) => {
			const names = ["CAP_KILL"];
			c.process.capabilities = {
				bounding: names,
				effective: names,
				inheritable: names,
				permitted: names,
				ambient: names,
			};
		},
	],
	["rlimits", (c) => (c.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }])],
	["noNewPrivileges", (c) => (c.process.noNewPrivileges = true)],
	["oomScoreAdj", (c) => (c.process.oomScoreAdj = 5)],
	["apparmorProfile", (c) => (c.process.apparmorProfile = "docker-default")],
	["selinuxLabel", (c) => (c.process.selinuxLabel = "u:r:t:s0")],
	["mountLabel", (c) => (c.linux.mountLabel = "u:r:t:s0")],
	[
		"scheduler, by nice value",
		(c) => (c.process.scheduler = { policy: "SCHED_OTHER", nice: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] }),
	],
	["scheduler, by priority", (c) => (c.process.scheduler = { policy: "SCHED_FIFO", priority: 5 })],
	[
		"scheduler, by deadline",
		(c) => (c.process.scheduler = { policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 2000000, period: 3000000 }),
	],
	["ioPriority", (c) => (c.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 4 })],
	["execCPUAffinity", (c) => (c.process.execCPUAffinity = { initial: "0", final: "0" })],
	["id-mapped mount", (c) => Object.assign(c.mounts[1], { uidMappings: mapping, gidMappings: mapping })],
	...["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"].map(
		(stage): Piece => [stage, (c) => (c.hooks = { [stage]: [hook] })],
	),
	["joined namespace", (c) => (c.linux.namespaces[1].path = "/proc/7/ns/net")],
	["user namespace", (c) => userns(c)],
	[
		"time namespace",
		(c) => {
			c.linux.namespaces.push({ type: "time" });
			c.linux.timeOffsets = { monotonic: { secs: 1, nanosecs: 2 }, boottime: { secs: 3, nanosecs: 4 } };
		},
	],
	[
		"devices",
		(c) => (c.linux.devices = [{ type: "c", path: "/dev/x", major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0 }]),
	],
	["netDevices", (c) => (c.linux.netDevices = { eth0: { name: "eth1" } })],
	["cgroupsPath", (c) => (c.linux.cgroupsPath = "/x")],
	["devices of the cgroup", resources({ devices: [{ allow: true, type: "c", major: 1, minor: 3, access: "rwm" }] })],
	["memory", resources({ memory: { limit: 1e9, reservation: 1e8, swap: 2e9, checkBeforeUpdate: true } })],
	[
		"memory of v1",
		resources({
			memory: { limit: 1e9, kernelTCP: 1e9, swappiness: 5, disableOOMKiller: true, useHierarchy: true },
		}),
	],
	[
		"cpu",
		resources({ cpu: { shares: 100, quota: 50000, burst: 1000, period: 100000, cpus: "0", mems: "0", idle: 0 } }),
	],
	["cpu.realtimeRuntime", resources({ cpu: { realtimeRuntime: 1000 } })],
	["cpu.realtimePeriod", resources({ cpu: { realtimePeriod: 100000 } })],
	["no useHierarchy", resources({ memory: { useHierarchy: false } })],
	["memory.kernel", resources({ memory: { kernel: 1e9 } })],
	["pids", resources({ pids: { limit: 5 } })],
	...["Read", "Write"].flatMap((direction) =>
		["Bps", "IOPS"].map((unit): Piece => {
			const name = `throttle${direction}${unit}Device`;
			return [name, resources({ blockIO: { [name]: [{ major: 8, minor: 0, rate: 1000 }] } })];
		}),
	),
	["blockIO.weight", resources({ blockIO: { weight: 100 } })],
	["blockIO.leafWeight", resources({ blockIO: { leafWeight: 100 } })],
	["weight of a device", resources({ blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 100 }] } })],
	["leaf weight of a device", resources({ blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 100 }] } })],
	["hugepageLimits", resources({ hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }] })],
	["classID", resources({ network: { classID: 1 } })],
	["priorities", resources({ network: { priorities: [{ name: "eth0", priority: 1 }] } })],
	["rdma", resources({ rdma: { mlx5_0: { hcaHandles: 1, hcaObjects: 2 } } })],
	["unified", resources({ unified: { "memory.high": "1" } })],
	["rootfsPropagation", (c) => (c.linux.rootfsPropagation = "slave")],
	[
		"seccomp",
		(c) => {
			c.linux.seccomp = {
				defaultAction: "SCMP_ACT_ERRNO",
				defaultErrnoRet: 2,
				architectures: ["SCMP_ARCH_X86_64"],
				flags: ["SECCOMP_FILTER_FLAG_LOG"],
				listenerPath: "/agent",
				listenerMetadata: "m",
				syscalls: [
					{
						names: ["mkdir"],
						action: "SCMP_ACT_ERRNO",
						errnoRet: 1,
						args: [{ index: 0, value: 1, valueTwo: 2, op: "SCMP_CMP_EQ" }],
					},
					{ names: ["rmdir"], action: "SCMP_ACT_NOTIFY" },
				],
			};
		},
	],
	["sysctl", (c) => (c.linux.sysctl = { "net.ipv4.ip_forward": "1" })],
	["paths", (c) => Object.assign(c.linux, { maskedPaths: ["/proc/kcore"], readonlyPaths: ["/proc/sys"] })],
	[
		"intelRdt",
		(c) => {
			const l3CacheSchema = "L3:0=f";
			c.linux.intelRdt = {
				closID: "c",
				l3CacheSchema,
				memBwSchema: "MB:0=50",
				schemata: ["L2:0=f"],
				enableMonitoring: true,
			};
		},
	],
	["memoryPolicy", (c) => (c.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] })],
	["personality", (c) => (c.linux.personality = { domain: "LINUX32", flags: [] })],
];
