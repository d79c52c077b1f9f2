/** hooks: the two kinds that run in the container are steps; those of the runtime's side are the engine's own business. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

/** The version of the specification that the state given to hooks follows. */
const ociVersion = "1.3.0";

function state(context: Context, status: string): Record<string, unknown> {
	const { annotations } = context.spec;
	return { ociVersion, id: context.id, status, bundle: context.bundle.path, ...(annotations ? { annotations } : {}) };
}

/** The engine is asked only when there is something to run: the question costs a switch to it and back. */
export function runtimeHooks({ spec }: Context): InitStep[] {
	const wanted = (spec.hooks?.prestart ?? []).length + (spec.hooks?.createRuntime ?? []).length > 0;
	return wanted ? [{ op: "hooks.sync", at: "/hooks" }] : [];
}

export function createContainerHooks(context: Context): InitStep[] {
	return steps(context, "createContainer", "creating", []);
}

/** A hook without env gets the process's, as in runc: it runs where the process will, and often needs its PATH. */
export function startContainerHooks(context: Context, environment: string[]): InitStep[] {
	return steps(context, "startContainer", "created", environment);
}

function steps(
	context: Context,
	stage: "createContainer" | "startContainer",
	status: string,
	environment: string[],
): InitStep[] {
	return (context.spec.hooks?.[stage] ?? []).map(({ path, args, env, timeout }, index) => ({
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
	}));
}
