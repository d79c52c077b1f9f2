/**
 * What the specification has and this release has not. Refused, never ignored: a container without a restriction that
 * its config.json asks for is worse than no container. An entry goes away when its feature comes.
 */
import type { Report } from "./rules/report.js";
import type { Mount, Spec } from "./spec.js";

interface Gap {
	feature: string;
	/** Calls `at` with the pointer of each use. */
	find(spec: Spec, at: (pointer: string) => void): void;
}

/** crun takes mappings in the option too (idmap=uids=...;gids=...), and Podman sends that. */
function isIdMap(option: string): boolean {
	return option === "idmap" || option === "ridmap" || option.startsWith("idmap=") || option.startsWith("ridmap=");
}

export const UNSUPPORTED: readonly Gap[] = [
	{
		feature: "a time namespace",
		find(spec, at) {
			const namespaces = spec.linux?.namespaces ?? [];
			for (let index = 0; index < namespaces.length; index++) {
				if (namespaces[index]?.type === "time") at(`/linux/namespaces/${index}`);
			}
		},
	},
	{
		feature: "an id-mapped mount",
		find(spec, at) {
			const mounts = spec.mounts ?? [];
			for (let index = 0; index < mounts.length; index++) {
				const { uidMappings, gidMappings, options = [] } = mounts[index] as Mount;
				if (uidMappings !== undefined) at(`/mounts/${index}/uidMappings`);
				else if (gidMappings !== undefined) at(`/mounts/${index}/gidMappings`);
				for (let option = 0; option < options.length; option++) {
					if (isIdMap(options[option] as string)) at(`/mounts/${index}/options/${option}`);
				}
			}
		},
	},
	{
		feature: "the seccomp action SCMP_ACT_NOTIFY",
		find(spec, at) {
			const seccomp = spec.linux?.seccomp;
			if (seccomp?.defaultAction === "SCMP_ACT_NOTIFY") at("/linux/seccomp/defaultAction");
			const rules = seccomp?.syscalls ?? [];
			for (let index = 0; index < rules.length; index++) {
				if (rules[index]?.action === "SCMP_ACT_NOTIFY") at(`/linux/seccomp/syscalls/${index}/action`);
			}
		},
	},
];

export function checkUnsupported(spec: Spec, report: Report): void {
	for (let index = 0; index < UNSUPPORTED.length; index++) {
		const { feature, find } = UNSUPPORTED[index] as Gap;
		find(spec, (pointer) => report.unsupported(pointer, feature));
	}
}
