/** process: who runs what, where. Everything in this order, because each step takes away what an earlier one needed. */
import { compileCapabilities } from "./capabilities.js";
import type { Context, Process } from "./context.js";
import type { Environment } from "./environment.js";
import { compileGroups } from "./groups.js";
import { startContainerHooks } from "./hooks.js";
import type { InitStep, InitStepOf } from "./schema.js";
import { loadSeccomp } from "./seccomp.js";

/** buildkitd runs with umask 0, so "the caller's umask" would fill images with world-writable files: runc's and crun's default. */
const defaultUmask = 0o022;

export function becomeProcess(context: Context, environment: Environment, rlimits: InitStep[]): InitStep[] {
	const { process } = context;
	const { cwd } = process;
	const capabilities = compileCapabilities(context);
	const filter = loadSeccomp(context);
	const [program = ""] = process.args;

	const steps: InitStep[] = [...rlimits];
	if (process.noNewPrivileges) steps.push({ op: "process.noNewPrivileges", at: "/process/noNewPrivileges" });
	// Loading a filter takes either no_new_privs or CAP_SYS_ADMIN, which is about to go.
	else steps.push(...filter);
	steps.push(
		capabilities.bound,
		{ op: "process.cwd", at: "/process/cwd", path: cwd, deferrable: true },
		user(context),
		capabilities.apply,
		{ op: "process.cwd", at: "/process/cwd", path: cwd },
	);
	if (environment.needsHome) steps.push({ op: "process.home", at: "/process/env", uid: userOf(process).uid });
	steps.push({ op: "process.lookup", at: "/process/args/0", file: program, searchPath: environment.searchPath });
	steps.push(
		{ op: "start.wait", via: context.options.startVia },
		...startContainerHooks(context, environment.variables),
	);
	// As late as possible: the profile then need not allow what the runtime does on its way here.
	if (process.noNewPrivileges) steps.push(...filter);
	const preserveFds = context.options.listenFds + context.options.preserveFds;
	steps.push({ op: "exec", at: "/process/args", args: process.args, env: environment.variables, preserveFds });
	return steps;
}

function userOf({ user }: Process): NonNullable<Process["user"]> {
	return user ?? { uid: 0, gid: 0 };
}

function user(context: Context): InitStepOf<"process.user"> {
	const { uid, gid, additionalGids, umask } = userOf(context.process);
	return {
		op: "process.user",
		at: "/process/user",
		uid,
		gid,
		...compileGroups(context, additionalGids),
		umask: umask ?? defaultUmask,
		keepCapabilities: true,
	};
}

/** Owned by the process's user, who could not open /dev/tty's namesakes otherwise. */
export function createConsole({ process }: Context): InitStep[] {
	if (!process.terminal) return [];
	const size = process.consoleSize;
	return [
		{
			op: "console.create",
			at: "/process/terminal",
			uid: userOf(process).uid,
			bind: true,
			...(size ? { size: { height: size.height, width: size.width } } : {}),
		},
	];
}

/** Inherited by the clone, so it can be lowered by a runtime that still has CAP_SYS_RESOURCE on the host. */
export function setOomScore({ process }: Context): InitStep[] {
	const value = process.oomScoreAdj;
	return value === undefined ? [] : [{ op: "process.oomScoreAdj", at: "/process/oomScoreAdj", value }];
}
