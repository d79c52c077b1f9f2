/** A process on its way into a container: what exists of it. */
import { RuntimeError } from "../errors.js";
import type { InitMessage, Native, StepFailure } from "../native/api.js";
import type { ExecPlan } from "../plan/exec.js";
import { explainFailure, explainHostFailure } from "../plan/failure.js";
import { failedWith } from "./errno.js";
import type { ExecRequest } from "./exec-request.js";
import { stopped } from "./exec-status.js";
import { handPidfd, handTerminal } from "./hand-over.js";
import { interruption } from "./interruption.js";
import { tell } from "./launch-state.js";
import { removePidFile, writePidFile } from "./pid-file.js";
import type { ContainerRecord } from "./record.js";
import type { TracedStep } from "./request.js";
import { deliverListener, listenerLost } from "./seccomp.js";
import { SIGKILL } from "./signals.js";
import { containerStatus, isAlive, openInit } from "./status.js";
import type { StateDirectory } from "./store.js";

export interface Entry {
	readonly native: Native;
	readonly request: ExecRequest;
	readonly directory: StateDirectory;
	readonly record: ContainerRecord;
	readonly channel: number;
	/** Where a value comes from, for messages. */
	readonly origin: (pointer: string) => string;
	plan: ExecPlan;
	pid?: number;
	pidfd?: number;
	/** Master of its terminal, for who stays in the foreground. */
	terminal?: number;
	/** A listener of the seccomp filter is still to be handed over. */
	listens: boolean;
	/** Nobody has said which cgroup it has to be. */
	mayMove: boolean;
}

export type EnteredProcess = Entry & { pid: number; pidfd: number };

/** Answers the init until the program runs; undefined when the container's cgroup takes no process, but another may. */
export function converse(entry: Entry): EnteredProcess | undefined {
	const { native, channel } = entry;
	for (;;) {
		const message = native.receive(entry.pidfd === undefined ? { channel } : { channel, pidfd: entry.pidfd });
		switch (message.type) {
			case "pid":
				entry.pid = message.pid;
				entry.pidfd = message.pidfd;
				announce(entry, message);
				break;
			case "terminal":
				takeTerminal(entry, message.fd, message.name);
				break;
			case "trace":
				entry.request.onTrace?.(traced(entry, message.microseconds));
				break;
			case "ready":
				schedule(entry);
				tell(() => native.send({ channel, type: "start" }));
				break;
			case "listener":
				deliver(entry, message.remoteFd);
				break;
			case "filtered":
				entry.listens = false;
				break;
			case "failure":
				if (entry.mayMove && isBusy(entry, message)) return undefined;
				throw explain(entry, message);
			case "interrupted":
				throw interruption(message.signal);
			case "closed":
			case "died":
				return entered(entry);
			default:
				throw new RuntimeError("init", `the init broke the protocol: ${message.type}`);
		}
	}
}

function traced({ plan, origin }: Entry, microseconds: number[]): TracedStep[] {
	return microseconds.map((time, index): TracedStep => {
		const { op = "", at } = plan.init[index] ?? {};
		return { op, ...(at === undefined ? {} : { at: origin(at) }), microseconds: time };
	});
}

/** The channel is closed by the program's execve(2); or by a death, which then counts as the program's own. */
function entered(entry: Entry): EnteredProcess {
	const { native, record, pid, pidfd, listens } = entry;
	if (pid !== undefined && pidfd !== undefined) {
		if (listens) throw listenerLost();
		return entry as EnteredProcess;
	}
	if (!isAlive(native, record)) throw stopped();
	throw new RuntimeError("init", "unable to start container process: the process was killed before it was ready", {
		hint: "another program killed it, or the kernel did: see dmesg",
	});
}

function announce({ native, request }: Entry, { pid, pidfd }: InitMessage & { type: "pid" }): void {
	writePidFile(native, request.pidFile, pid);
	handPidfd(native, request.pidfdSocket, pidfd, "setns");
}

function takeTerminal(entry: Entry, fd: number, name: string): void {
	const { native, request } = entry;
	const socket = request.consoleSocket;
	if (!socket) {
		entry.terminal = fd;
		// Before the program starts: it asks once.
		native.fitTerminal({ fd });
		return;
	}
	try {
		handTerminal(native, socket, fd, name);
	} finally {
		native.close({ fd });
	}
}

/** In a user namespace only the engine has the rights (scheduling.ts). */
function schedule({ native, plan, pid, origin }: Entry): void {
	if (plan.host.length === 0 || pid === undefined) return;
	const failure = native.executeHostSteps({ steps: JSON.stringify(plan.host), pid });
	if (failure) throw explainHostFailure(plan, failure, origin);
}

function deliver({ native, directory, record, pid, pidfd }: Entry, remoteFd: number): void {
	if (pid === undefined || pidfd === undefined) throw new RuntimeError("init", "the init broke the protocol: no pid");
	const status = containerStatus(native, directory, record) === "created" ? "created" : "running";
	deliverListener({ native, record, pidfd, pid, status }, remoteFd);
}

function isBusy({ plan }: Entry, { step, code }: StepFailure): boolean {
	const failed = plan.init[step];
	return code === "EBUSY" && failed?.op === "clone" && failed.cgroup !== undefined;
}

function explain({ native, record, plan, origin }: Entry, failure: StepFailure): RuntimeError {
	// Whatever failed, it failed because of that.
	if (hasEnded(native, record, failure)) return stopped("its first process has ended meanwhile");
	return explainFailure(plan, failure, origin);
}

/**
 * A process on its way out looks alive for a moment more: it has no namespaces (ESRCH), its pid namespace takes nobody in
 * (ENOMEM), its cgroups go (ENODEV). So these are waited for.
 */
function hasEnded(native: Native, record: ContainerRecord, { code }: StepFailure): boolean {
	if (!isAlive(native, record)) return true;
	if (code !== "ESRCH" && code !== "ENOMEM" && code !== "ENODEV") return false;
	const pidfd = openInit(native, record);
	if (pidfd === undefined) return true;
	const ended = native.waitPid({ pidfd, timeoutMs: 1000 });
	native.close({ fd: pidfd });
	return ended;
}

/** As if it had not been tried. */
export function abandon(entry: Entry): void {
	const { native, request, channel, pid, pidfd } = entry;
	if (entry.terminal !== undefined) native.close({ fd: entry.terminal });
	if (pid !== undefined) removePidFile(native, request.pidFile);
	if (pidfd === undefined) {
		native.endInit({ channel });
		return;
	}
	native.close({ fd: channel });
	try {
		native.signalPid({ pidfd, signal: SIGKILL });
	} catch (error) {
		if (!failedWith(error, "ESRCH")) throw error;
	}
	// In a cgroup of v1 that is frozen it does not die before it is thawed; nobody has to wait for that.
	if (native.waitPid({ pidfd, timeoutMs: 1000 })) native.reap({ pidfd });
	native.close({ fd: pidfd });
}
