/** run.oci.hooks.stdout and run.oci.hooks.stderr: files of the host that take what hooks print. */
import { type Annotated, annotation, annotationAt } from "../bundle/annotations.js";
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

export interface HookFiles {
	stdout?: string;
	stderr?: string;
}

/** Undefined without any of the two annotations. */
export function hookFiles(spec: Annotated): HookFiles | undefined {
	const stdout = annotation(spec, "run.oci.hooks.stdout");
	const stderr = annotation(spec, "run.oci.hooks.stderr");
	if (stdout === undefined && stderr === undefined) return undefined;
	return { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) };
}

/** For the hooks that the init runs. Before the clone: the container has no view of the host, and maybe no permission. */
export function openHookFiles({ spec }: Context, init: InitStep[]): void {
	if (!spec.hooks?.createContainer?.length && !spec.hooks?.startContainer?.length) return;
	const files = hookFiles(spec);
	if (files === undefined) return;
	const at = annotationAt(files.stdout === undefined ? "run.oci.hooks.stderr" : "run.oci.hooks.stdout");
	init.push({ op: "hooks.output", at, ...files });
}
