/** A container in the making: what exists of it, for those who carry on and for undo. */
import type { Bundle } from "../bundle/load.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { Plan } from "../plan/schema.js";
import { failedWith } from "./errno.js";
import type { Environment } from "./place.js";
import type { ContainerRecord } from "./record.js";
import type { LaunchRequest } from "./request.js";
import type { StateDirectory } from "./store.js";

export interface LaunchMode {
	/** How the init learns of start. */
	startVia: "channel" | "socket";
	/** Nobody stays to hold the container's terminal. */
	detached: boolean;
}

export interface Launch {
	readonly native: Native;
	readonly request: LaunchRequest;
	readonly mode: LaunchMode;
	readonly env: Environment;
	readonly bundle: Bundle;
	readonly directory: StateDirectory;
	/** Held until the process has started, or waits for start. */
	lock?: number;
	/** Descriptors above 2 that go to the container. */
	readonly passedFds: number;
	plan: Plan;
	record: ContainerRecord;
	/** A step that makes cgroups was executed, successful or not. */
	cgroupsTried?: boolean;
	/** The record is on disk and its cgroups may exist. */
	cgroupsMade: boolean;
	/** Devices of linux.netDevices are in the container, and undo takes them back. */
	netDevicesMoved?: boolean;
	/** Groups in resctrl that this launch makes, children first. */
	resctrlMade?: readonly string[];
	/** Held until this process ends or the launch is over: nobody else makes a container in the cgroup. */
	cgroupLock?: number;
	/** A hook has seen the container, so poststop hooks are owed. */
	hooksReached: boolean;
	/** To the init; undefined once it has ended. */
	channel?: number;
	/** Goes into the systemd unit in place of the init: criu, at restore. */
	unitPid?: number;
	/** How many steps of the plan the init has been sent. */
	sentSteps: number;
	pid?: number;
	pidfd?: number;
	/** Master of the container's terminal, and the proxy socket of sd_notify, for who stays in the foreground. */
	terminal?: number;
	notify?: number;
	/** Work for later, when nobody waits. */
	afterwards?: () => void;
}

export type StartedLaunch = Launch & { channel: number; pid: number; pidfd: number };

/** For a frame to an init that may have failed: it has hung up then, and what it failed with is still to be received. */
export function tell(send: () => void): void {
	try {
		send();
	} catch (error) {
		if (!failedWith(error, "EPIPE", "ECONNRESET")) throw error;
	}
}

/** Closes what belongs to this process; the container stays. */
export function release(state: Launch): void {
	for (const name of ["channel", "pidfd", "terminal", "notify", "cgroupLock", "lock"] as const) close(state, name);
}

export function close(state: Launch, name: "channel" | "pidfd" | "terminal" | "notify" | "cgroupLock" | "lock"): void {
	const fd = state[name];
	if (fd !== undefined) state.native.close({ fd });
	delete state[name];
}

export function channelOf(state: Launch): number {
	if (state.channel === undefined) throw new RuntimeError("init", "the init was not started");
	return state.channel;
}
