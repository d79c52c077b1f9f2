/** process: who runs what, where. Everything in this order, because each step takes away what an earlier one needed. */
import { append } from "./append.js";
import { type CapabilitySteps, compileCapabilities, finalCapabilities, withAdmin } from "./capabilities.js";
import type { Context, Process } from "./context.js";
import type { Environment } from "./environment.js";
import { limitGroups } from "./groups.js";
import { startContainerHooks } from "./hooks.js";
import { labelProgram } from "./labels.js";
import { compileScheduling } from "./scheduling.js";
import type { InitStep, InitStepOf } from "./schema.js";
import { hasFilter, loadSeccomp } from "./seccomp.js";

/** buildkitd runs with umask 0, so "the caller's umask" would fill images with world-writable files: runc's and crun's default. */
const defaultUmask = 0o022;

export function becomeProcess(
	context: Context,
	environment: Environment,
	rlimits: readonly InitStep[],
	init: InitStep[],
): void {
	const { process, options } = context;
	const { cwd, args, noNewPrivileges } = process;
	const capabilities = compileCapabilities(context);

	append(init, rlimits);
	compileScheduling(context, init);
	labelProgram(context, init);
	if (noNewPrivileges) init.push({ op: "process.noNewPrivileges", at: "/process/noNewPrivileges" });
	// Loading a filter takes either no_new_privs or CAP_SYS_ADMIN.
	const needsAdmin = !noNewPrivileges && hasFilter(context);
	becomeUser(context, capabilities, { op: "process.cwd", at: "/process/cwd", path: cwd }, needsAdmin, init);
	if (environment.needsHome) init.push({ op: "process.home", at: "/process/env", uid: userOf(process).uid });
	init.push({
		op: "process.lookup",
		at: "/process/args/0",
		file: args[0] ?? "",
		searchPath: environment.searchPath,
	});
	init.push(waitForStart(context));
	startContainerHooks(context, init, environment.variables);
	// As late as possible: the profile then need not allow what the runtime does on its way here. Profiles from before
	// Linux 5.6 know nothing of openat2(2) and close_range(2); capset(2) is what they always had to allow.
	loadSeccomp(context, init);
	if (needsAdmin) init.push(finalCapabilities(capabilities.apply));
	const preserveFds = options.listenFds + options.preserveFds;
	init.push({ op: "exec", at: "/process/args", args, env: environment.variables, preserveFds });
}

/**
 * What hides the waiting process from those that it shares namespaces with hides it from an ordinary user's exec, too.
 * Where it is alone there is nobody to hide from: only that user's exec can bring another process in.
 */
function waitForStart({ host, namespaces, options }: Context): InitStepOf<"start.wait"> {
	const step: InitStepOf<"start.wait"> = { op: "start.wait", via: options.startVia };
	if (host.euid !== 0 && step.via === "socket" && namespaces.isNew("user") && namespaces.isNew("pid")) {
		step.enterable = true;
	}
	return step;
}

/** Who it is, what it may do, and where it is: the way there may be closed to root, or to the user. */
export function becomeUser(
	context: Context,
	capabilities: CapabilitySteps,
	cwd: InitStepOf<"process.cwd">,
	needsAdmin: boolean,
	init: InitStep[],
): void {
	init.push(capabilities.bound);
	const { op, at, path } = cwd;
	const first: InitStepOf<"process.cwd"> = { op, at, path, deferrable: true };
	if (cwd.existing) first.existing = true;
	init.push(first);
	init.push(user(context));
	init.push(needsAdmin ? withAdmin(capabilities.apply) : capabilities.apply);
	init.push(cwd);
}

function userOf({ user }: Process): NonNullable<Process["user"]> {
	return user ?? { uid: 0, gid: 0 };
}

function user(context: Context): InitStepOf<"process.user"> {
	const { uid, gid, additionalGids, umask } = userOf(context.process);
	const step: InitStepOf<"process.user"> = {
		op: "process.user",
		at: "/process/user",
		uid,
		gid,
		additionalGids: additionalGids ?? [],
		umask: umask ?? defaultUmask,
		setgroups: true,
		keepCapabilities: true,
	};
	limitGroups(context, step);
	return step;
}

/**
 * Owned by the process's user, who could not open /dev/tty's namesakes otherwise. `bind`: it is the container's
 * /dev/console.
 */
export function createConsole({ process }: Context, init: InitStep[], bind: boolean): void {
	if (!process.terminal) return;
	const size = process.consoleSize;
	init.push({
		op: "console.create",
		at: "/process/terminal",
		uid: userOf(process).uid,
		bind,
		...(size ? { size: { height: size.height, width: size.width } } : {}),
	});
}

/** Inherited by the clone, so it can be lowered by a runtime that still has CAP_SYS_RESOURCE on the host. */
export function setOomScore({ process }: Context, init: InitStep[]): void {
	const value = process.oomScoreAdj;
	if (value !== undefined) init.push({ op: "process.oomScoreAdj", at: "/process/oomScoreAdj", value });
}
