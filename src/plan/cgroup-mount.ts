/**
 * A mount of type "cgroup": the container's view of cgroups, on whatever the host has. On v1 it is a tmpfs with one
 * mount for each hierarchy, on v2 the one unified filesystem.
 */
import type { CgroupMount } from "../cgroup/layout.js";
import { RuntimeError } from "../errors.js";
import { append } from "./append.js";
import { type Context, inUserNamespace } from "./context.js";
import type { MountFlags } from "./mount-flags.js";
import type { AttributeChange, InitStep, InitStepOf, MountAttribute } from "./schema.js";

/** Where a mount goes, and where config.json asks for it. */
export interface MountPlace {
	destination: string;
	at: string;
}

export function compileCgroupMount(
	context: Context,
	flags: MountFlags,
	{ destination, at }: MountPlace,
	steps: InitStep[],
): void {
	const { mode, unified, v1 } = context.host.cgroup;
	if (mode === "v2" && unified !== undefined) {
		steps.push(unifiedMount(context, unified, flags, destination, at));
		return;
	}
	if (v1.length === 0) {
		throw new RuntimeError("host.unsupported", "cgroup: the host has no cgroup hierarchy mounted", {
			pointer: `${at}/type`,
			hint: "mount cgroupfs on the host, or take the mount out of config.json",
		});
	}
	refuseOptions(flags, at, "cgroup v1 hierarchies are mounted as the host has them");
	steps.push({
		op: "mount.filesystem",
		at,
		destination,
		type: "tmpfs",
		source: "tmpfs",
		options: [["mode", "755"]],
		superblock: [],
		attributes: { set: ["nosuid", "nodev", "noexec"] },
	});
	const attributes = hierarchyAttributes(flags);
	for (let index = 0; index < v1.length; index++) {
		addHierarchy(steps, context, v1[index] as CgroupMount, attributes, destination, at);
	}
	// Last, because until here mount points and symlinks are made in it.
	const readonly = flags.attributes.readonly === true;
	// What is made here has nothing to clear, but for what is read-only because it is the host's.
	const recursive = flags.recursive.toNew();
	if (!readonly && flags.propagation.length === 0 && recursive === undefined) return;
	const step: InitStepOf<"mount.remount"> = {
		op: "mount.remount",
		at,
		destination,
		bind: true,
		options: [],
		superblock: [],
	};
	if (readonly) step.attributes = { set: ["rdonly"] };
	if (recursive !== undefined) step.recursive = recursive;
	if (flags.propagation.length > 0) step.propagation = flags.propagation;
	steps.push(step);
}

function unifiedMount(context: Context, unified: string, flags: MountFlags, destination: string, at: string): InitStep {
	const propagation = flags.propagation.length > 0 ? { propagation: flags.propagation } : {};
	const below = flags.recursive.toNew();
	const recursive = below === undefined ? {} : { recursive: below };
	if (context.namespaces.has("cgroup") || !inUserNamespace(context)) {
		const attributes = flags.attributes.toNew();
		return {
			op: "mount.filesystem",
			at,
			destination,
			type: "cgroup2",
			source: "cgroup",
			options: flags.options,
			superblock: [],
			...(attributes ? { attributes } : {}),
			...recursive,
			...propagation,
		};
	}
	refuseOptions(flags, at, "in a user namespace without a cgroup namespace of its own, the host's mount is bound");
	// The cgroup namespace belongs to another user namespace, where we can't mount it (EPERM): show what is ours, or
	// without a cgroup of our own the host's, which nobody in the container may write (CVE-2023-25809).
	const own = context.cgroups[0]?.path;
	const asked = hierarchyAttributes(flags);
	const attributes = own === undefined ? withReadonly(asked) : asked;
	const source = own ?? unified;
	return { op: "mount.bind", at, destination, source, tree: false, attributes, ...recursive, ...propagation };
}

/** For mounts that have no superblock of their own, which such options are for. */
function refuseOptions({ options }: MountFlags, at: string, reason: string): void {
	const option = options[0];
	if (option === undefined) return;
	const word = typeof option === "string" ? option : option.join("=");
	throw new RuntimeError("config.unsupported", `a cgroup mount can't have the option ${JSON.stringify(word)} here`, {
		pointer: `${at}/options`,
		hint: reason,
	});
}

function addHierarchy(
	steps: InitStep[],
	context: Context,
	{ controllers, path: hostPath }: CgroupMount,
	attributes: AttributeChange,
	destination: string,
	at: string,
): void {
	const directory = hostPath.slice(hostPath.lastIndexOf("/") + 1);
	const path = `${destination}/${directory}`;
	if (context.namespaces.has("cgroup")) {
		// The mount's root is the root of the cgroup namespace: the container's own cgroup.
		const options = hierarchyOptions(controllers);
		steps.push({
			op: "mount.filesystem",
			at,
			destination: path,
			type: "cgroup",
			source: "cgroup",
			options,
			superblock: [],
			attributes,
		});
	} else {
		const own = ownCgroup(context, controllers.join(","));
		steps.push({
			op: "mount.bind",
			at,
			destination: path,
			source: own ?? hostPath,
			tree: false,
			attributes: own === undefined ? withReadonly(attributes) : attributes,
		});
	}
	if (controllers.length === 1) return;
	// Programs look for /sys/fs/cgroup/cpu where the host has cpu,cpuacct.
	for (let index = 0; index < controllers.length; index++) {
		const controller = controllers[index] as string;
		if (controller === directory) continue;
		steps.push({ op: "symlink.create", at, path: `${destination}/${controller}`, target: directory, replace: false });
	}
}

/** The container's cgroup in the hierarchy of these controllers. */
function ownCgroup({ cgroups }: Context, controllers: string): string | undefined {
	for (let index = 0; index < cgroups.length; index++) {
		if (cgroups[index]?.controller === controllers) return cgroups[index]?.path;
	}
	return undefined;
}

function hierarchyOptions(controllers: string[]): InitStepOf<"mount.filesystem">["options"] {
	const options: InitStepOf<"mount.filesystem">["options"] = [];
	for (let index = 0; index < controllers.length; index++) {
		const controller = controllers[index] as string;
		const equals = controller.indexOf("=");
		// A named hierarchy without a controller has to be asked for as such.
		if (equals >= 0) options.push("none", [controller.slice(0, equals), controller.slice(equals + 1)]);
		else options.push(controller);
	}
	return options;
}

/** runc mounts hierarchies with these whatever the options say: there is nothing to execute, no device and no suid file. */
const always: readonly MountAttribute[] = ["nosuid", "nodev", "noexec"];

function hierarchyAttributes(flags: MountFlags): AttributeChange {
	const change = flags.attributes.toNew();
	const set: MountAttribute[] = [];
	if (change?.set !== undefined) append(set, change.set);
	for (let index = 0; index < always.length; index++) {
		const attribute = always[index] as MountAttribute;
		if (!set.includes(attribute)) set.push(attribute);
	}
	return { ...change, set };
}

function withReadonly(change: AttributeChange): AttributeChange {
	return change.set?.includes("rdonly") ? change : { ...change, set: [...(change.set ?? []), "rdonly"] };
}
