/** Which containers `exec` may enter. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { isFrozen } from "./freezer.js";
import type { ContainerRecord } from "./record.js";
import { containerStatus, isAlive, isLocked } from "./status.js";
import type { StateDirectory } from "./store.js";

/**
 * Throws unless the container is created or running; or paused, with `ignorePaused`. That its process is the recorded one
 * is seen to by the init, at the moment of joining it.
 */
export function checkEnterable(
	native: Native,
	directory: StateDirectory,
	record: ContainerRecord,
	ignorePaused: boolean,
): void {
	// A create that is not done yet holds the lock: its process may still be in the root filesystem of the host. So does
	// a start, which is why the status has the last word.
	if (record.init_process_pid === 0 || isLocked(native, directory)) {
		const status = containerStatus(native, directory, record);
		if (status === "stopped") throw stopped();
		if (status === "creating") {
			throw new RuntimeError("container.state", "cannot exec in a container in the creating state");
		}
	}
	if (ignorePaused || !isFrozen(native, record.cgroup_paths)) return;
	if (!isAlive(native, record)) throw stopped();
	throw new RuntimeError("container.state", "cannot exec in a paused container (use --ignore-paused to override)");
}

export function stopped(hint?: string): RuntimeError {
	return new RuntimeError("container.state", "cannot exec in a stopped container", hint === undefined ? {} : { hint });
}
