/** Compiles linux.cgroupsPath and linux.resources into the host steps that make the container's cgroup. */
import type { Spec } from "../bundle/spec.js";
import type { HostStep, Plan } from "../plan/schema.js";
import { delegateCgroup } from "./delegation.js";
import type { CgroupLayout, CgroupMount } from "./layout.js";
import { cgroupPath } from "./path.js";
import { hasLimits, limitsWithoutCgroup, pointerTo, type Resources, refuseUnsupported } from "./resources.js";
import { addUnit, compileUnit, type SystemdFacts } from "./systemd.js";
import { warnOfUnitAnnotations } from "./unit-annotations.js";
import { writeV1 } from "./v1.js";
import { writeV2 } from "./v2.js";
import { missing, Writes } from "./writes.js";

export interface CgroupInput {
	id: string;
	spec: Spec;
	layout: CgroupLayout;
	/** Root on the host. Others can't restrict devices. */
	privileged: boolean;
	/** Uid of the caller; whether root of a user namespace or of the host, root alone can give files away. Default 0. */
	euid?: number;
	/** The container goes without a cgroup, unless it asks for one; default: when not privileged. */
	optional?: boolean;
	/** The cgroup is a unit of systemd's. */
	systemd?: SystemdFacts;
	/** No cgroup, whatever the configuration says. */
	disabled?: boolean;
}

export interface CgroupPlan {
	cgroups: Plan["cgroups"];
	host: HostStep[];
	warnings: Plan["warnings"];
}

/** A new one each time: the compiler of plans appends to its lists. */
function nothing(): CgroupPlan {
	return { cgroups: [], host: [], warnings: [] };
}

function withoutCgroup(spec: Spec): CgroupPlan {
	const plan = nothing();
	if (spec.annotations !== undefined) warnOfUnitAnnotations(spec, plan.warnings);
	return plan;
}

export function compileCgroup(input: CgroupInput): CgroupPlan {
	const { id, spec, layout, privileged, euid = 0, optional = !privileged, systemd } = input;
	const resources: Resources = spec.linux?.resources ?? {};
	const requested = spec.linux?.cgroupsPath;
	refuseUnsupported(resources);
	if (input.disabled) {
		if (hasLimits(resources)) limitsWithoutCgroup();
		return withoutCgroup(spec);
	}
	const unit = systemd === undefined ? undefined : compileUnit({ id, spec, layout, systemd, privileged });
	if (layout.mode === "none") {
		if (hasLimits(resources)) missing("any", pointerTo(""));
		return withoutCgroup(spec);
	}
	// Rootless engines leave the path out when nobody gave them a cgroup to make others in.
	if (optional && !requested && !hasLimits(resources) && unit === undefined) return withoutCgroup(spec);

	const path = unit === undefined ? cgroupPath(id, requested) : unit.path;
	const unified = layout.mode === "v2" ? layout.unified : undefined;
	const plan = unified === undefined ? inHierarchies(layout.v1, path) : inUnified(unified + path);
	if (unit !== undefined) addUnit(plan, unit);
	else if (spec.annotations !== undefined) warnOfUnitAnnotations(spec, plan.warnings);
	const write = unified === undefined ? writeV1 : writeV2;
	// A v1 host without the devices controller could not keep the container from any device: an error, as in runc.
	write(resources, spec.ociVersion, new Writes(plan.cgroups, plan.host), privileged);
	if (unified !== undefined && euid === 0) delegateCgroup(spec, unified + path, plan.host);
	return plan;
}

/**
 * A cgroup in every hierarchy, limited or not: freezing, killing and accounting need them. v2 beside v1 (hybrid) has no
 * controllers. runc and crun join it nonetheless; a write to its cgroup.procs waits for an RCU grace period (up to 20 ms).
 */
function inHierarchies(hierarchies: readonly CgroupMount[], path: string): CgroupPlan {
	const plan = nothing();
	for (let index = 0; index < hierarchies.length; index++) {
		const { controllers, path: root } = hierarchies[index] as CgroupMount;
		const directory = root + path;
		plan.cgroups.push({ controller: controllers.join(","), path: directory });
		plan.host.push({ op: "cgroup.create", at: "/linux/cgroupsPath", path: directory });
		// Nobody can enter a cgroup with an empty cpuset (ENOSPC), and a new one is empty, its new parents too.
		if (!controllers.includes("cpuset")) continue;
		plan.host.push({ op: "cgroup.inherit", path: directory, file: "cpuset.cpus", root });
		plan.host.push({ op: "cgroup.inherit", path: directory, file: "cpuset.mems", root });
	}
	return plan;
}

function inUnified(directory: string): CgroupPlan {
	return {
		cgroups: [{ controller: "", path: directory }],
		host: [{ op: "cgroup.create", at: "/linux/cgroupsPath", path: directory, v2: true }],
		warnings: [],
	};
}
