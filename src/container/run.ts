/** `run`: create and start, then either stay as the container's foreground or leave. */

import type { Native } from "../native/api.js";
import { hookFiles } from "../plan/hook-files.js";
import { awaitExec, initFailure } from "./conversation.js";
import { handInit } from "./hand-over.js";
import { runHooks } from "./hooks.js";
import { guarded, launch } from "./launch.js";
import type { StartedLaunch } from "./launch-state.js";
import { close, release, tell } from "./launch-state.js";
import { keepNetDevices } from "./net-devices.js";
import { writePidFile } from "./pid-file.js";
import { prefixed } from "./prefix.js";
import type { LaunchRequest } from "./request.js";
import { delivery } from "./seccomp.js";
import { lock } from "./store.js";
import { hookState, removeContainer } from "./teardown.js";

export interface RunRequest extends LaunchRequest {
	/** Leave once the process runs. */
	detach?: boolean;
	/** Keep the container when its process has ended. */
	keep?: boolean;
	/** Do not become the parent of the container's orphans. */
	noSubreaper?: boolean;
}

/** Returns the exit status of the container's process; 0 with `detach`. */
export function run(native: Native, request: RunRequest): number {
	return prefixed("runc run failed: ", () => {
		const detached = request.detach === true;
		const subreaper = !detached && request.noSubreaper !== true;
		if (subreaper) native.setSubreaper();
		const state = launch(native, request, { startVia: "channel", detached });
		guarded(state, () => start(state));
		state.afterwards?.();
		if (detached) {
			leave(state);
			return 0;
		}
		// The engine stays: it must not keep the network namespace alive.
		keepNetDevices(state);
		return stay(state, subreaper, request.keep === true);
	});
}

function start(state: StartedLaunch): void {
	const { native, directory, env } = state;
	handInit(native, state.request.pidfdSocket, state);
	// Before the program runs, which may look for it.
	writePidFile(native, state.request.pidFile, state.pid);
	if (env.NOTIFY_SOCKET) state.notify = native.bindNotify({ path: directory.notifySocket });
	state.hooksReached = true;
	tell(() => native.send({ channel: state.channel, type: "start" }));
	const { record, pidfd } = state;
	const listener = delivery(native, record, pidfd);
	awaitExec(native, state.channel, pidfd, (failure) => initFailure(state, failure), listener);
	// Given back before the hooks, which may hang, and before the wait: whoever wants to kill or delete it may do so.
	close(state, "lock");
	const hooks = state.record.runtime_ts.poststart;
	// A failing poststart hook ends the container (specification 1.3, lifecycle step 9).
	if (hooks) {
		const files = hookFiles(state.record.runtime_ts);
		runHooks(native, { stage: "poststart", hooks, state: hookState(state.record, "running"), env, files });
	}
}

function leave(state: StartedLaunch): void {
	const { native, pid, pidfd, env } = state;
	const target = env.NOTIFY_SOCKET;
	// Waiting for a container that never gets ready can be given up; the container stays.
	native.releaseSignals();
	if (state.notify !== undefined && target) native.forwardNotify({ fd: state.notify, target, pid, pidfd });
	release(state);
}

function stay(state: StartedLaunch, subreaper: boolean, keep: boolean): number {
	const { native, pid, pidfd, directory, record, env } = state;
	const target = env.NOTIFY_SOCKET;
	const status = guarded(state, () =>
		native.supervise({
			pid,
			pidfd,
			subreaper,
			...(state.terminal === undefined ? {} : { terminal: state.terminal }),
			...(state.notify === undefined || !target ? {} : { notify: { fd: state.notify, target } }),
		}),
	);
	if (!keep) {
		// Somebody's `delete --force` may have come first.
		const held = lock(native, directory);
		if (held !== undefined) {
			removeContainer(native, { directory, record, env, poststop: true, onWarning: state.request.onNotice });
			native.close({ fd: held });
		}
	}
	release(state);
	return status;
}
