/** Where a rule puts what it finds. Rules get a Spec that fits the schema, and never change it. */
import type { Diagnostic } from "../diagnostic.js";
import type { Linux, Namespace, Spec } from "../spec.js";

export class Report {
	readonly diagnostics: Diagnostic[] = [];

	error(pointer: string, message: string): void {
		this.diagnostics.push({ severity: "error", pointer, message });
	}

	warning(pointer: string, message: string): void {
		this.diagnostics.push({ severity: "warning", pointer, message });
	}
}

/** The namespace of a type, new or joined; undefined when the container shares the runtime's. */
export function findNamespace(spec: Spec, type: Namespace["type"]): Namespace | undefined {
	const namespaces = spec.linux?.namespaces ?? [];
	for (let index = 0; index < namespaces.length; index++) {
		if (namespaces[index]?.type === type) return namespaces[index];
	}
	return undefined;
}

/** The user namespace when it is a new one, whose id maps config.json gives. */
export function newUserNamespace(spec: Spec): Linux | undefined {
	const namespace = findNamespace(spec, "user");
	return namespace !== undefined && !namespace.path ? spec.linux : undefined;
}
