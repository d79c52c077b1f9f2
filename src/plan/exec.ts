/**
 * The plan of `exec`: one more process in a container that runs.
 *
 * The namespaces are there already, so it is short: join, clone, and then the same steps that make the container's own
 * first process what it is, in the same order.
 */
import { append } from "./append.js";
import { compileCapabilities, finalCapabilities } from "./capabilities.js";
import type { Context } from "./context.js";
import { compileEnvironment } from "./environment.js";
import { rootSubstitute } from "./idmap.js";
import { applyAppArmor, labelKeyring, labelProgram } from "./labels.js";
import { becomeUser, createConsole, setOomScore } from "./process.js";
import { compileRlimits } from "./rlimits.js";
import { compileScheduling, execAffinity, scheduleFromOutside } from "./scheduling.js";
import type { HostStep, InitStep, InitStepOf } from "./schema.js";

/** Where the process goes. */
export interface ExecTarget {
	/** The container's first process, and its start time in clock ticks since boot. */
	pid: number;
	startTime: string;
	/** v1 cgroup directories. */
	tasks: string[];
	/** v2 cgroup directory. */
	cgroup?: string;
	/** Host path of the rootfs, where the container has no mount namespace. */
	root?: string;
}

export interface ExecInput {
	/** `process` is what runs, `namespaces` are the container's, all of them joined. */
	context: Context;
	target: ExecTarget;
	/** Steps of the container's own plan (ExecDefaults). */
	inherited: readonly InitStep[];
	/** The engine has something to do between the making of the process and its program. */
	waits: boolean;
}

export interface ExecPlan {
	init: InitStep[];
	/** Run by the engine while the process waits. */
	host: HostStep[];
}

export function compileExec({ context, target, inherited, waits }: ExecInput): ExecPlan {
	const { process, options } = context;
	const { args, cwd, noNewPrivileges } = process;
	const affinity = execAffinity(process);
	const rlimits = compileRlimits(context);
	const environment = compileEnvironment(context, 0);
	const capabilities = compileCapabilities(context);
	const seccomp = find(inherited, "seccomp.load");
	const host: HostStep[] = [];
	scheduleFromOutside(context, host);

	const init: InitStep[] = [];
	setOomScore(context, init);
	append(init, rlimits.hard);
	append(init, affinity.initial);
	enter(context, target, init);
	append(init, affinity.final);
	labelKeyring(context, init);
	joinKeyring(inherited, init);
	createConsole(context, init, false);
	applyAppArmor(context, init);
	append(init, rlimits.exact);
	compileScheduling(context, init);
	keep(inherited, "process.personality", init);
	keep(inherited, "process.memoryPolicy", init);
	labelProgram(context, init);
	if (noNewPrivileges) init.push({ op: "process.noNewPrivileges", at: "/process/noNewPrivileges" });
	// Loading a filter takes either no_new_privs or CAP_SYS_ADMIN.
	const needsAdmin = !noNewPrivileges && seccomp !== undefined;
	becomeUser(
		context,
		capabilities,
		{ op: "process.cwd", at: "/process/cwd", path: cwd, existing: true },
		needsAdmin,
		init,
	);
	if (environment.needsHome) init.push({ op: "process.home", at: "/process/env", uid: process.user?.uid ?? 0 });
	const { searchPath } = environment;
	init.push({ op: "process.lookup", at: "/process/args/0", file: args[0] ?? "", searchPath });
	if (waits || process.terminal || host.length > 0) init.push({ op: "start.wait", via: "channel" });
	if (seccomp !== undefined) init.push(seccomp);
	if (needsAdmin) init.push(finalCapabilities(capabilities.apply));
	const preserveFds = options.listenFds + options.preserveFds;
	const exec: InitStepOf<"exec"> = { op: "exec", at: "/process/args", args, env: environment.variables, preserveFds };
	if (options.listenFds > 0) exec.listenPid = true;
	init.push(exec);
	return { init, host };
}

function enter(context: Context, target: ExecTarget, init: InitStep[]): void {
	const { pid, startTime, tasks, cgroup, root } = target;
	const join: InitStepOf<"container.join"> = { op: "container.join", pid, startTime, tasks };
	const clone: InitStepOf<"clone"> = { op: "clone", namespaces: [] };
	if (cgroup !== undefined) {
		join.cgroup = cgroup;
		clone.cgroup = cgroup;
	}
	if (root !== undefined) join.root = root;
	init.push(join, clone, { op: "container.enter", ...rootSubstitute(context) });
}

/** The container's own, or the process could read the keys of whoever called exec. */
function joinKeyring(inherited: readonly InitStep[], init: InitStep[]): void {
	const keyring = find(inherited, "keyring.join");
	if (keyring !== undefined) init.push({ op: "keyring.join", name: keyring.name, existing: true });
}

function keep(inherited: readonly InitStep[], op: InitStep["op"], init: InitStep[]): void {
	const step = find(inherited, op);
	if (step !== undefined) init.push(step);
}

function find<Op extends InitStep["op"]>(steps: readonly InitStep[], op: Op): InitStepOf<Op> | undefined {
	for (let index = 0; index < steps.length; index++) {
		if (steps[index]?.op === op) return steps[index] as InitStepOf<Op>;
	}
	return undefined;
}
