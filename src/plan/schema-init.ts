/** The steps of the init; see schema.ts. */
import { z } from "zod";
import { at, attributeChange, ioPriority, mountIdMap, namespaceType, propagation, scheduler } from "./schema-values.js";

const mountCommon = {
	at,
	destination: z.string(),
	attributes: attributeChange.optional().describe("for this mount"),
	recursive: attributeChange.optional().describe("for this mount and all below it (the r* options)"),
	propagation: z.array(propagation).optional().describe("applied in order, after the mount is in place"),
};

/** Who to be in a user namespace that does not map id 0. */
const rootSubstitute = { uid: z.number().int().optional(), gid: z.number().int().optional() };

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
			"pty from the container's /dev/pts/ptmx; master goes to the engine, slave becomes 0, 1, 2 and the controlling terminal",
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
		.object({
			op: z.literal("start.wait"),
			at,
			via: z.enum(["channel", "socket"]),
			enterable: z.boolean().optional().describe("socket: a caller without privileges may exec meanwhile"),
		})
		.describe(
			"reports ready, then waits for start: on the engine's channel (run) or on the listening socket of the state directory (create), where HUP, INT, QUIT and TERM end it",
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
