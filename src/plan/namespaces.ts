/** linux.namespaces: which are joined, which are made, and in which order the kernel wants that. */
import type { Spec } from "../bundle/spec.js";
import type { Context, Linux } from "./context.js";
import { rootSubstitute } from "./idmap.js";
import type { InitStep, InitStepOf, NamespaceType } from "./schema.js";
import { createTimeNamespace } from "./time.js";

type Namespace = NonNullable<Linux["namespaces"]>[number];

export interface JoinedNamespace {
	type: NamespaceType;
	path: string;
	at: string;
}

export class Namespaces {
	readonly joined: JoinedNamespace[] = [];
	readonly created: NamespaceType[] = [];
	readonly #pointers: Partial<Record<NamespaceType, string>> = {};

	constructor(namespaces: NonNullable<Linux["namespaces"]>) {
		for (let index = 0; index < namespaces.length; index++) {
			const { type, path } = namespaces[index] as Namespace;
			const at = `/linux/namespaces/${index}`;
			this.#pointers[type] = at;
			// An empty path is no path: engines that build the document from a Go struct leave it in.
			if (path) this.joined.push({ type, path, at: `${at}/path` });
			else this.created.push(type);
		}
	}

	/** The container does not share the engine's namespace of this type. */
	has(type: NamespaceType): boolean {
		return this.#pointers[type] !== undefined;
	}

	isNew(type: NamespaceType): boolean {
		return this.created.includes(type);
	}

	/** Where config.json asks for a new namespace of this type; undefined when it does not. */
	pointer(type: NamespaceType): string | undefined {
		return this.isNew(type) ? this.#pointers[type] : undefined;
	}
}

export function readNamespaces(spec: Spec): Namespaces {
	return new Namespaces(spec.linux?.namespaces ?? []);
}

/**
 * Namespaces that exist are joined before the clone, so that the new ones belong to the user namespace that was
 * joined. The cgroup namespace is made later, by the first process itself, because its root is the cgroup that
 * the process is in at that moment.
 */
export function enterNamespaces(context: Context, init: InitStep[]): void {
	const { joined, created } = context.namespaces;
	if (joined.length > 0) {
		init.push({ op: "namespace.join", at: "/linux/namespaces", namespaces: joined, ...rootSubstitute(context) });
	}
	createTimeNamespace(context, "before clone", init);
	const cloned: NamespaceType[] = [];
	for (let index = 0; index < created.length; index++) {
		const type = created[index] as NamespaceType;
		if (type !== "cgroup" && type !== "time") cloned.push(type);
	}
	const clone: InitStepOf<"clone"> = { op: "clone", at: "/linux/namespaces", namespaces: cloned };
	const unified = clonesIntoOwnCgroup(context) ? context.cgroups[0] : undefined;
	if (unified) clone.cgroup = unified.path;
	init.push(clone);
}

/**
 * On v2 the clone puts the process into its cgroup (CLONE_INTO_CGROUP, Linux 5.7), with the rights of who clones: who has
 * joined a user namespace is nobody there, and has to be let in through a descriptor of the engine's.
 */
export function clonesIntoOwnCgroup({ host, namespaces, cgroups }: Context): boolean {
	if (host.cgroup.mode !== "v2" || cgroups[0]?.entered) return false;
	return !namespaces.has("user") || namespaces.isNew("user");
}

/** There is a cgroup that systemd has not put the process into. */
export function hasCgroupToJoin(cgroups: Context["cgroups"]): boolean {
	for (let index = 0; index < cgroups.length; index++) if (!cgroups[index]?.entered) return true;
	return false;
}

/** A network namespace that is joined belongs to somebody else, who set up its loopback device or had a reason not to. */
export function bringUpLoopback(context: Context, init: InitStep[]): void {
	const at = context.namespaces.pointer("network");
	if (at !== undefined) init.push({ op: "network.up", at, device: "lo" });
}

/** A session keyring of its own, or the container could read the keys of whoever started it. */
export function joinKeyring(context: Context, init: InitStep[]): void {
	// runc's name for it, which profiles of LSMs and people with keyctl(1) know.
	if (!context.options.noNewKeyring) init.push({ op: "keyring.join", name: `_ses.${context.id}` });
}
