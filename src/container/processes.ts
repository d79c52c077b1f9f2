/** Which processes a container has. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { processesIn } from "./cgroups.js";
import type { Place } from "./place.js";
import { loadRecord, locate } from "./store.js";

export interface ProcessesRequest extends Place {
	id: string;
}

/** Pids, as this process sees them, of all in the container's cgroups and below, in ascending order; stopped or not. */
export function listProcesses(native: Native, request: ProcessesRequest): number[] {
	const { cgroup_paths: paths, id } = loadRecord(native, locate(native, request, request.id));
	if (Object.keys(paths).length === 0) {
		throw new RuntimeError("cgroup", `container ${id} has no cgroup, so nobody knows its processes`, {
			pointer: "/linux/cgroupsPath",
			hint: "a rootless container has a cgroup if linux.cgroupsPath or a limit asks for it",
		});
	}
	// 0 stands for processes of a pid namespace that this process does not see.
	return [...processesIn(native, paths)].filter((pid) => pid !== 0).sort((a, b) => a - b);
}
