/** `kill`: a signal to the container's first process, or to all of them. */
import type { Native } from "../native/api.js";
import { processesIn, signalAll } from "./cgroups.js";
import { failedWith } from "./errno.js";
import { isFrozen, setFrozen } from "./freezer.js";
import type { Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import { ownsPidNamespace } from "./recording.js";
import { SIGKILL, signalNumber } from "./signals.js";
import { notRunning, openInit } from "./status.js";
import { loadRecord, locate } from "./store.js";

export interface KillRequest extends Place {
	id: string;
	/** `9`, `KILL`, `SIGKILL`, `RTMIN+1`; default SIGTERM. */
	signal?: string;
	/** Every process in the cgroup; that there is none is fine. */
	all?: boolean;
	onNotice?: (message: string) => void;
}

/** Takes no lock: a container whose start hangs in a hook must be killable. */
export function kill(native: Native, request: KillRequest): void {
	const directory = locate(native, request, request.id);
	const record = loadRecord(native, directory);
	const signal = signalNumber(request.signal ?? "SIGTERM");
	const cgroups = record.cgroup_paths;
	const pidfd = openInit(native, record);
	// Without a pid namespace of its own the other processes outlive the first one.
	const everyone = request.all || (signal === SIGKILL && !ownsPidNamespace(record));
	if (pidfd !== undefined) {
		deliver(native, pidfd, signal, request.all === true);
	} else if (!request.all && !(everyone && processesIn(native, cgroups).size > 0)) {
		throw notRunning();
	}
	if (signal === SIGKILL) thaw(native, cgroups);
	if (everyone) {
		noteAbsence(request, record, signal);
		signalAll(native, cgroups, signal, pidfd === undefined ? undefined : record.init_process_pid);
	}
	if (pidfd !== undefined) native.close({ fd: pidfd });
}

function deliver(native: Native, pidfd: number, signal: number, all: boolean): void {
	try {
		native.signalPid({ pidfd, signal });
	} catch (error) {
		if (!failedWith(error, "ESRCH")) throw error;
		if (!all) throw notRunning();
	}
}

/** Nobody knows the others; those in a pid namespace die with its first process. */
function noteAbsence({ id, onNotice }: KillRequest, record: ContainerRecord, signal: number): void {
	if (Object.keys(record.cgroup_paths).length > 0 || (signal === SIGKILL && ownsPidNamespace(record))) return;
	onNotice?.(`container ${id} has no cgroup: only its first process got the signal`);
}

/** A frozen process of cgroup v1 would get the signal only when it is thawed. */
function thaw(native: Native, cgroups: Record<string, string>): void {
	if (cgroups.freezer !== undefined && isFrozen(native, cgroups)) setFrozen(native, cgroups, false);
}
