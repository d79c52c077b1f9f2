/** `pause` and `resume`: stops every process of a container where it is, and lets them go on. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { processesIn } from "./cgroups.js";
import { freeze, noFreezer, setFrozen } from "./freezer.js";
import type { Place } from "./place.js";
import { containerStatus, isAlive, notRunning, openInit } from "./status.js";
import { loadRecord, locate } from "./store.js";

export interface PauseRequest extends Place {
	id: string;
}

/**
 * Comes back when nothing in the container runs any more. Takes no lock, as kill takes none; delete thaws what was
 * frozen while it killed (teardown.ts).
 */
export function pause(native: Native, request: PauseRequest): void {
	const directory = locate(native, request, request.id);
	const record = loadRecord(native, directory);
	const pidfd = openInit(native, record);
	if (pidfd === undefined) throw notRunning();
	try {
		const status = containerStatus(native, directory, record);
		if (status === "creating") {
			throw new RuntimeError("container.state", `cannot pause a container in the ${status} state`);
		}
		// Paused already: runc says the same, and containerd wants a failure.
		if (status === "paused") throw notRunning("it is paused already");
		const paths = record.cgroup_paths;
		if (processesIn(native, paths).has(process.pid)) {
			throw new RuntimeError("container.state", "cannot pause the container from inside its cgroup");
		}
		const result = freeze(native, { paths, pidfd });
		if (result === "absent") throw noFreezer();
		if (result === "late") {
			throw new RuntimeError("cgroup", "unable to freeze", {
				hint: "a process of the container does not stop: it may wait for I/O; the container runs on",
			});
		}
		// An empty cgroup freezes, too; a container that has ended is not paused.
		if (result === "ended" || !isAlive(native, record)) {
			setFrozen(native, paths, false);
			throw notRunning();
		}
	} finally {
		native.close({ fd: pidfd });
	}
}

export function resume(native: Native, request: PauseRequest): void {
	const directory = locate(native, request, request.id);
	const record = loadRecord(native, directory);
	if (containerStatus(native, directory, record) !== "paused") {
		throw new RuntimeError("container.state", "container not paused");
	}
	if (!setFrozen(native, record.cgroup_paths, false)) throw new RuntimeError("container.state", "container not paused");
}
