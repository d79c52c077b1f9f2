/**
 * A mount of type "cgroup": the container's view of cgroups, on whatever the host has. On v1 it is a tmpfs with one
 * mount for each hierarchy, on v2 the one unified filesystem.
 */
import type { CgroupMount } from "../cgroup/layout.js";
import { RuntimeError } from "../errors.js";
import { type Context, inUserNamespace } from "./context.js";
import type { MountFlags } from "./mount-flags.js";
import type { AttributeChange, InitStep, InitStepOf } from "./schema.js";

export function compileCgroupMount(context: Context, flags: MountFlags, destination: string, at: string): InitStep[] {
	const { mode, unified, v1 } = context.host.cgroup;
	if (mode === "v2" && unified !== undefined) return [unifiedMount(context, unified, flags, destination, at)];
	if (v1.length === 0) {
		throw new RuntimeError("host.unsupported", "cgroup: the host has no cgroup hierarchy mounted", {
			pointer: `${at}/type`,
			hint: "mount cgroupfs on the host, or take the mount out of config.json",
		});
	}
	const steps: InitStep[] = [
		{
			op: "mount.filesystem",
			at,
			destination,
			type: "tmpfs",
			source: "tmpfs",
			options: [["mode", "755"]],
			superblock: [],
			attributes: { set: ["nosuid", "nodev", "noexec"] },
		},
	];
	const attributes = hierarchyAttributes(flags);
	for (const hierarchy of v1) addHierarchy(steps, context, hierarchy, attributes, destination, at);
	// Last, because until here mount points and symlinks are made in it.
	const readonly = flags.attributes.readonly === true;
	if (readonly || flags.propagation.length > 0) {
		steps.push({
			op: "mount.remount",
			at,
			destination,
			bind: true,
			options: [],
			superblock: [],
			...(readonly ? { attributes: { set: ["rdonly"] } } : {}),
			...(flags.propagation.length > 0 ? { propagation: flags.propagation } : {}),
		});
	}
	return steps;
}

function unifiedMount(context: Context, unified: string, flags: MountFlags, destination: string, at: string): InitStep {
	const propagation = flags.propagation.length > 0 ? { propagation: flags.propagation } : {};
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
			...propagation,
		};
	}
	// The cgroup namespace belongs to another user namespace, where we can't mount it (EPERM): show what is ours, or
	// without a cgroup of our own the host's, which nobody in the container may write (CVE-2023-25809).
	const own = context.cgroups[0]?.path;
	const asked = hierarchyAttributes(flags);
	const attributes = own === undefined ? withReadonly(asked) : asked;
	return { op: "mount.bind", at, destination, source: own ?? unified, tree: false, attributes, ...propagation };
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
		const key = controllers.join(",");
		const own = context.cgroups.find(({ controller }) => controller === key)?.path;
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
	for (const controller of controllers) {
		if (controller === directory) continue;
		steps.push({ op: "symlink.create", at, path: `${destination}/${controller}`, target: directory, replace: false });
	}
}

function hierarchyOptions(controllers: string[]): InitStepOf<"mount.filesystem">["options"] {
	return controllers.flatMap((controller) => {
		const equals = controller.indexOf("=");
		// A named hierarchy without a controller has to be asked for as such.
		return equals < 0 ? [controller] : ["none", [controller.slice(0, equals), controller.slice(equals + 1)]];
	});
}

/** runc mounts hierarchies with these whatever the options say: there is nothing to execute, no device and no suid file. */
function hierarchyAttributes(flags: MountFlags): AttributeChange {
	const change = flags.attributes.toNew();
	return { ...change, set: [...new Set([...(change?.set ?? []), "nosuid", "nodev", "noexec"] as const)] };
}

function withReadonly(change: AttributeChange): AttributeChange {
	return change.set?.includes("rdonly") ? change : { ...change, set: [...(change.set ?? []), "rdonly"] };
}
