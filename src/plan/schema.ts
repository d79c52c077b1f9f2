/**
 * The plan: what runtime-ts is going to do, as plain data.
 *
 * Written once, here, as zod schemas. Everyone else imports only the inferred types (erased at build time, so
 * zod is never loaded by the runtime); the build turns the same schemas into JSON Schema and a validator, and
 * the tests check every plan that they make against it. addon/init/ holds the C++ that executes `init`,
 * addon/steps/ the C++ for `host`; both refuse an `op` that they do not know.
 *
 * Conventions
 * - Every step has `op` and, where it comes from a config value, `at`: the JSON pointer of that value.
 * - 64-bit numbers are decimal strings, because a JSON number loses them above 2^53 in JavaScript.
 * - Paths named `source` or `path` in host steps are host paths; paths named `destination` or `path` in init
 *   steps are container paths: absolute, normalised, resolved by the init inside the rootfs by fd.
 */
import { z } from "zod";

const at = z.string().optional().describe("JSON pointer of the config.json value that this step comes from");

export const namespaceType = z.enum(["user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"]);

/** Per-mount attributes, named after MOUNT_ATTR_* (mount_setattr(2)). */
export const mountAttribute = z.enum(["rdonly", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"]);
export const atime = z.enum(["relatime", "noatime", "strictatime"]);
export const propagation = z.enum([
	"private",
	"rprivate",
	"slave",
	"rslave",
	"shared",
	"rshared",
	"unbindable",
	"runbindable",
]);

/** A change of per-mount attributes: what to set, what to clear; what neither list names stays as it is. */
export const attributeChange = z.object({
	set: z.array(mountAttribute).optional(),
	clear: z.array(mountAttribute).optional(),
	atime: atime.optional(),
});

/** First id inside, first id outside, how many; as a line of /proc/PID/uid_map. */
export const idRange = z.tuple([z.number(), z.number(), z.number()]);

/** The mapping of an id-mapped mount, from the ids in the filesystem to those that they are on the host. */
export const mountIdMap = z.object({
	recursive: z.boolean().describe("ridmap: the mounts below it too"),
	uid: z.array(idRange).optional().describe("absent, with gid: the mapping of the user namespace that the init is in"),
	gid: z.array(idRange).optional(),
});

const mountCommon = {
	at,
	destination: z.string(),
	attributes: attributeChange.optional().describe("for this mount"),
	recursive: attributeChange.optional().describe("for this mount and all below it (the r* options)"),
	propagation: z.array(propagation).optional().describe("applied in order, after the mount is in place"),
};

/** Who to be in a user namespace that does not map id 0. */
const rootSubstitute = { uid: z.number().int().optional(), gid: z.number().int().optional() };
/** Steps of the init, or of the engine where the init has no say (scheduling.ts). */
const scheduler = z
	.object({
		op: z.literal("process.scheduler"),
		at,
		policy: z.string().describe("SCHED_*"),
		nice: z.number().int(),
		priority: z.number().int(),
		flags: z.array(z.string()).describe("SCHED_FLAG_*"),
		runtime: z.string().describe("nanoseconds, as are deadline and period"),
		deadline: z.string(),
		period: z.string(),
	})
	.describe("sched_setattr(2)");
const ioPriority = z
	.object({
		op: z.literal("process.ioPriority"),
		at,
		class: z.string().describe("IOPRIO_CLASS_*"),
		priority: z.number().int(),
	})
	.describe("ioprio_set(2), for the process group");

export const initStep = z.discriminatedUnion("op", [
	// --- before the clone: run by the init's first stage, in the host's namespaces --------------------------
	z.object({ op: z.literal("process.oomScoreAdj"), at, value: z.number().int() }),
	z
		.object({
			op: z.literal("namespace.join"),
			at,
			namespaces: z.array(z.object({ type: namespaceType, path: z.string(), at })),
			...rootSubstitute,
		})
		.describe(
			"opens every path first, then joins: what the caller may join, the user namespace, the rest; the mount namespace last",
		),
	z
		.object({
			op: z.literal("clone"),
			at,
			namespaces: z
				.array(namespaceType)
				.describe("new namespaces; cgroup and time are never here, see namespace.unshare and time.create"),
			cgroup: z.string().optional().describe("v2 cgroup directory for CLONE_INTO_CGROUP"),
		})
		.describe("the container's first process starts here; every later step runs in it"),

	z
		.object({
			op: z.literal("container.join"),
			at,
			pid: z.number().int().describe("of the container's first process"),
			startTime: z.string().describe("of that process, in clock ticks since boot; another one is an error (ESRCH)"),
			tasks: z.array(z.string()).describe("v1 cgroup directories, for container.enter; their `tasks` are opened"),
			cgroup: z.string().optional().describe("v2 cgroup directory, which the clone that follows puts the process into"),
			root: z.string().optional().describe("host path of the rootfs of a container without a mount namespace"),
		})
		.describe(
			"exec: one setns(2) on the pidfd of the process, for every namespace that is another one than the init's own; on v2 all but that of cgroups",
		),

	z
		.object({
			op: z.literal("time.create"),
			at,
			offsets: z.array(
				z.object({ clock: z.enum(["monotonic", "boottime"]), secs: z.string(), nanosecs: z.number().int() }),
			),
		})
		.describe(
			"makes a time namespace, sets its clocks and enters it; after the clone where that makes the user namespace that is to own it",
		),

	// --- after the clone: run by the container's first process ---------------------------------------------
	z
		.object({ op: z.literal("container.enter"), at, ...rootSubstitute })
		.describe(
			"exec: enters the v1 cgroups and, on v2, the cgroup namespace; becomes root of the user namespace that was joined; / is the container's from here on",
		),
	z
		.object({ op: z.literal("idmap.wait"), at, ...rootSubstitute })
		.describe("asks the engine to write the id maps, waits, then becomes root in the new user namespace"),
	z
		.object({ op: z.literal("netDevices.wait"), at })
		.describe("asks the engine to run the netDevice.move steps of `host`, waits until they are done"),
	z
		.object({
			op: z.literal("process.attribute"),
			at,
			files: z
				.array(z.string())
				.min(1)
				.describe("below /proc/thread-self; the first one that the kernel has is written"),
			value: z.string(),
		})
		.describe("labels of LSMs, by a procfs that no mount of the container can cover (CVE-2019-19921, CVE-2025-52881)"),
	z.object({
		op: z.literal("keyring.join"),
		at,
		name: z.string(),
		existing: z.boolean().optional().describe("exec: the container's own; its permissions are left as they are"),
	}),
	z.object({ op: z.literal("network.up"), at, device: z.literal("lo") }),
	z.object({
		op: z.literal("root.open"),
		at,
		path: z.string().describe("host path of the rootfs, absolute"),
		propagation: propagation
			.optional()
			.describe(
				"of / before the rootfs is bound onto itself; absent without a mount namespace: then no mount but those on `path` may be touched, and root.enter is a chroot",
			),
	}),
	z
		.object({
			op: z.literal("cgroup.join"),
			at,
		})
		.describe(
			"waits for the engine's cgroup message; writes 0 to each fd that came with it: v1 `tasks` (a thread that moves itself needs no RCU grace period, Linux 5.5; writing a pid to cgroup.procs costs up to 20 ms)",
		),
	z.object({ op: z.literal("namespace.unshare"), at, namespaces: z.array(z.enum(["cgroup"])) }),
	z.object({
		op: z.literal("mount.filesystem"),
		...mountCommon,
		type: z.string(),
		source: z.string(),
		options: z
			.array(z.union([z.string(), z.tuple([z.string(), z.string()])]))
			.describe("fsconfig: flag, or key and value"),
		superblock: z.array(z.string()).describe("fsconfig flags: ro, sync, dirsync, lazytime, mand"),
		ordinary: z
			.boolean()
			.optional()
			.describe(
				"the destination must be a real directory reached without any symlink (CVE-2019-19921, CVE-2023-27561)",
			),
		ifForbidden: z
			.string()
			.optional()
			.describe(
				"absolute host path: bound here, with all below it and all of it with `attributes`, when the kernel refuses the mount (EPERM)",
			),
		rootLabel: z
			.string()
			.optional()
			.describe("SELinux context for the root of the mount, where the filesystem has no context= option"),
		copyUp: z.boolean().optional().describe("tmpcopyup: copy what the destination holds into the new tmpfs first"),
		idmap: mountIdMap.optional().describe("done by the engine, which the init hands the mount to"),
	}),
	z.object({
		op: z.literal("mount.bind"),
		...mountCommon,
		source: z.string().describe("absolute host path"),
		tree: z.boolean().describe("rbind: with the mounts below it"),
		idmap: mountIdMap.optional().describe("done by the engine, which the init hands the mount to"),
		procfs: z.boolean().optional().describe("what is bound must be a procfs (CVE-2019-16884)"),
	}),
	z.object({
		op: z.literal("mount.remount"),
		...mountCommon,
		bind: z.boolean().describe("only the per-mount attributes; otherwise the superblock is reconfigured too"),
		options: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
		superblock: z.array(z.string()),
	}),
	z.object({
		op: z.literal("mount.propagation"),
		at,
		destination: z.string(),
		propagation: z.array(propagation),
	}),
	z.object({
		op: z.literal("directory.create"),
		at,
		path: z.string(),
		mode: z.number().int(),
	}),
	z.object({
		op: z.literal("symlink.create"),
		at,
		path: z.string(),
		target: z.string(),
		replace: z.boolean().describe("remove what is there first; otherwise an existing entry is left alone"),
		ifExists: z.string().optional().describe("only when this container path exists"),
	}),
	z
		.object({
			op: z.literal("device.create"),
			at,
			path: z.string(),
			kind: z.enum(["c", "b", "p"]),
			major: z.number().int(),
			minor: z.number().int(),
			mode: z.number().int(),
			uid: z.number().int(),
			gid: z.number().int(),
			source: z
				.string()
				.optional()
				.describe("host path of the device, bound in its place (device.bind) where mknod says EPERM"),
		})
		.describe("an existing file that is not this device is an error"),
	z
		.object({
			op: z.literal("device.bind"),
			at,
			source: z.string(),
			path: z.string(),
			kind: z.enum(["c", "b"]),
			major: z.number().int(),
			minor: z.number().int(),
		})
		.describe("where mknod is not allowed; a source that is not this device is an error"),
	z
		.object({
			op: z.literal("console.create"),
			at,
			uid: z.number().int().describe("owner of the pty slave"),
			size: z.object({ height: z.number().int(), width: z.number().int() }).optional(),
			bind: z.boolean().describe("bind the slave on /dev/console"),
		})
		.describe(
			"pty from the container's /dev/pts/ptmx, ONLCR cleared; master goes to the engine, slave becomes 0, 1, 2 and the controlling terminal",
		),
	z.object({ op: z.literal("hooks.sync"), at }).describe("the engine runs prestart and createRuntime hooks now"),
	z
		.object({
			op: z.literal("hooks.output"),
			at,
			stdout: z.string().optional().describe("host path, absolute; made when missing, appended to"),
			stderr: z.string().optional().describe("the same"),
		})
		.describe("before the clone: files for what the hooks that run in the container write"),
	z.object({
		op: z.literal("hook.run"),
		at,
		stage: z.enum(["createContainer", "startContainer"]),
		index: z.number().int(),
		path: z.string(),
		args: z.array(z.string()),
		env: z.array(z.string()),
		timeout: z.number().int().optional().describe("seconds"),
		state: z
			.record(z.string(), z.unknown())
			.describe("OCI state without pid; the init adds its own pid and gives it to the hook on stdin"),
	}),
	z.object({ op: z.literal("root.enter"), at, method: z.enum(["pivot", "move", "chroot"]) }),
	z.object({ op: z.literal("uts.hostname"), at, name: z.string() }),
	z.object({ op: z.literal("uts.domainname"), at, name: z.string() }),
	z.object({
		op: z.literal("sysctl.write"),
		at,
		key: z.string(),
		path: z.string().describe("below /proc/sys, with slashes"),
		value: z.string(),
	}),
	z.object({ op: z.literal("path.readonly"), at, path: z.string() }).describe("missing path: nothing to do"),
	z
		.object({
			op: z.literal("path.mask"),
			at,
			path: z.string(),
			label: z.string().optional().describe("SELinux context of the empty directory that covers a directory"),
		})
		.describe("missing path: nothing to do"),
	z.object({
		op: z.literal("process.rlimit"),
		at,
		type: z.string().describe("RLIMIT_*"),
		soft: z.string(),
		hard: z.string(),
	}),
	scheduler,
	ioPriority,
	z.object({ op: z.literal("process.affinity"), at, cpus: z.array(z.number().int()) }).describe("sched_setaffinity(2)"),
	z.object({ op: z.literal("process.personality"), at, domain: z.enum(["LINUX", "LINUX32"]) }),
	z
		.object({
			op: z.literal("process.memoryPolicy"),
			at,
			mode: z.string().describe("MPOL_*"),
			nodes: z.array(z.number().int()),
			flags: z.array(z.string()).describe("MPOL_F_*"),
		})
		.describe("set_mempolicy(2)"),
	z.object({ op: z.literal("process.noNewPrivileges"), at }),
	z
		.object({
			op: z.literal("seccomp.load"),
			at,
			flags: z.array(z.string()).describe("SECCOMP_FILTER_FLAG_*"),
			listener: z
				.enum(["close", "keep"])
				.optional()
				.describe(
					"SECCOMP_FILTER_FLAG_NEW_LISTENER: the engine takes the listener; the process closes its own, or leaves that to exec",
				),
		})
		.describe("the program comes from the engine, compiled while the kernel clones"),
	z
		.object({ op: z.literal("capabilities.bound"), at, keep: z.array(z.string()) })
		.describe("drops every other capability from the bounding set"),
	z.object({
		op: z.literal("process.user"),
		at,
		uid: z.number().int(),
		gid: z.number().int(),
		additionalGids: z.array(z.number().int()),
		umask: z.number().int().optional(),
		setgroups: z.boolean().describe("false where the user namespace denies setgroups"),
		setgroupsMayBeDenied: z
			.boolean()
			.optional()
			.describe("a user namespace that was joined may deny it: no error when there is no group to set"),
		keepCapabilities: z.boolean().describe("PR_SET_KEEPCAPS across the change"),
	}),
	z.object({
		op: z.literal("capabilities.apply"),
		at,
		effective: z.array(z.string()),
		permitted: z.array(z.string()),
		inheritable: z.array(z.string()),
		ambient: z.array(z.string()).optional().describe("left as it is when absent"),
	}),
	z
		.object({
			op: z.literal("process.cwd"),
			at,
			path: z.string(),
			deferrable: z
				.boolean()
				.optional()
				.describe(
					"EACCES and EPERM are not errors: the same step comes again after process.user (a home on NFS or FUSE, closed to root)",
				),
			existing: z.boolean().optional().describe("exec: it is not made when it is missing"),
		})
		.describe("chdir, then getcwd must be inside the root (CVE-2024-21626)"),
	z
		.object({ op: z.literal("process.home"), at, uid: z.number().int() })
		.describe(
			"sets HOME, for the exec that follows, to what the container's /etc/passwd says about uid (compared as a number, CVE-2016-3697), else to /",
		),
	z
		.object({
			op: z.literal("process.lookup"),
			at,
			file: z.string(),
			searchPath: z.string().describe("PATH of process.env; colon-separated"),
		})
		.describe("finds args[0] like execvp, as the container's user, in the container's root"),
	z
		.object({ op: z.literal("start.wait"), at, via: z.enum(["channel", "socket"]) })
		.describe(
			"reports ready, then waits for start: on the engine's channel (run) or on the listening socket of the state directory (create)",
		),
	z
		.object({
			op: z.literal("exec"),
			at,
			args: z.array(z.string()),
			env: z.array(z.string()),
			preserveFds: z.number().int(),
			listenPid: z
				.boolean()
				.optional()
				.describe("exec: fills in LISTEN_PID of `env`, which in a pid namespace only the process itself can tell"),
		})
		.describe("closes every fd above 2+preserveFds, resets signals, execs what process.lookup found"),
]);

/** Where to reach systemd, tried in this order. */
export const systemdBus = z.array(
	z.object({
		address: z.string().describe("as sd_bus_set_address(3) takes it"),
		broker: z.boolean().describe("there is a message bus; without, systemd itself is at the other end"),
	}),
);

/** A property of a unit: see BusVariant in src/cgroup/unit-property.ts. */
const unitProperty = z.object({
	at,
	name: z.string(),
	signature: z.string().describe("of D-Bus, one complete type"),
	value: z.unknown().describe("text (numbers too), or a list for what has parts, or {signature, value} for a variant"),
});

const unit = { at, bus: systemdBus, unit: z.string().describe("name of the unit") };

/** Steps of the engine, in the host's namespaces, undone in reverse order by delete. */
export const hostStep = z.discriminatedUnion("op", [
	z
		.object({
			...unit,
			op: z.literal("systemd.start"),
			cgroup: z.string().describe("where its cgroup has to be then, below the mount point of a hierarchy"),
			version: z.number().int().describe("of the systemd that the properties are for"),
			enter: z.boolean().describe("the init is put into it; what it clones is born there"),
			properties: z.array(unitProperty),
		})
		.describe("StartTransientUnit, and waits until systemd has done it"),
	z
		.object({ ...unit, op: z.literal("systemd.set"), properties: z.array(unitProperty) })
		.describe("SetUnitProperties, until the next boot"),
	z
		.object({ ...unit, op: z.literal("systemd.stop") })
		.describe(
			"StopUnit, waits until systemd has done it, and makes systemd forget that it failed; one that is not there is fine",
		),
	z.object({
		op: z.literal("cgroup.create"),
		at,
		path: z.string().describe("host path of the directory; parents are made too"),
		v2: z
			.boolean()
			.optional()
			.describe("every parent below the mount point passes on all of its cgroup.controllers (cgroup.subtree_control)"),
	}),
	z
		.object({ op: z.literal("cgroup.removeParents"), at })
		.describe("takes back the parents that cgroup.create has made, where nothing is in them: only when a create fails"),
	z.object({
		op: z.literal("cgroup.write"),
		at,
		path: z.string().describe("host path of the control file"),
		value: z.string(),
		optional: z.boolean().optional().describe("a missing file is not an error"),
		instead: z.object({ path: z.string(), value: z.string() }).optional().describe("written where the file is missing"),
	}),
	z.object({
		op: z.literal("cgroup.check"),
		at,
		path: z.string().describe("host path of a file with one number, such as memory.usage_in_bytes"),
		atMost: z.string().describe("decimal; a greater number in the file is an error (EBUSY)"),
	}),
	z.object({
		op: z.literal("cgroup.inherit"),
		at,
		path: z.string().describe("cgroup directory"),
		file: z.string(),
		root: z
			.string()
			.describe(
				"hierarchy mount point: parents below it are filled too (cpuset.cpus and cpuset.mems on v1 start empty)",
			),
	}),
	z.object({
		op: z.literal("cgroup.devices"),
		at,
		path: z.string().describe("v2 cgroup directory"),
		program: z.string().describe("base64 of the BPF instructions"),
		rules: z.array(z.string()).describe("the rules the program was made from, for the reader"),
		replace: z
			.boolean()
			.optional()
			.describe("in one step, the program that the runtime has attached there before; without one it is attached"),
	}),
	z.object({
		op: z.literal("cgroup.delegate"),
		at,
		path: z.string().describe("v2 cgroup directory"),
		uid: z
			.number()
			.int()
			.describe(
				"on the host: becomes the owner of the directory and of the files that /sys/kernel/cgroup/delegate names",
			),
	}),
	z.object({
		op: z.literal("idmap.write"),
		at,
		uid: z.array(idRange),
		gid: z.array(idRange),
		denySetgroups: z.boolean(),
	}),
	z
		.object({
			op: z.literal("netDevice.move"),
			at,
			device: z.string().describe("name in the engine's network namespace"),
			name: z.string().optional().describe("name in the container; may be a pattern such as eth%d"),
			namespace: z.string().optional().describe("host path; absent: that of the container's first process"),
		})
		.describe(
			"run when the init asks by netDevices.wait; the device's lasting global addresses move too, and it is brought up",
		),
	z
		.object({ op: z.literal("netDevices.return"), at })
		.describe("moves devices back where the engine took them from: only when a create fails, never on delete"),
	z.object({ op: z.literal("netDevices.keep"), at }).describe("there will be no way back: forgets what return needs"),
	z.object({
		op: z.literal("resctrl.create"),
		at,
		root: z.string().describe("mount point of resctrl, for its last_cmd_status; the same in the other steps"),
		path: z.string().describe("host path of the group"),
	}),
	z.object({
		op: z.literal("resctrl.schemata"),
		at,
		root: z.string(),
		path: z.string(),
		value: z.string().describe("lines for the group's schemata file"),
	}),
	z
		.object({ op: z.literal("resctrl.join"), at, root: z.string(), path: z.string() })
		.describe("run when the container's first process is known"),
	scheduler,
	ioPriority,
]);

export const plan = z.object({
	version: z.literal(1),
	id: z.string(),
	/** OCI version, bundle and rootfs the plan was made from. */
	bundle: z.string(),
	rootfs: z.string(),
	mountedRoot: z
		.string()
		.optional()
		.describe(
			"without a mount namespace, where there is something to mount: host path where the engine attaches a copy of the rootfs, which root.open then opens",
		),
	host: z.array(hostStep).describe("run by the engine while the init already clones and mounts"),
	cgroups: z
		.array(
			z.object({
				controller: z
					.string()
					.describe("v1: the hierarchy's controllers, comma-separated; v2: empty, as in /proc/PID/cgroup"),
				path: z.string(),
				entered: z.boolean().optional().describe("systemd puts the init into it"),
			}),
		)
		.describe(
			"directories made by `host`; each that is not entered is joined by cgroup.join, or the first is cloned into (v2)",
		),
	init: z.array(initStep).describe("run by the init program, in this order"),
	seccomp: z
		.unknown()
		.optional()
		.describe("normalised profile for the filter compiler, or the program itself; see src/plan/seccomp.ts"),
	seccompListener: z
		.object({
			path: z.string().describe("host path, absolute, of the agent's socket"),
			metadata: z.string().optional(),
		})
		.optional()
		.describe("who gets the listener of the filter, once it is loaded"),
	trace: z.boolean().optional().describe("the init times each step and reports it"),
	warnings: z.array(z.object({ at: z.string().optional(), message: z.string() })),
});

export type IdRange = z.infer<typeof idRange>;
export type MountIdMap = z.infer<typeof mountIdMap>;
export type NamespaceType = z.infer<typeof namespaceType>;
export type MountAttribute = z.infer<typeof mountAttribute>;
export type AttributeChange = z.infer<typeof attributeChange>;
export type Propagation = z.infer<typeof propagation>;
export type InitStep = z.infer<typeof initStep>;
export type InitStepOf<Op extends InitStep["op"]> = Extract<InitStep, { op: Op }>;
export type UnitPropertyValue = z.infer<typeof unitProperty>;
export type HostStep = z.infer<typeof hostStep>;
export type Plan = z.infer<typeof plan>;
