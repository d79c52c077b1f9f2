/** linux.namespaces: which are joined, which are made, and in which order the kernel wants that. */
import type { Spec } from "../bundle/spec.js";
import type { Context } from "./context.js";
import { rootSubstitute } from "./idmap.js";
import type { InitStep, NamespaceType } from "./schema.js";

export interface JoinedNamespace {
	type: NamespaceType;
	path: string;
	at: string;
}

export interface Namespaces {
	joined: JoinedNamespace[];
	/** Pointers of the namespaces to make. */
	created: Map<NamespaceType, string>;
	/** The container does not share the engine's namespace of this type. */
	has(type: NamespaceType): boolean;
	isNew(type: NamespaceType): boolean;
}

export function readNamespaces(spec: Spec): Namespaces {
	const joined: JoinedNamespace[] = [];
	const created = new Map<NamespaceType, string>();
	const seen = new Set<string>();
	for (const [index, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
		const at = `/linux/namespaces/${index}`;
		seen.add(type);
		// An empty path is no path: engines that build the document from a Go struct leave it in.
		if (path) joined.push({ type, path, at: `${at}/path` });
		else created.set(type, at);
	}
	return { joined, created, has: (type) => seen.has(type), isNew: (type) => created.has(type) };
}

/**
 * Namespaces that exist are joined before the clone, so that the new ones belong to the user namespace that was
 * joined. The cgroup namespace is made later, by the first process itself, because its root is the cgroup that
 * the process is in at that moment.
 */
export function enterNamespaces(context: Context): InitStep[] {
	const { joined, created } = context.namespaces;
	const steps: InitStep[] = [];
	if (joined.length > 0) {
		steps.push({ op: "namespace.join", at: "/linux/namespaces", namespaces: joined, ...rootSubstitute(context) });
	}
	const unified = context.host.cgroup.mode === "v2" ? context.cgroups[0] : undefined;
	steps.push({
		op: "clone",
		at: "/linux/namespaces",
		namespaces: [...created.keys()].filter((type) => type !== "cgroup"),
		...(unified ? { cgroup: unified.path } : {}),
	});
	return steps;
}

/** A network namespace that is joined belongs to somebody else, who set up its loopback device or had a reason not to. */
export function bringUpLoopback(context: Context): InitStep[] {
	const at = context.namespaces.created.get("network");
	return at === undefined ? [] : [{ op: "network.up", at, device: "lo" }];
}

/** A session keyring of its own, or the container could read the keys of whoever started it. */
export function joinKeyring(context: Context): InitStep[] {
	// runc's name for it, which profiles of LSMs and people with keyctl(1) know.
	return context.options.noNewKeyring ? [] : [{ op: "keyring.join", name: `_ses.${context.id}` }];
}
