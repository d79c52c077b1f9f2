/** Takes back a launch that failed: the process, the cgroups, the state directory; as if it had not been tried. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import type { Launch } from "./launch-state.js";
import { close, release } from "./launch-state.js";
import { returnNetDevices } from "./net-devices.js";
import { removeResctrlGroups } from "./resctrl.js";
import { killInit, removeContainer } from "./teardown.js";

/** Returns the error to fail with: the first one, with a hint when something could not be taken back. */
export function undo(state: Launch, cause: unknown): unknown {
	const { native, directory, env } = state;
	let obstacle: unknown;
	try {
		returnNetDevices(state);
	} catch (error) {
		obstacle = error;
	}
	try {
		endProcesses(state);
		if (state.resctrlMade !== undefined) removeResctrlGroups(native, state.resctrlMade);
		const { resctrl: _owned, ...rest } = state.record.runtime_ts;
		const record = {
			...state.record,
			...(state.cgroupsMade ? {} : { cgroup_paths: {} }),
			// Removed above, if they were made: a group that was there before stays.
			runtime_ts: rest,
		};
		const onWarning = state.request.onWarning;
		removeContainer(native, { directory, record, env, poststop: state.hooksReached, onWarning });
	} catch (error) {
		obstacle = error;
	}
	release(state);
	if (obstacle === undefined || !(cause instanceof RuntimeError)) return cause;
	const text = obstacle instanceof Error ? obstacle.message : String(obstacle);
	const hint = `not all of it could be undone (${text}); \`delete --force ${state.request.id}\` tries again`;
	return new RuntimeError(cause.code, cause.message, { ...cause.context, hint }, cause.status);
}

function endProcesses(state: Launch): void {
	const { native } = state;
	// Both stages of the init leave when their channel ends, also a process whose pid has not been heard of yet.
	close(state, "channel");
	if (state.pidfd !== undefined) {
		killInit(native, state.pidfd, {});
		native.reap({ pidfd: state.pidfd });
	} else if (state.stagePid !== undefined) {
		endStage(native, state.stagePid);
	}
}

/**
 * The first stage, when no process of the container was reported: it has nothing to wait for and ends by itself. Not
 * killed: receive() may have reaped it, and then the number can be somebody else's.
 */
function endStage(native: Native, pid: number): void {
	const pidfd = native.openPid({ pid });
	if (pidfd === undefined) return;
	try {
		native.reap({ pidfd });
	} catch (error) {
		if (!failedWith(error, "ECHILD")) throw error;
	}
	native.close({ fd: pidfd });
}
