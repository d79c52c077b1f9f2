/** Compiles linux.cgroupsPath and linux.resources into the host steps that make the container's cgroup. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { HostStep, Plan } from "../plan/schema.js";
import type { CgroupLayout, CgroupMount } from "./layout.js";
import { cgroupPath } from "./path.js";
import { type CgroupTarget, hasLimits, pointerTo, type Resources, refuseUnsupported } from "./resources.js";
import { writeV1 } from "./v1.js";
import { writeV2 } from "./v2.js";

export interface CgroupInput {
	id: string;
	spec: Spec;
	layout: CgroupLayout;
	/** Root on the host. Others can't restrict devices, and may have no cgroup that they can write to. */
	privileged: boolean;
}

export interface CgroupPlan {
	cgroups: Plan["cgroups"];
	host: HostStep[];
	warnings: Plan["warnings"];
}

export function compileCgroup({ id, spec, layout, privileged }: CgroupInput): CgroupPlan {
	const resources: Resources = spec.linux?.resources ?? {};
	const requested = spec.linux?.cgroupsPath;
	const limited = hasLimits(resources);
	refuseUnsupported(resources);
	if (layout.mode === "none") {
		if (limited) missing("any", pointerTo(""));
		return { cgroups: [], host: [], warnings: [] };
	}
	// Rootless engines leave the path out when nobody gave them a cgroup to make others in.
	if (!privileged && !requested && !limited) return { cgroups: [], host: [], warnings: [] };

	const path = cgroupPath(id, requested);
	const host =
		layout.mode === "v2" && layout.unified !== undefined
			? unifiedSteps(layout.unified + path, resources, spec.ociVersion, privileged)
			: hierarchySteps(layout.v1, path, resources, spec.ociVersion, privileged);
	const cgroups =
		layout.mode === "v2" ? [{ controller: "", path: layout.unified + path }] : directories(layout.v1, path);
	return { cgroups, host, warnings: [] };
}

/** A cgroup in every hierarchy, limited or not: freezing, killing and accounting need them. v2 beside v1 has no controllers. */
function directories(hierarchies: readonly CgroupMount[], path: string): Plan["cgroups"] {
	return hierarchies.map((hierarchy) => ({ controller: hierarchy.controllers.join(","), path: hierarchy.path + path }));
}

function hierarchySteps(
	hierarchies: readonly CgroupMount[],
	path: string,
	resources: Resources,
	ociVersion: string,
	privileged: boolean,
): HostStep[] {
	const steps: HostStep[] = [];
	for (const { controllers, path: root } of hierarchies) {
		steps.push({ op: "cgroup.create", at: "/linux/cgroupsPath", path: root + path });
		// Nobody can enter a cgroup with an empty cpuset (ENOSPC), and a new one is empty, its new parents too.
		if (!controllers.includes("cpuset")) continue;
		for (const file of ["cpuset.cpus", "cpuset.mems"])
			steps.push({ op: "cgroup.inherit", path: root + path, file, root });
	}
	const byController = new Map(
		hierarchies.flatMap(({ controllers, path: root }) => controllers.map((name) => [name, root + path])),
	);
	const target = collectInto(
		steps,
		(controller, pointer) => byController.get(controller) ?? missing(controller, pointer),
	);
	// A host without the devices controller could not keep the container from any device: an error, as in runc.
	writeV1(resources, ociVersion, target, privileged);
	return steps;
}

function unifiedSteps(path: string, resources: Resources, ociVersion: string, privileged: boolean): HostStep[] {
	const steps: HostStep[] = [{ op: "cgroup.create", at: "/linux/cgroupsPath", path, v2: true }];
	// Which controllers there are is known only to the kernel: a missing one is a missing file (ENOENT).
	writeV2(
		resources,
		ociVersion,
		collectInto(steps, () => path),
		privileged,
	);
	return steps;
}

function collectInto(steps: HostStep[], directory: CgroupTarget["directory"]): CgroupTarget {
	return {
		steps,
		directory,
		write(controller, pointer, file, value, optional = false) {
			const at = pointerTo(pointer);
			steps.push({
				op: "cgroup.write",
				at,
				path: `${directory(controller, at)}/${file}`,
				value,
				...(optional ? { optional } : {}),
			});
		},
	};
}

function missing(controller: string, pointer: string): never {
	throw new RuntimeError("cgroup", `cgroup: controller "${controller}" is not mounted, so its limit can't be set`, {
		pointer,
		hint: `mount the hierarchy on the host, or take the limit out of config.json#${pointer}`,
	});
}
