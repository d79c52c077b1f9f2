/** `exec`: one more process in a container that runs. */

import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { compileExec, type ExecPlan } from "../plan/exec.js";
import { execProcess } from "../plan/exec-process.js";
import { cgroupOfInit, type ExecCgroups, execCgroups } from "./exec-cgroups.js";
import { execContext, execTarget, type PassedFds } from "./exec-context.js";
import { loadProcess } from "./exec-process-file.js";
import type { ExecRequest } from "./exec-request.js";
import { abandon, converse, type EnteredProcess, type Entry } from "./exec-state.js";
import { checkEnterable } from "./exec-status.js";
import { tell } from "./launch-state.js";
import { prefixed } from "./prefix.js";
import { checkPreservedFds, checkTerminal, listenFds } from "./request.js";
import { savedFilter } from "./seccomp.js";
import { loadRecord, locate } from "./store.js";

/** runc's and crun's, which tells engines that it was not the program's. */
const failureStatus = 255;

/** Returns the exit status of the process; 0 with `detach`. */
export function exec(native: Native, request: ExecRequest): number {
	return failingAsExec(() => execute(native, request));
}

/** Errors of `action` as those of the command. */
export function failingAsExec<Result>(action: () => Result): Result {
	try {
		return prefixed("exec failed: ", action);
	} catch (error) {
		if (!(error instanceof RuntimeError) || error.code === "interrupted") throw error;
		throw new RuntimeError(error.code, error.message, error.context, failureStatus);
	}
}

function execute(native: Native, request: ExecRequest): number {
	const env = request.env ?? native.environment();
	const directory = locate(native, { ...request, env }, request.id);
	const fds: PassedFds = { sockets: listenFds(env), preserved: request.preserveFds ?? 0 };
	checkPreservedFds(native, fds.sockets, fds.preserved);
	// Before anything is known of the container: a program starts while this one reads and compiles.
	const channel = native.startInit({ preserveFds: fds.sockets + fds.preserved });
	let entry: Entry;
	try {
		const record = loadRecord(native, directory);
		checkEnterable(native, directory, record, request.ignorePaused === true);
		const cgroups = execCgroups(record.cgroup_paths, request.cgroups);
		const { plan, origin } = compile(native, request, { directory, record }, fds, cgroups);
		// From here on there may be a process that must not be left behind.
		native.holdSignals({ all: request.detach !== true });
		const listens = record.runtime_ts.seccompListener !== undefined;
		const mayMove = !request.cgroups?.length;
		entry = { native, request, directory, record, channel, origin, plan, listens, mayMove };
	} catch (error) {
		native.endInit({ channel });
		throw error;
	}
	const process = named(entry.origin, () => enter(entry, fds));
	return request.detach ? 0 : stay(process);
}

/** Starts nothing, changes nothing. */
export function compile(
	native: Native,
	request: ExecRequest,
	{ directory, record }: Pick<Entry, "directory" | "record">,
	fds: PassedFds,
	cgroups: ExecCgroups,
): { plan: ExecPlan; origin: Entry["origin"] } {
	const { process: saved, steps } = record.runtime_ts.exec;
	const file = request.processFile ? loadProcess(native, request.processFile, request.onWarning) : undefined;
	const { process, origin } = execProcess(saved, file, request.options);
	return named(origin, () => {
		const byOption = file === undefined || request.options.tty === true;
		checkTerminal(process.terminal === true, request.consoleSocket, request.detach === true, byOption);
		const context = execContext(native, directory, record, process, fds, (at, message) =>
			request.onWarning?.(message, at),
		);
		const plan = compileExec({
			context,
			target: execTarget(directory, record, context.namespaces, cgroups),
			inherited: steps,
			waits: request.pidfdSocket !== undefined || request.onTrace !== undefined,
		});
		return { plan, origin };
	});
}

/** An error about a value of the process says where that comes from. */
function named<Result>(origin: Entry["origin"], action: () => Result): Result {
	try {
		return action();
	} catch (error) {
		const pointer = error instanceof RuntimeError ? error.context.pointer : undefined;
		if (!(error instanceof RuntimeError) || pointer === undefined) throw error;
		throw new RuntimeError(error.code, error.message, { ...error.context, origin: origin(pointer) }, error.status);
	}
}

function enter(entry: Entry, fds: PassedFds): EnteredProcess {
	let current = entry;
	try {
		for (;;) {
			send(current);
			const process = converse(current);
			if (process !== undefined) return process;
			current = again(current, fds);
		}
	} catch (error) {
		abandon(current);
		throw error;
	}
}

function send({ native, channel, request, record, directory, plan }: Entry): void {
	const trace = request.onTrace !== undefined;
	native.sendPlan({ channel, plan: JSON.stringify({ version: 1, id: record.id, init: plan.init, trace }) });
	const { steps } = record.runtime_ts.exec;
	for (let index = 0; index < steps.length; index++) {
		if (steps[index]?.op !== "seccomp.load") continue;
		const program = savedFilter(native, directory);
		// An init that has failed hangs up; what it failed with is still to be read.
		tell(() => native.sendSeccomp({ channel, program }));
	}
}

/** With another init, into the cgroup that the container's first process is in: its own takes no process any more. */
function again(entry: Entry, fds: PassedFds): Entry {
	const { native, record, plan, channel } = entry;
	native.endInit({ channel });
	const fresh = native.startInit({ preserveFds: fds.sockets + fds.preserved });
	const next: Entry = { ...entry, channel: fresh, mayMove: false };
	const cgroup = cgroupOfInit(native, record.init_process_pid, record.cgroup_paths[""] ?? "");
	if (cgroup === undefined) return next;
	const init = plan.init.map((step) =>
		step.op === "container.join" || step.op === "clone" ? { ...step, cgroup } : step,
	);
	return { ...next, plan: { ...plan, init } };
}

/** The foreground; the container's orphans are not this command's, as with runc. */
function stay(process: EnteredProcess): number {
	const { native, pid, pidfd, terminal } = process;
	try {
		return native.supervise({ pid, pidfd, subreaper: false, ...(terminal === undefined ? {} : { terminal }) });
	} catch (error) {
		abandon(process);
		throw error;
	}
}
