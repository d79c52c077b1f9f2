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

/** A property that is used as soon as it is there. */
function property(feature: string, pointer: string, value: (spec: Spec) => unknown): Gap {
	return {
		feature,
		find(spec, at) {
			// Go writes an empty string for a label or a profile that is not set.
			const found = value(spec);
			if (found !== undefined && found !== "") at(pointer);
		},
	};
}

/** In AppArmor's own words: no confinement, which is what a container without a profile has. */
const UNCONFINED = "unconfined";

export const UNSUPPORTED: readonly Gap[] = [
	property("moving network devices", "/linux/netDevices", (spec) =>
		Object.keys(spec.linux?.netDevices ?? {}).length > 0 ? true : undefined,
	),
	property("a NUMA memory policy", "/linux/memoryPolicy", (spec) => spec.linux?.memoryPolicy),
	property("Intel RDT", "/linux/intelRdt", (spec) => spec.linux?.intelRdt),
	property("an execution domain", "/linux/personality", (spec) => spec.linux?.personality),
	property("a scheduling policy", "/process/scheduler", (spec) => spec.process.scheduler),
	property("an I/O priority", "/process/ioPriority", (spec) => spec.process.ioPriority),
	property("an SELinux label", "/process/selinuxLabel", (spec) => spec.process.selinuxLabel),
	property("an SELinux mount label", "/linux/mountLabel", (spec) => spec.linux?.mountLabel),
	property("an AppArmor profile", "/process/apparmorProfile", ({ process: { apparmorProfile } }) =>
		apparmorProfile === UNCONFINED ? undefined : apparmorProfile,
	),
];

export function checkUnsupported(spec: Spec, report: Report): void {
	for (let index = 0; index < UNSUPPORTED.length; index++) {
		const { feature, find } = UNSUPPORTED[index] as Gap;
		find(spec, (pointer) => report.unsupported(pointer, feature));
	}
	if (spec.process.execCPUAffinity !== undefined) {
		report.warning("/process/execCPUAffinity", "is used by exec only, and exec does not support it yet");
	}
}
