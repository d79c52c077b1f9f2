/** Takes back a launch that failed: the process, the cgroups, the state directory; as if it had not been tried. */
import { RuntimeError } from "../errors.js";
import { removeCgroupParents } from "./host-steps.js";
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
			runtime_ts: state.cgroupsMade ? rest : { ...rest, systemd: undefined },
		};
		const onWarning = state.request.onNotice;
		removeContainer(native, { directory, record, env, poststop: state.hooksReached, onWarning });
		// Not with the container when it is deleted: engines make parents for several ones. This one never was.
		if (state.cgroupsTried) removeCgroupParents(native);
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
	const { native, channel, pidfd } = state;
	if (pidfd !== undefined) {
		close(state, "channel");
		killInit(native, pidfd, {});
		native.reap({ pidfd });
	} else if (channel !== undefined) {
		delete state.channel;
		native.endInit({ channel });
	}
}
