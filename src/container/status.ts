/**
 * What state a container is in. Nothing is stored that could go stale: the answer is made from the process,
 * the start socket and the freezer each time.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import { isFrozen } from "./freezer.js";
import type { ContainerRecord } from "./record.js";
import type { StateDirectory } from "./store.js";
import { tryLock } from "./store.js";

/** The specification's words, and runc's `paused`. */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** `locked`: by the caller, so that nobody else is at work. */
export function containerStatus(
	native: Native,
	directory: StateDirectory,
	record: ContainerRecord,
	locked = false,
): Status {
	const isBusy = (): boolean => !locked && isLocked(native, directory);
	if (record.init_process_pid === 0) return isBusy() ? "creating" : "stopped";
	if (!isAlive(native, record)) return "stopped";
	// A created container can be paused as well. First, because a frozen init takes no connection off its queue.
	if (isFrozen(native, record.cgroup_paths)) return "paused";
	// A create holds the lock until it is done, which hooks can delay; so does a run, which has no start socket.
	const waits = isWaitingForStart(native, directory);
	const startsLater = record.runtime_ts.startSteps !== undefined;
	if ((waits || !startsLater) && isBusy()) return "creating";
	return waits ? "created" : "running";
}

/** containerd, CRI-O and Docker match on these words. */
export function notRunning(hint?: string): RuntimeError {
	return new RuntimeError("container.state", "container not running", hint === undefined ? {} : { hint });
}

/** True while another command holds the lock. */
export function isLocked(native: Native, directory: StateDirectory): boolean {
	const held = tryLock(native, directory, "shared");
	if (held === "busy") return true;
	if (held !== undefined) native.close({ fd: held });
	return false;
}

/** True when the recorded process runs: same start time, so not another process under a reused pid, and no zombie. */
export function isAlive(native: Native, record: ContainerRecord): boolean {
	const stat = native.processStat({ pid: record.init_process_pid });
	if (!stat || stat.state === "Z" || stat.state === "X") return false;
	return Number(stat.startTime) === record.init_process_start;
}

/**
 * pidfd of the recorded process, or undefined when it has ended. The descriptor is opened before the start time
 * is compared, so what is signalled through it is what was compared.
 */
export function openInit(native: Native, record: ContainerRecord): number | undefined {
	if (record.init_process_pid === 0) return undefined;
	const pidfd = native.openPid({ pid: record.init_process_pid });
	if (pidfd === undefined) return undefined;
	if (isAlive(native, record)) return pidfd;
	native.close({ fd: pidfd });
	return undefined;
}

/**
 * The init listens on the start socket until it is told to start. A connection that says nothing is ignored by
 * it; one that is refused shows that the init has gone on (its socket closed by exec) and only the name is left.
 */
export function isWaitingForStart(native: Native, directory: StateDirectory): boolean {
	try {
		const connection = connectToInit(native, directory, false);
		if (connection === undefined) return false;
		native.close({ fd: connection });
		return true;
	} catch (error) {
		// Its queue is full: of others who ask, while something keeps it from running (SIGSTOP, a frozen cgroup above).
		if (failedWith(error, "EAGAIN", "EWOULDBLOCK")) return true;
		throw error;
	}
}

/** Undefined when no init waits. With `wait` it comes back when the init has a place for one more, or has ended. */
export function connectToInit(native: Native, directory: StateDirectory, wait: boolean): number | undefined {
	try {
		return native.connect({ path: directory.startSocket, wait });
	} catch (error) {
		if (failedWith(error, "ENOENT", "ECONNREFUSED")) return undefined;
		throw error;
	}
}
