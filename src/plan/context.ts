/** What every section of the plan needs to know; made once by compilePlan. */
import type { Bundle } from "../bundle/load.js";
import type { Spec } from "../bundle/spec.js";
import type { CreateOptions, HostFacts } from "./input.js";
import type { Namespaces } from "./namespaces.js";
import type { Plan } from "./schema.js";

export type Process = NonNullable<Spec["process"]>;
export type Linux = NonNullable<Spec["linux"]>;
export type Mount = NonNullable<Spec["mounts"]>[number];

export interface Context {
	id: string;
	bundle: Bundle;
	spec: Spec;
	linux: Linux;
	process: Process;
	host: HostFacts;
	options: CreateOptions;
	namespaces: Namespaces;
	/** The container's own cgroup directories, as compileCgroup chose them. */
	cgroups: Plan["cgroups"];
	warn(at: string, message: string): void;
}

/**
 * The init has no say over the host's devices: mknod(2) is refused in any user namespace but the first, and so is
 * what mounts with the superblock of the host.
 */
export function inUserNamespace(context: Context): boolean {
	return context.namespaces.has("user") || !context.host.initialUserNamespace || context.host.euid !== 0;
}
