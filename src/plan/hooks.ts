/** hooks: the two kinds that run in the container are steps; those of the runtime's side are the engine's own business. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

/** The version of the specification that the state given to hooks follows. */
const ociVersion = "1.3.0";

function state(context: Context, status: string): Record<string, unknown> {
	const { annotations } = context.spec;
	return { ociVersion, id: context.id, status, bundle: context.bundle.path, ...(annotations ? { annotations } : {}) };
}

/** A hook that runs before the pivot, on either side. */
export function hasHooksBeforePivot({ spec: { hooks } }: Context): boolean {
	return Boolean(hooks?.prestart?.length || hooks?.createRuntime?.length || hooks?.createContainer?.length);
}

/** The engine is asked only when there is something to run: the question costs a switch to it and back. */
export function runtimeHooks({ spec: { hooks } }: Context, init: InitStep[]): void {
	if (hooks?.prestart?.length || hooks?.createRuntime?.length) init.push({ op: "hooks.sync", at: "/hooks" });
}

export function createContainerHooks(context: Context, init: InitStep[]): void {
	addHooks(context, init, "createContainer", "creating", []);
}

/** A hook without env gets the process's, as in runc: it runs where the process will, and often needs its PATH. */
export function startContainerHooks(context: Context, init: InitStep[], environment: string[]): void {
	addHooks(context, init, "startContainer", "created", environment);
}

function addHooks(
	context: Context,
	init: InitStep[],
	stage: "createContainer" | "startContainer",
	status: string,
	environment: string[],
): void {
	const hooks = context.spec.hooks?.[stage];
	if (hooks === undefined) return;
	for (const [index, { path, args, env, timeout }] of hooks.entries()) {
		init.push({
			op: "hook.run",
			at: `/hooks/${stage}/${index}`,
			stage,
			index,
			path,
			// execv needs an argv[0].
			args: args?.length ? args : [path],
			env: env ?? environment,
			...(timeout !== undefined ? { timeout } : {}),
			state: state(context, status),
		});
	}
}
