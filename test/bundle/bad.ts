/** Configurations that fit the schema and break one rule each, with what is said about them. */
import { BAD_DEVICES } from "./bad-devices.js";
import { BAD_PROCESSES } from "./bad-scheduling.js";
import { type Case, userns, uts, without } from "./base.js";

const version = (found: string) => `config.json#/ociVersion: expected a version from 1.0.0 to 1.3.0; found "${found}"`;
const semver = (found: string) =>
	`config.json#/ociVersion: expected a version like 1.3.0 (SemVer 2.0.0); found "${found}"`;

export const BAD: Case[] = [
	...BAD_PROCESSES,
	...BAD_DEVICES,
	["ociVersion 1.4.0", (c) => (c.ociVersion = "1.4.0"), version("1.4.0")],
	["ociVersion 2.0.0", (c) => (c.ociVersion = "2.0.0"), version("2.0.0")],
	["ociVersion 0.5.0-dev", (c) => (c.ociVersion = "0.5.0-dev"), version("0.5.0-dev")],
	["ociVersion 1.0", (c) => (c.ociVersion = "1.0"), semver("1.0")],
	["ociVersion 1.10.0", (c) => (c.ociVersion = "1.10.0"), version("1.10.0")],
	["ociVersion 1.4.0-rc.1", (c) => (c.ociVersion = "1.4.0-rc.1"), version("1.4.0-rc.1")],
	...[
		"",
		"v1.0.0",
		"1.00.0",
		"1.0.00",
		"1.0.0-",
		"1.0.0-01",
		"1.0.0-a..b",
		"1.0.0+a+b",
		"1.0.0 ",
		"1.0.0.0",
		"1:0.0",
	].map((found): Case => [`ociVersion "${found}"`, (c) => (c.ociVersion = found), semver(found)]),
	[
		"duplicate namespace",
		(c) => c.linux.namespaces.push({ type: "pid", path: "/proc/1/ns/pid" }),
		'config.json#/linux/namespaces/6/type: malformed spec file: duplicated ns "pid"; it is already at /linux/namespaces/0',
	],
	["hostname", uts, "config.json#/hostname: unable to set hostname without a private UTS namespace"],
	[
		"domainname",
		(c) => uts(Object.assign(c, { hostname: "", domainname: "lan" })),
		"config.json#/domainname: unable to set domainname without a private UTS namespace",
	],
	[
		"masked and read-only paths",
		(c) => {
			without("mount")(c);
			c.mounts = [];
			c.linux.readonlyPaths = ["/proc/sys"];
		},
		"config.json#/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace",
		"config.json#/linux/readonlyPaths: unable to restrict sys entries without a private MNT namespace",
	],
	[
		"timeOffsets",
		(c) => (c.linux.timeOffsets = {}),
		"config.json#/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config",
	],
	[
		"mappings without user namespace",
		(c) => (c.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]),
		"config.json#/linux/uidMappings: User namespace mappings specified, but USER namespace isn't enabled in the config",
	],
	[
		"user namespace without mappings",
		(c) => userns(c, []),
		"warning: config.json#/linux/uidMappings: user namespaces enabled, but no id mappings found: an ordinary user gets those of /etc/subuid, root an error",
	],
	[
		"uid mappings alone",
		(c) => {
			userns(c);
			delete c.linux.gidMappings;
		},
		"config.json#/linux/gidMappings: user namespaces enabled, but no gid mappings found",
	],
	[
		"empty range",
		(c) => {
			userns(c);
			c.linux.uidMappings[0].size = 0;
		},
		"config.json#/linux/uidMappings/0/size: expected at least one id; found 0",
	],
	[
		"range past the end",
		(c) => {
			userns(c);
			c.linux.uidMappings[0].size = 4294967295;
		},
		"config.json#/linux/uidMappings/0/size: the range goes beyond the last id 4294967294: 4294967295 ids from 100000 on",
	],
	[
		"overlap",
		(c) => {
			userns(c);
			c.linux.gidMappings.push({ containerID: 65535, hostID: 5, size: 2 });
		},
		"config.json#/linux/gidMappings/1/containerID: the range overlaps with that of entry 0",
	],
	[
		"too many ranges",
		(c) => {
			userns(c);
			c.linux.uidMappings = Array.from({ length: 341 }, (_, i) => ({ containerID: i, hostID: i, size: 1 }));
		},
		"config.json#/linux/uidMappings: expected at most 340 entries, the kernel's limit; found 341",
	],
	[
		"unmapped user",
		(c) => {
			userns(c);
			c.process.user = { uid: 65536, gid: 70000, additionalGids: [5, 80000] };
		},
		"config.json#/process/user/uid: user 65536 is not mapped in the container's user namespace",
		"config.json#/process/user/gid: group 70000 is not mapped in the container's user namespace",
		"config.json#/process/user/additionalGids/1: group 80000 is not mapped in the container's user namespace",
	],
	[
		"ipc sysctl",
		(c) => {
			without("ipc")(c);
			c.linux.sysctl = { "kernel.sem": "1" };
		},
		'config.json#/linux/sysctl/kernel.sem: sysctl "kernel.sem" is not allowed in the hosts ipc namespace',
	],
	[
		"mqueue sysctl",
		(c) => {
			without("ipc")(c);
			c.linux.sysctl = { "fs/mqueue/msg_max": "1" };
		},
		'config.json#/linux/sysctl/fs~1mqueue~1msg_max: sysctl "fs.mqueue.msg_max" is not allowed in the hosts ipc namespace',
	],
	[
		"net sysctl",
		(c) => {
			without("network")(c);
			c.linux.sysctl = { "net.ipv4.ip_forward": "1" };
		},
		'config.json#/linux/sysctl/net.ipv4.ip_forward: sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
	],
	[
		"kernel.hostname",
		(c) => (c.linux.sysctl = { "kernel.hostname": "x" }),
		'config.json#/linux/sysctl/kernel.hostname: sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field',
	],
	[
		"kernel.domainname on the host",
		(c) => {
			uts(c);
			delete c.hostname;
			c.linux.sysctl = { "kernel.domainname": "x" };
		},
		'config.json#/linux/sysctl/kernel.domainname: sysctl "kernel.domainname" is not in a separate kernel namespace',
	],
	[
		"host sysctl",
		(c) => (c.linux.sysctl = { "kernel.core_pattern": "|/bin/evil" }),
		'config.json#/linux/sysctl/kernel.core_pattern: sysctl "kernel.core_pattern" is not in a separate kernel namespace',
	],
	[
		"climbing sysctl",
		(c) => (c.linux.sysctl = { "net.//.//.//kernel.core_pattern": "1" }),
		'config.json#/linux/sysctl/net.~1~1.~1~1.~1~1kernel.core_pattern: malformed name "net.//.//.//kernel.core_pattern"',
	],
	[
		"climbing sysctl with slashes",
		(c) => (c.linux.sysctl = { "net/../kernel/core_pattern": "1" }),
		'config.json#/linux/sysctl/net~1..~1kernel~1core_pattern: malformed name "net/../kernel/core_pattern"',
	],
	[
		"duplicate rlimit",
		(c) =>
			(c.process.rlimits = [
				{ type: "RLIMIT_CORE", soft: 0, hard: 0 },
				{ type: "RLIMIT_CORE", soft: 0, hard: 1 },
			]),
		"config.json#/process/rlimits/1/type: duplicate rlimit RLIMIT_CORE; it is already at /process/rlimits/0",
	],
	[
		"unknown rlimit",
		(c) => (c.process.rlimits = [{ type: "RLIMIT_FOO", soft: 0, hard: 0 }]),
		'config.json#/process/rlimits/0/type: expected one of RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK; found "RLIMIT_FOO"',
	],
	[
		"soft above hard",
		(c) => (c.process.rlimits = [{ type: "RLIMIT_CORE", soft: 2, hard: 1 }]),
		"config.json#/process/rlimits/0/soft: expected at most the hard limit 1; found 2",
	],
	[
		"unknown capability",
		(c) => (c.process.capabilities = { bounding: ["CAP_CHOWN", "CAP_SUPER"], effective: ["CAP_SUPER"] }),
		'warning: config.json#/process/capabilities/bounding/1: unknown capability "CAP_SUPER" is ignored',
	],
	[
		"odd environment",
		(c) => (c.process.env = ["A=", "B", "=C"]),
		'warning: config.json#/process/env/1: expected NAME=value; "B" is passed on as it is',
		'warning: config.json#/process/env/2: expected NAME=value; "=C" is passed on as it is',
	],
	[
		"empty program",
		(c) => (c.process.args = [""]),
		'config.json#/process/args/0: expected the name of a program; found ""',
	],
	[
		"relative destination",
		(c) => (c.mounts[0].destination = "proc"),
		"warning: config.json#/mounts/0/destination: relative destination path is **deprecated**, using it as relative to /",
	],
	[
		"bind without source",
		(c) => delete c.mounts[1].source,
		"config.json#/mounts/1/source: a bind mount needs the path of what is to be bound; found nothing",
	],
	[
		"no type",
		(c) => delete c.mounts[0].type,
		"config.json#/mounts/0/type: expected a filesystem type, as this is no bind mount; found nothing",
	],
	[
		"mounts on the host",
		(c) => {
			without("mount")(c);
			c.linux.maskedPaths = [];
		},
		"warning: config.json#/linux/namespaces: without a mount namespace the container's mounts are made in the runtime's own, and stay",
	],
	[
		"timeOffsets of a namespace that is joined",
		(c) => {
			c.linux.namespaces.push({ type: "time", path: "/proc/1/ns/time" });
			c.linux.timeOffsets = {};
		},
		"config.json#/linux/timeOffsets: time namespace enabled, but both namespace path and time offsets specified -- you may only provide one",
	],
	[
		"nanoseconds",
		(c) => {
			c.linux.namespaces.push({ type: "time" });
			c.linux.timeOffsets = { monotonic: { nanosecs: 1e9 }, boottime: { secs: -1, nanosecs: 999999999 } };
		},
		"config.json#/linux/timeOffsets/monotonic/nanosecs: expected less than 1000000000; found 1000000000",
	],
	[
		"id mapping of users only",
		(c) => (c.mounts[1].uidMappings = [{ containerID: 0, hostID: 1, size: 1 }]),
		"config.json#/mounts/1/gidMappings: uidMappings and gidMappings must come together",
	],
	[
		"id mapping of groups only",
		(c) => Object.assign(c.mounts[1], { uidMappings: [], gidMappings: [{ containerID: 0, hostID: 1, size: 1 }] }),
		"config.json#/mounts/1/uidMappings: uidMappings and gidMappings must come together",
	],
	[
		"id mapping that overlaps, or is beyond the last id",
		(c) => {
			c.mounts[1].uidMappings = [
				{ containerID: 0, hostID: 10, size: 10 },
				{ containerID: 10, hostID: 19, size: 1 },
			];
			c.mounts[1].gidMappings = [{ containerID: 0, hostID: 4294967295, size: 1 }];
		},
		"config.json#/mounts/1/uidMappings/1/hostID: the range overlaps with that of entry 0",
		"config.json#/mounts/1/gidMappings/0/size: the range goes beyond the last id 4294967294: 1 ids from 4294967295 on",
	],
	[
		"idmap without a user namespace",
		(c) => c.mounts[1].options.push("idmap"),
		"config.json#/mounts/1/options/2: without uidMappings and gidMappings, expected a user namespace to take the mapping from",
	],
	[
		"ridmap without a user namespace",
		(c) => c.mounts[1].options.unshift("ridmap"),
		"config.json#/mounts/1/options/0: without uidMappings and gidMappings, expected a user namespace to take the mapping from",
	],
	[
		"idmap option with half a mapping",
		(c) => c.mounts[1].options.push("idmap=gids=0-1-1"),
		"config.json#/mounts/1/options/2: expected uids= and gids=; found no uids=",
	],
	[
		"idmap option with something else",
		(c) => c.mounts[1].options.push("idmap=users=0-1-1"),
		'config.json#/mounts/1/options/2: expected uids= or gids=; found "users=0-1-1"',
	],
	[
		"idmap option with a range that can't be read",
		(c) => c.mounts[1].options.push("idmap=uids=0-1-1#;gids=0-1-1"),
		'config.json#/mounts/1/options/2: expected ID-ID-COUNT; found ""',
	],
	[
		"idmap option with no ids",
		(c) => c.mounts[1].options.push("idmap=uids=0-1-0;gids=0-1-1"),
		"config.json#/mounts/1/options/2: 0/size: expected at least one id; found 0",
	],
	[
		"relative idmap option without a user namespace",
		(c) => c.mounts[1].options.push("idmap=uids=@0-0-1;gids=@0-0-1"),
		"config.json#/mounts/1/options/2: the container's user namespace has no id 0, which @0-0-1 names",
	],
	[
		"relative idmap option over the end of a range",
		(c) => {
			userns(c);
			c.mounts[1].options.push("idmap=uids=@0-65530-7;gids=@0-0-1");
		},
		"config.json#/mounts/1/options/2: @0-65530-7 goes beyond one range of the container's user namespace",
	],
	[
		"id-mapped remount",
		(c) => {
			userns(c);
			c.mounts[1].options.push("remount", "idmap");
		},
		"config.json#/mounts/1/options/3: a mount that is already there can't be id-mapped (mount_setattr(2))",
	],
	[
		"id-mapped cgroup mount",
		(c) => {
			userns(c);
			c.mounts.push({ destination: "/cg", type: "cgroup", options: ["idmap"] });
		},
		"config.json#/mounts/2/options/0: a cgroup mount can't be id-mapped",
	],
	[
		"id-mapped change of propagation",
		(c) => {
			userns(c);
			c.mounts.push({ destination: "/cg", options: ["rslave", "idmap"] });
		},
		"config.json#/mounts/2/options/1: a change of propagation can't be id-mapped",
	],
	[
		"device without major",
		(c) => (c.linux.devices = [{ type: "c", path: "/dev/x", minor: 1 }]),
		"config.json#/linux/devices/0/major: is required for a device of type c, but missing",
	],
	[
		"device numbers",
		(c) => (c.linux.devices = [{ type: "b", path: "/dev/x", major: 4096, minor: -1 }]),
		"config.json#/linux/devices/0/major: expected an integer from 0 to 4095; found 4096",
		"config.json#/linux/devices/0/minor: expected an integer from 0 to 1048575; found -1",
	],
	[
		"swappiness",
		(c) => (c.linux.resources = { memory: { swappiness: 101 } }),
		"config.json#/linux/resources/memory/swappiness: invalid memory swappiness value: 101 (valid range is 0-100)",
	],
	[
		"burst",
		(c) => (c.linux.resources = { cpu: { quota: 10000, burst: 20000 } }),
		"config.json#/linux/resources/cpu/burst: expected at most the quota 10000; found 20000",
	],
	[
		"idle",
		(c) => (c.linux.resources = { cpu: { idle: 2 } }),
		"config.json#/linux/resources/cpu/idle: expected 0 or 1; found 2",
	],
	[
		"no weight",
		(c) => (c.linux.resources = { blockIO: { weightDevice: [{ major: 8, minor: 0 }] } }),
		"config.json#/linux/resources/blockIO/weightDevice/0: expected at least one of weight and leafWeight",
	],
	[
		"no rdma limit",
		(c) => (c.linux.resources = { rdma: { mlx5_1: {} } }),
		"config.json#/linux/resources/rdma/mlx5_1: expected at least one of hcaHandles and hcaObjects",
	],
	[
		"listenerMetadata",
		(c) => (c.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "m" }),
		"config.json#/linux/seccomp/listenerMetadata: must not be set without listenerPath",
	],
	[
		"errno of ALLOW",
		(c) =>
			(c.linux.seccomp = {
				defaultAction: "SCMP_ACT_ALLOW",
				defaultErrnoRet: 1,
				syscalls: [{ names: ["a"], action: "SCMP_ACT_KILL", errnoRet: 1 }],
			}),
		"config.json#/linux/seccomp/defaultErrnoRet: the action SCMP_ACT_ALLOW has no errno",
		"config.json#/linux/seccomp/syscalls/0/errnoRet: the action SCMP_ACT_KILL has no errno",
	],
];
