/** `delete`: takes a container away. Named destroy here, because `delete` is a keyword. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { unmountRoot } from "./host-mounts.js";
import type { Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import type { Status } from "./status.js";
import { containerStatus, openInit } from "./status.js";
import type { StateDirectory } from "./store.js";
import { locate, missing, readRecord, tryLock, lock as waitForLock } from "./store.js";
import { killInit, removeContainer } from "./teardown.js";

export interface DeleteRequest extends Place {
	id: string;
	/** Whatever its state is; and that there is no such container is fine. */
	force?: boolean;
	onWarning?: (message: string, pointer?: string) => void;
}

export function destroy(native: Native, request: DeleteRequest): void {
	const force = request.force === true;
	const directory = locate(native, request, request.id);
	const held = force ? lockOrPass(native, directory) : lockOrRefuse(native, directory);
	if (held === undefined) {
		if (force) return;
		throw missing(directory);
	}
	try {
		const record = load(native, directory, force);
		if (record) {
			endProcess(native, directory, record, force);
			const env = request.env ?? native.environment();
			removeContainer(native, { directory, record, env, poststop: true, onWarning: request.onWarning });
		} else {
			// Left by a create that was killed before it had recorded anything.
			unmountRoot(native, directory);
			native.removeTree({ path: directory.path });
			if (!force) throw missing(directory);
		}
	} finally {
		if (held !== "busy") native.close({ fd: held });
	}
}

/** A create or a start at work holds the lock, and may hang in a hook for ever: that is said, not waited for. */
function lockOrRefuse(native: Native, directory: StateDirectory): number | undefined {
	const held = tryLock(native, directory, "exclusive");
	if (held !== "busy") return held;
	const record = readRecord(native, directory);
	const status = record && containerStatus(native, directory, record);
	// Otherwise somebody looks at it (status.ts), or deletes it, too.
	if (record && status && status !== "created" && status !== "stopped") throw notStopped(record.id, status);
	return waitForLock(native, directory);
}

/**
 * With --force nothing is waited for but a process that does not exist yet. Ending the process makes the command that
 * holds the lock fail, and all that both then remove may be removed twice.
 */
function lockOrPass(native: Native, directory: StateDirectory): number | "busy" | undefined {
	const held = tryLock(native, directory, "exclusive");
	if (held !== "busy") return held;
	return (readRecord(native, directory)?.init_process_pid ?? 0) === 0 ? waitForLock(native, directory) : "busy";
}

/** A record that cannot be read must not make its directory undeletable. */
function load(native: Native, directory: StateDirectory, force: boolean): ContainerRecord | undefined {
	try {
		return readRecord(native, directory);
	} catch (error) {
		if (force && error instanceof RuntimeError) return undefined;
		throw error;
	}
}

function endProcess(native: Native, directory: StateDirectory, record: ContainerRecord, force: boolean): void {
	const pidfd = openInit(native, record);
	if (pidfd === undefined) return;
	if (!force) {
		const status = containerStatus(native, directory, record, true);
		if (status !== "created" && status !== "stopped") {
			native.close({ fd: pidfd });
			throw notStopped(record.id, status);
		}
	}
	killInit(native, pidfd, record.cgroup_paths);
	native.close({ fd: pidfd });
}

function notStopped(id: string, status: Status): RuntimeError {
	return new RuntimeError("container.state", `cannot delete container ${id} that is not stopped: ${status}`, {
		hint: "stop it with `kill`, or use `delete --force`",
	});
}
