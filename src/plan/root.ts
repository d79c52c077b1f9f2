/** root and linux.rootfsPropagation: the root filesystem, prepared, entered, and closed. */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { cleanPath } from "./paths.js";
import type { InitStep, InitStepOf, Propagation } from "./schema.js";

/** Each of these takes a root that can be mounted on. */
function needsMounts({ spec, linux, process, options }: Context): string | undefined {
	if ((spec.mounts ?? []).length > 0) return "/mounts";
	if (spec.root?.readonly) return "/root/readonly";
	if ((linux.devices ?? []).length > 0) return "/linux/devices";
	if (process.terminal) return "/process/terminal";
	return options.notifyDirectory === undefined ? undefined : "/linux/namespaces";
}

/** Without a mount namespace, and with something to mount: on a copy of the rootfs that the engine attaches. */
export function mountsOnHost(context: Context): boolean {
	return !context.namespaces.has("mount") && needsMounts(context) !== undefined;
}

/** The root is a mount of the container's own. */
export function mayMount(context: Context): boolean {
	return context.namespaces.has("mount") || mountsOnHost(context);
}

/** What can't be done among the host's mounts. */
export function requireMountNamespace(context: Context): void {
	if (context.namespaces.has("mount")) return;
	const { linux } = context;
	let pointer: string | undefined;
	// runc's rule: whoever is not confined to mounts of his own may take these off again.
	if ((linux.maskedPaths ?? []).length > 0) pointer = "/linux/maskedPaths";
	else if ((linux.readonlyPaths ?? []).length > 0) pointer = "/linux/readonlyPaths";
	else if (linux.rootfsPropagation) pointer = "/linux/rootfsPropagation";
	// The kernel: mounting takes CAP_SYS_ADMIN in the user namespace that the mount namespace belongs to.
	else if (context.namespaces.has("user")) pointer = needsMounts(context);
	if (pointer === undefined) return;
	throw new RuntimeError("config.unsupported", `unable to set up ${pointer} without a private MNT namespace`, {
		pointer,
		hint: 'add {"type": "mount"} to linux.namespaces',
	});
}

export function openRoot(context: Context, init: InitStep[]): void {
	if (!context.namespaces.has("mount")) {
		const path = mountsOnHost(context) ? context.options.mountedRoot : context.bundle.rootfs;
		init.push({ op: "root.open", at: "/root/path", path });
		return;
	}
	const path = context.bundle.rootfs;
	// Recursive slave: mounts of the host still arrive, none of ours leaves.
	const asked = (context.linux.rootfsPropagation || "rslave") as Propagation;
	// The host's mounts have to stay bindable until all is bound; what is unbindable is private too.
	const propagation = asked === "unbindable" ? "private" : asked === "runbindable" ? "rprivate" : asked;
	init.push({ op: "root.open", at: "/root/path", path, propagation });
}

export function enterRoot(context: Context, init: InitStep[]): void {
	const method: InitStepOf<"root.enter">["method"] = !context.namespaces.has("mount")
		? "chroot"
		: context.options.noPivot
			? "move"
			: "pivot";
	init.push({ op: "root.enter", at: "/root/path", method });
	const propagation = context.linux.rootfsPropagation as Propagation | "" | undefined;
	if (!propagation || propagation === "private" || propagation === "rprivate") return;
	// On the new root, because the parent of the rootfs had to be private for the pivot.
	if (!isUnbindable(propagation)) init.push(rootPropagation(propagation));
}

/** After all that binds a part of the container onto itself, as read-only paths do. */
export function makeUnbindable({ linux: { rootfsPropagation } }: Context, init: InitStep[]): void {
	if (isUnbindable(rootfsPropagation)) init.push(rootPropagation(rootfsPropagation));
}

function isUnbindable(propagation: string | undefined): propagation is "unbindable" | "runbindable" {
	return propagation === "unbindable" || propagation === "runbindable";
}

function rootPropagation(propagation: Propagation): InitStep {
	return { op: "mount.propagation", at: "/linux/rootfsPropagation", destination: "/", propagation: [propagation] };
}

/** runc and crun make a working directory that the image lacks, and it has to be done while the root can be written. */
export function createWorkingDirectory({ process }: Context, init: InitStep[]): void {
	const path = cleanPath(process.cwd);
	if (path !== "/") init.push({ op: "directory.create", at: "/process/cwd", path, mode: 0o755 });
}

/** Per mount, not per superblock: the rootfs may share its filesystem with the host. */
export function makeReadonly({ spec }: Context, init: InitStep[]): void {
	if (!spec.root?.readonly) return;
	init.push({
		op: "mount.remount",
		at: "/root/readonly",
		destination: "/",
		bind: true,
		options: [],
		superblock: [],
		attributes: { set: ["rdonly"] },
	});
}
