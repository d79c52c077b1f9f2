/** mounts[]: each one becomes a bind, a new filesystem, a remount or a change of propagation. */
import { RuntimeError } from "../errors.js";
import { compileCgroupMount } from "./cgroup-mount.js";
import type { Context, Mount } from "./context.js";
import { type MountFlags, readMountFlags } from "./mount-flags.js";
import { cleanPath } from "./paths.js";
import type { InitStep, InitStepOf } from "./schema.js";
import { mountedOnHost } from "./shared-mounts.js";

export interface MountSteps {
	steps: InitStep[];
	/** What has to wait until the runtime itself has made its files in the mount. */
	late: InitStep[];
	/** Shows cgroups, so the process has to be in its own by then. */
	needsCgroup: boolean;
}

/**
 * Filesystems whose superblock is shared with others or says nothing about writing: only the mount is made
 * read-only. With the superblock, proc and cgroup would fail (EBUSY) or turn read-only for everybody.
 */
const sharedSuperblock: ReadonlySet<string> = new Set(["proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts"]);

/** Inside /proc only single files may be covered, as lxcfs does; anything else could fake what the runtime and LSMs write to. */
const allowedInProc: ReadonlySet<string> = new Set([
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/net/dev",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/uptime",
]);

export function compileMount(context: Context, mount: Mount, index: number): MountSteps {
	const at = `/mounts/${index}`;
	const destination = cleanPath(mount.destination);
	const { type } = mount;
	const flags = readMountFlags(mount.options ?? [], type);
	check(mount, flags, destination, at);
	const only = (step: InitStep): MountSteps => ({ steps: [step], late: [], needsCgroup: false });

	if (flags.remount) return only(remount(flags, destination, at));
	if (flags.bind) return only(bind(context, mount, flags, flags.bind.tree, destination, at));
	if (type === "cgroup")
		return { steps: compileCgroupMount(context, flags, destination, at), late: [], needsCgroup: true };
	if ((!type || type === "none") && flags.propagation.length > 0) {
		return only({ op: "mount.propagation", at, destination, propagation: flags.propagation });
	}
	return newFilesystem(context, mount, type ?? "", flags, destination, at);
}

function check(mount: Mount, flags: MountFlags, destination: string, at: string): void {
	if (flags.copyUp && mount.type !== "tmpfs") {
		throw new RuntimeError("config.invalid", "tmpcopyup is an option of tmpfs mounts", {
			pointer: `${at}/options/${flags.copyUpAt}`,
		});
	}
	// CVE-2019-16884, CVE-2019-19921: a faked /proc swallows what is written to /proc/self/attr.
	if (destination === "/proc" && mount.type !== "proc" && !flags.bind && !flags.remount) {
		throw new RuntimeError("config.invalid", `"${destination}" cannot be mounted because it is not of type proc`, {
			pointer: `${at}/type`,
		});
	}
	if (destination.startsWith("/proc/") && !allowedInProc.has(destination)) {
		throw new RuntimeError("config.invalid", `"${destination}" cannot be mounted because it is inside /proc`, {
			pointer: `${at}/destination`,
		});
	}
}

function common(flags: MountFlags, destination: string, at: string) {
	const recursive = flags.recursive.toChange();
	return {
		at,
		destination,
		...(recursive ? { recursive } : {}),
		...(flags.propagation.length > 0 ? { propagation: flags.propagation } : {}),
	};
}

function bind(
	context: Context,
	mount: Mount,
	flags: MountFlags,
	tree: boolean,
	destination: string,
	at: string,
): InitStep {
	if (!mount.source) {
		throw new RuntimeError("config.invalid", `bind mount of ${destination} has no source`, {
			pointer: at,
			hint: 'set "source" to a path',
		});
	}
	const source = mount.source.startsWith("/") ? mount.source : `${context.bundle.path}/${mount.source}`;
	const attributes = flags.attributes.toChange();
	return { op: "mount.bind", ...common(flags, destination, at), source, tree, ...(attributes ? { attributes } : {}) };
}

function remount(flags: MountFlags, destination: string, at: string): InitStep {
	const attributes = flags.attributes.toChange();
	const isBind = flags.bind !== undefined;
	const superblock = isBind ? [] : superblockFlags(flags);
	// Unlike a new superblock, an old one may have to lose the flag.
	if (!isBind && flags.attributes.readonly !== undefined) superblock.push(flags.attributes.readonly ? "ro" : "rw");
	return {
		op: "mount.remount",
		...common(flags, destination, at),
		bind: isBind,
		options: flags.options,
		superblock,
		...(attributes ? { attributes } : {}),
	};
}

function newFilesystem(
	context: Context,
	mount: Mount,
	type: string,
	flags: MountFlags,
	destination: string,
	at: string,
): MountSteps {
	const superblock = superblockFlags(flags);
	const late: InitStep[] = [];
	if (flags.attributes.readonly) {
		if (destination === "/dev") {
			// The devices are made in it first, and it must stay writable until then.
			flags.attributes.drop("rdonly");
			late.push({
				op: "mount.remount",
				at,
				destination,
				bind: true,
				options: [],
				superblock: [],
				attributes: { set: ["rdonly"] },
			});
		} else if (!sharedSuperblock.has(type)) superblock.push("ro");
	}
	const attributes = flags.attributes.toNew();
	const ifForbidden = mountedOnHost(context, type);
	const step: InitStepOf<"mount.filesystem"> = {
		op: "mount.filesystem",
		...common(flags, destination, at),
		type,
		source: mount.source || type,
		options: flags.options,
		superblock,
		...(attributes ? { attributes } : {}),
		// CVE-2019-19921, CVE-2023-27561, CVE-2025-54867: an image whose /proc or /sys is a symlink.
		...(type === "proc" || type === "sysfs" ? { ordinary: true } : {}),
		...(flags.copyUp ? { copyUp: true } : {}),
		...(ifForbidden === undefined ? {} : { ifForbidden }),
	};
	return { steps: [step], late, needsCgroup: false };
}

function superblockFlags(flags: MountFlags): string[] {
	return [...flags.superblock].filter(([, on]) => on).map(([flag]) => flag);
}
