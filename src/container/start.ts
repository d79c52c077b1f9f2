/** `start`: lets the process of a created container go on to its program. */

import { RuntimeError } from "../errors.js";
import type { Native, StepFailure } from "../native/api.js";
import { explainFailure } from "../plan/failure.js";
import { hookFiles } from "../plan/hook-files.js";
import { awaitExec } from "./conversation.js";
import { isFrozen } from "./freezer.js";
import { runHooks } from "./hooks.js";
import { tell } from "./launch-state.js";
import type { Environment, Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import { delivery } from "./seccomp.js";
import type { Status } from "./status.js";
import { connectToInit, containerStatus, openInit } from "./status.js";
import type { StateDirectory } from "./store.js";
import { loadRecord, locate, lock, missing } from "./store.js";
import { hookState, killInit, removeContainer } from "./teardown.js";

export interface StartRequest extends Place {
	id: string;
	onWarning?: (message: string, pointer?: string) => void;
}

export function start(native: Native, request: StartRequest): void {
	const env = request.env ?? native.environment();
	const directory = locate(native, request, request.id);
	const opened: number[] = [];
	try {
		const started = letGo(native, request, directory, env, opened);
		const { record, pidfd, notify } = started;
		const hooks = record.runtime_ts.poststart;
		if (hooks) {
			const state = hookState(record, "running");
			const files = hookFiles(record.runtime_ts);
			endingOnHookFailure(started, () => runHooks(native, { stage: "poststart", hooks, state, env, files }));
		}
		if (notify) native.forwardNotify({ ...notify, pid: record.init_process_pid, pidfd });
	} finally {
		for (const fd of opened) native.close({ fd });
	}
}

/**
 * Tells the init to start and waits until it has. Under the lock: of two starts at once the second finds the socket gone,
 * and a create that is not done yet is waited for. The lock is given back before poststart hooks, which may hang.
 */
function letGo(
	native: Native,
	request: StartRequest,
	directory: StateDirectory,
	env: Environment,
	opened: number[],
): Started {
	const held = lock(native, directory);
	if (held === undefined) throw missing(directory);
	try {
		const record = loadRecord(native, directory);
		const pidfd = openInit(native, record);
		if (pidfd !== undefined) opened.push(pidfd);
		// A frozen init would not answer.
		if (pidfd !== undefined && isFrozen(native, record.cgroup_paths)) throw cannotStart("paused");
		const channel = pidfd === undefined ? undefined : connectToInit(native, directory, true);
		if (channel !== undefined) opened.push(channel);
		if (pidfd === undefined || channel === undefined)
			throw cannotStart(containerStatus(native, directory, record, true));
		const notify = bindNotify(native, directory, env);
		if (notify) opened.push(notify.fd);
		const started: Started = { native, request, env, directory, record, pidfd, ...(notify ? { notify } : {}) };
		tell(() => native.send({ channel, type: "start" }));
		native.removeFile({ path: directory.startSocket, missingOk: true });
		const listener = delivery(native, record, pidfd);
		endingOnHookFailure(started, () =>
			awaitExec(native, channel, pidfd, (failure) => startFailure(record, failure), listener),
		);
		return started;
	} finally {
		native.close({ fd: held });
	}
}

interface Started {
	native: Native;
	request: StartRequest;
	env: Environment;
	directory: StateDirectory;
	record: ContainerRecord;
	pidfd: number;
	notify?: { fd: number; target: string };
}

/**
 * A failing startContainer or poststart hook ends the container (specification, lifecycle steps 7 and 9). After a
 * failing exec it stays, stopped, until delete, as with runc.
 */
function endingOnHookFailure(started: Started, action: () => void): void {
	try {
		action();
	} catch (error) {
		if (error instanceof RuntimeError && error.code === "hook") {
			const { native, directory, record, env, request } = started;
			killInit(native, started.pidfd, record.cgroup_paths);
			removeContainer(native, { directory, record, env, poststop: true, onWarning: request.onWarning });
		}
		throw error;
	}
}

function startFailure(record: ContainerRecord, failure: StepFailure): RuntimeError {
	const { first, steps } = record.runtime_ts.startSteps ?? { first: 0, steps: [] };
	return explainFailure({ init: steps }, { ...failure, step: failure.step - first });
}

function cannotStart(status: Status): RuntimeError {
	if (status === "stopped") return new RuntimeError("container.state", "cannot start a container that has stopped");
	if (status === "running") return new RuntimeError("container.state", "cannot start an already running container");
	const hint = status === "paused" ? { hint: "`resume` it first" } : {};
	return new RuntimeError("container.state", `cannot start a container in the ${status} state`, hint);
}

/** The proxy socket of sd_notify, where `create` was given NOTIFY_SOCKET, too, and made the directory for it. */
function bindNotify(
	native: Native,
	directory: StateDirectory,
	env: Environment,
): { fd: number; target: string } | undefined {
	const target = env.NOTIFY_SOCKET;
	if (!target || !native.stat({ path: directory.notify })) return undefined;
	return { fd: native.bindNotify({ path: directory.notifySocket }), target };
}
