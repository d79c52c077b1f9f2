/** The engine's side of the talk with an init, from its first frame to `ready`, and from start to exec. */
import { RuntimeError } from "../errors.js";
import type { InitMessage, Native, StepFailure } from "../native/api.js";
import { explainFailure } from "../plan/failure.js";
import { hookFiles } from "../plan/hook-files.js";
import type { InitStep } from "../plan/schema.js";
import { handTerminal } from "./hand-over.js";
import { runHooks } from "./hooks.js";
import { writeIdMaps } from "./host-steps.js";
import { interruption } from "./interruption.js";
import { checkJoinedMaps } from "./joined-maps.js";
import type { Launch, StartedLaunch } from "./launch-state.js";
import { channelOf, tell } from "./launch-state.js";
import { mapMount } from "./mount-idmap.js";
import { moveNetDevices } from "./net-devices.js";
import { withProcess } from "./recording.js";
import type { TracedStep } from "./request.js";
import { joinResctrlGroups } from "./resctrl.js";
import { scheduleProcess } from "./scheduling.js";
import { deliverListener, type ListenerDelivery, listenerLost } from "./seccomp.js";
import { sendSource } from "./send-source.js";
import { writeRecord } from "./store.js";
import { hookState } from "./teardown.js";

/** Answers the init until it waits for start. */
export function converse(state: Launch): StartedLaunch {
	const { native } = state;
	for (;;) {
		const message = receive(state);
		switch (message.type) {
			case "pid":
				state.pid = message.pid;
				state.pidfd = message.pidfd;
				recordProcess(state, message.pid);
				if (state.resctrlMade !== undefined) joinResctrlGroups(state, message.pid);
				if (state.bundle.spec.linux?.uidMappings) checkJoinedMaps(native, state.bundle.spec, message.pid);
				break;
			case "netDevices":
				moveNetDevices(state, pidOf(state));
				tell(() => native.send({ channel: channelOf(state), type: "netDevices" }));
				break;
			case "idmap":
				writeIdMaps(state, pidOf(state));
				tell(() => native.send({ channel: channelOf(state), type: "idmap" }));
				break;
			case "hooks":
				runCreateHooks(state);
				tell(() => native.send({ channel: channelOf(state), type: "hooks" }));
				break;
			case "mount":
				mapMount(state, message);
				tell(() => native.send({ channel: channelOf(state), type: "mount" }));
				break;
			case "source":
				tell(() => sendSource(state, message.step));
				break;
			case "terminal":
				takeTerminal(state, message.fd, message.name);
				break;
			case "listener":
			case "filtered":
				throw new RuntimeError("init", "the init broke the protocol: a filter before start");
			case "trace":
				reportTrace(state, message.microseconds);
				break;
			case "ready":
				if (hasPriorities(state)) scheduleProcess(state, pidOf(state));
				pidOf(state);
				return state as StartedLaunch;
			case "failure":
				throw initFailure(state, message);
			case "interrupted":
				throw interruption(message.signal);
			case "closed":
			case "died":
				throw endedSilently(native, state.record.cgroup_paths);
		}
	}
}

/**
 * After start: returns when the channel closes, which exec does. A process that was killed before it came to exec closes
 * it too; that one counts as started and ended, as it would had the signal come a moment later. Not so where a filter
 * with a listener is loaded on the way: there the process must have said that it goes on.
 */
export function awaitExec(
	native: Native,
	channel: number,
	pidfd: number,
	onFailure: (failure: StepFailure) => RuntimeError,
	listener?: ListenerDelivery,
): void {
	let delivered = listener === undefined;
	for (;;) {
		const message = native.receive({ channel, pidfd });
		if (message.type === "closed" || message.type === "died") {
			if (delivered) return;
			throw listenerLost();
		}
		if (message.type === "listener" && listener !== undefined) deliverListener(listener, message.remoteFd);
		if (message.type === "filtered") delivered = true;
		if (message.type === "failure") throw onFailure(message);
		if (message.type === "interrupted") throw interruption(message.signal);
	}
}

/** Names the step that failed. A hook that failed in the container has seen it, as those on the host have. */
export function initFailure(state: Launch, failure: StepFailure): RuntimeError {
	if (state.plan.init[failure.step]?.op === "hook.run") state.hooksReached = true;
	return explainFailure(state.plan, failure);
}

function hasPriorities({ bundle }: Launch): boolean {
	const process = bundle.spec.process;
	return process?.scheduler !== undefined || process?.ioPriority !== undefined;
}

function receive(state: Launch): InitMessage {
	const channel = channelOf(state);
	return state.native.receive(state.pidfd === undefined ? { channel } : { channel, pidfd: state.pidfd });
}

function recordProcess(state: Launch, pid: number): void {
	const startTime = state.native.processStat({ pid })?.startTime ?? "0";
	state.record = withProcess(state.record, pid, startTime);
	writeRecord(state.native, state.directory, state.record);
}

function runCreateHooks(state: Launch): void {
	state.hooksReached = true;
	const { native, env, bundle } = state;
	const files = hookFiles(bundle.spec);
	for (const stage of ["prestart", "createRuntime"] as const) {
		const hooks = bundle.spec.hooks?.[stage];
		if (!hooks?.length) continue;
		try {
			// Prestart hooks were part of start until version 1.1 of the specification, and exist for those who were
			// written then: to them the container is created, as with crun. The others hear what `state` says, as with runc.
			const status = stage === "prestart" ? "created" : "creating";
			runHooks(native, { stage, hooks, state: hookState(state.record, status), env, cwd: bundle.path, files });
		} catch (error) {
			throw error instanceof RuntimeError ? error.prefixed("unable to start container process: ") : error;
		}
	}
}

function takeTerminal(state: Launch, fd: number, name: string): void {
	const socket = state.request.consoleSocket;
	if (!socket) {
		state.terminal = fd;
		// Before the program starts: it asks once, and supervise comes too late for a quick one.
		state.native.fitTerminal({ fd });
		return;
	}
	try {
		handTerminal(state.native, socket, fd, name);
	} finally {
		state.native.close({ fd });
	}
}

function reportTrace(state: Launch, microseconds: number[]): void {
	const steps = microseconds.map((time, index): TracedStep => {
		const step: InitStep | undefined = state.plan.init[index];
		return { op: step?.op ?? "", ...(step?.at === undefined ? {} : { at: step.at }), microseconds: time };
	});
	state.request.onTrace?.(steps);
}

/** The init reports what fails in it; silence means that the kernel or somebody else ended it. */
export function endedSilently(native: Native, cgroups: Record<string, string>): RuntimeError {
	const prefix = "unable to start container process: ";
	if (wasOutOfMemory(native, cgroups)) {
		return new RuntimeError("init", `${prefix}container init was OOM-killed (memory limit too low?)`, {
			pointer: "/linux/resources/memory/limit",
		});
	}
	return new RuntimeError("init", `${prefix}container init was killed before it was ready`, {
		hint: "another program killed it, or the kernel did: see dmesg",
	});
}

function wasOutOfMemory(native: Native, cgroups: Record<string, string>): boolean {
	const directory = cgroups.memory ?? cgroups[""];
	if (directory === undefined) return false;
	const file = cgroups.memory === undefined ? "memory.events" : "memory.oom_control";
	try {
		return /^oom_kill [1-9]/m.test(native.readText({ path: `${directory}/${file}` }));
	} catch {
		return false;
	}
}

/** The init speaks of its process before anything else. */
function pidOf(state: Launch): number {
	if (state.pid === undefined) throw new RuntimeError("init", "the init broke the protocol: no pid frame");
	return state.pid;
}
