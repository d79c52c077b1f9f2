/**
 * The mount points of a container that is to be restored: criu mounts, and does not make what it mounts on. They are made
 * as create makes them, by an init that does the mounts of the plan in a mount namespace of its own, and ends.
 */
import type { Spec } from "../../bundle/spec.js";
import type { Native } from "../../native/api.js";
import type { InitStep, Plan } from "../../plan/schema.js";
import { runInit } from "./init.js";

export function makeMountPoints(native: Native, spec: Spec, plan: Plan): void {
	runInit(native, plan.id, preparation(spec, plan), "made mount points");
}

/** The plan's steps that make a place for something, between those that lead to a mount namespace and those that end. */
function preparation(spec: Spec, plan: Plan): InitStep[] {
	const steps: InitStep[] = [
		{ op: "clone", namespaces: ["mount"] },
		{ op: "root.open", at: "/root/path", path: plan.rootfs, propagation: "rprivate" },
	];
	for (const step of plan.init) {
		if (step.op === "directory.create") steps.push(step);
		if (step.op !== "mount.filesystem" && step.op !== "mount.bind") continue;
		// criu saves what a tmpfs holds, and the mount points in it are among that; those of cgroups are in one, or in /sys.
		if (isCgroup(spec, step.at)) continue;
		const { idmap: _notHere, ...plain } = step;
		steps.push(plain as InitStep);
	}
	return steps;
}

function isCgroup({ mounts = [] }: Spec, at: string | undefined): boolean {
	const index = /^\/mounts\/(\d+)/.exec(at ?? "")?.[1];
	return index !== undefined && mounts[Number(index)]?.type === "cgroup";
}

/**
 * What criu is to put on mount points that were the host's: for each bind of the plan its source, and for those that came
 * with a tree what the host has there. `mounts` are the host's mount points; `root` is the root, with its mount points.
 */
export function externalSources(
	native: Native,
	plan: Plan,
	root: string,
	mounts: readonly string[],
): { key: string; value: string }[] {
	const sources: { key: string; value: string }[] = [];
	for (const step of plan.init) {
		if (step.op !== "mount.bind" && step.op !== "device.bind") continue;
		const destination = step.op === "mount.bind" ? step.destination : step.path;
		// Through the symlinks of the rootfs; what is on a tmpfs is not there yet, and is what it is called.
		const key = native.resolveInRoot({ root, path: destination }) ?? destination;
		sources.push({ key, value: step.source });
		if (step.op !== "mount.bind" || !step.tree) continue;
		for (const point of mounts) {
			if (point.startsWith(`${step.source}/`))
				sources.push({ key: `${key}${point.slice(step.source.length)}`, value: point });
		}
	}
	return sources;
}
