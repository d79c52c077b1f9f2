/**
 * What the specification has and this release has not. Refused, never ignored: a container without a restriction that
 * its config.json asks for is worse than no container. An entry goes away when its feature comes.
 */
import type { Report } from "./rules/report.js";
import type { Spec } from "./spec.js";

interface Gap {
	feature: string;
	/** Calls `at` with the pointer of each use. */
	find(spec: Spec, at: (pointer: string) => void): void;
}

export const UNSUPPORTED: readonly Gap[] = [
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
