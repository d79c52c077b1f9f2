/** mounts[]: each one becomes a bind, a new filesystem, a remount or a change of propagation. */
import { isIdMapOption } from "../bundle/idmap-option.js";
import { RuntimeError } from "../errors.js";
import { compileCgroupMount, type MountPlace } from "./cgroup-mount.js";
import type { Context, Mount } from "./context.js";
import { type MountFlags, readMountFlags } from "./mount-flags.js";
import { addIdMap } from "./mount-idmap.js";
import { mountOption } from "./mount-options.js";
import { cleanPath } from "./paths.js";
import type { AttributeChange, InitStep, InitStepOf } from "./schema.js";
import { mountedOnHost } from "./shared-mounts.js";

/** Where the steps of a mount go. */
export interface MountSteps {
	steps: InitStep[];
	/** What has to wait until the runtime itself has made its files in the mount. */
	late: InitStep[];
}

/**
 * Filesystems whose superblock is shared with others or says nothing about writing: only the mount is made
 * read-only. With the superblock, proc and cgroup would fail (EBUSY) or turn read-only for everybody.
 */
const sharedSuperblock: readonly string[] = ["proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts"];

/** Inside /proc only single files may be covered, as lxcfs does; anything else could fake what the runtime and LSMs write to. */
const allowedInProc: readonly string[] = [
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
];

/** The process has to be in its own cgroup before such a mount is made. */
export function showsCgroups({ type, options = [] }: Mount): boolean {
	return type === "cgroup" && !options.includes("bind") && !options.includes("rbind") && !options.includes("remount");
}

/** What is copied is memory, and as much as the image says: it has to be the container's, with its limit. */
export function copiesUp({ options = [] }: Mount): boolean {
	return options.includes("tmpcopyup");
}

/** Appends the steps of `mounts[index]`. */
export function compileMount(context: Context, mount: Mount, index: number, into: MountSteps): void {
	const at = `/mounts/${index}`;
	const destination = cleanPath(mount.destination);
	const { type, options = [] } = mount;
	const flags = readMountFlags(options, type);
	check(mount, flags, destination, at);
	if (flags.superblock.length > 0 && !changesSuperblock(mount, flags)) {
		context.warn(
			`${at}/options`,
			`${flags.superblock.join()} changes nothing here: it is for a filesystem of one's own`,
		);
	}

	if (flags.bind && flags.options.length > 0) warnOfData(context, mount, `${at}/options`);

	if (flags.remount) {
		into.steps.push(remount(flags, destination, at));
	} else if (flags.bind) {
		into.steps.push(bind(context, mount, flags, flags.bind.tree, destination, at));
	} else if (type === "cgroup") {
		compileCgroupMount(context, flags, { destination, at }, into.steps);
	} else if ((!type || type === "none") && flags.propagation.length > 0) {
		into.steps.push({ op: "mount.propagation", at, destination, propagation: flags.propagation });
	} else {
		newFilesystem(context, mount, type ?? "", flags, { destination, at }, into);
	}
}

/** The kernel knows sync, dirsync, lazytime and mand by filesystem, not by mount: on a bind it has always ignored them. */
function changesSuperblock({ type }: Mount, { bind, propagation }: MountFlags): boolean {
	return bind === undefined && type !== "cgroup" && !((!type || type === "none") && propagation.length > 0);
}

/**
 * An option of a filesystem goes to mount(2) as data (config.md), and with MS_BIND the kernel ignores data. crun leaves it
 * at that, as runc did before 1.2, which refuses it (runc#3990) and broke SingularityCE and devcontainers on Podman.
 */
function warnOfData(context: Context, { options = [] }: Mount, at: string): void {
	for (const [index, word] of options.entries()) {
		if (mountOption(word) !== undefined || isIdMapOption(word)) continue;
		context.warn(
			`${at}/${index}`,
			`bind mounts have no filesystem-specific options: ${JSON.stringify(word)} changes nothing`,
		);
	}
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
	if (destination.startsWith("/proc/") && !allowedInProc.includes(destination)) {
		throw new RuntimeError("config.invalid", `"${destination}" cannot be mounted because it is inside /proc`, {
			pointer: `${at}/destination`,
		});
	}
}

/** What every kind of mount can have beside its destination. */
function addCommon(
	step: InitStepOf<"mount.bind"> | InitStepOf<"mount.remount"> | InitStepOf<"mount.filesystem">,
	flags: MountFlags,
	attributes: AttributeChange | undefined,
): void {
	const recursive = flags.recursive.toChange();
	if (recursive) step.recursive = recursive;
	if (flags.propagation.length > 0) step.propagation = flags.propagation;
	if (attributes) step.attributes = attributes;
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
	const step: InitStepOf<"mount.bind"> = { op: "mount.bind", at, destination, source, tree };
	addCommon(step, flags, flags.attributes.toChange());
	addIdMap(step, context, mount, flags);
	if (destination === "/proc") step.procfs = true;
	return step;
}

function remount(flags: MountFlags, destination: string, at: string): InitStep {
	const isBind = flags.bind !== undefined;
	const superblock: string[] = isBind ? [] : flags.superblock;
	// Unlike a new superblock, an old one may have to lose the flag.
	if (!isBind && flags.attributes.readonly !== undefined) superblock.push(flags.attributes.readonly ? "ro" : "rw");
	const { options } = flags;
	const step: InitStepOf<"mount.remount"> = { op: "mount.remount", at, destination, bind: isBind, options, superblock };
	addCommon(step, flags, flags.attributes.toChange());
	return step;
}

function newFilesystem(
	context: Context,
	mount: Mount,
	type: string,
	flags: MountFlags,
	{ destination, at }: MountPlace,
	{ steps, late }: MountSteps,
): void {
	const { superblock } = flags;
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
		} else if (!sharedSuperblock.includes(type)) superblock.push("ro");
	}
	const source = mount.source || type;
	const { options } = flags;
	const step: InitStepOf<"mount.filesystem"> = {
		op: "mount.filesystem",
		at,
		destination,
		type,
		source,
		options,
		superblock,
	};
	addCommon(step, flags, flags.attributes.toNew());
	// CVE-2019-19921, CVE-2023-27561, CVE-2025-54867: an image whose /proc or /sys is a symlink.
	if (type === "proc" || type === "sysfs") step.ordinary = true;
	if (flags.copyUp) step.copyUp = true;
	const ifForbidden = mountedOnHost(context, type);
	if (ifForbidden !== undefined) step.ifForbidden = ifForbidden;
	addIdMap(step, context, mount, flags);
	steps.push(step);
}
