/**
 * Every rule of the specification, the kernel and runc that a JSON Schema cannot say.
 *
 * They run once in each process that creates a container, so it is the first use of everything that counts: in the
 * standalone binary a first `for...of`, `find` or regular expression costs 0.1 ms each, as JavaScriptCore compiles its
 * own part of them then, and an indexed loop or `indexOf` nothing. Where a config has no fault, rules use the latter.
 */
import type { Diagnostic } from "../diagnostic.js";
import type { Spec } from "../spec.js";
import { checkAnnotations } from "./annotations.js";
import { checkDevices } from "./devices.js";
import { checkIdMappings } from "./idmappings.js";
import { checkIntelRdt } from "./intel-rdt.js";
import { checkMountIdMaps } from "./mount-idmap.js";
import { checkMounts } from "./mounts.js";
import { checkNamespaces } from "./namespaces.js";
import { checkNetDevices } from "./net-devices.js";
import { checkProcess } from "./process.js";
import { Report } from "./report.js";
import { checkResources } from "./resources.js";
import type { Salvageable } from "./salvage.js";
import { checkScheduling, schedulingReads } from "./scheduling.js";
import { checkSeccomp } from "./seccomp.js";
import { checkSysctls } from "./sysctl.js";
import { checkVersion } from "./version.js";

export type Rule = (spec: Spec, report: Report) => void;

export const RULES: readonly Rule[] = [
	checkVersion,
	checkProcess,
	checkMounts,
	checkMountIdMaps,
	checkNamespaces,
	checkIdMappings,
	checkDevices,
	checkNetDevices,
	checkScheduling,
	checkIntelRdt,
	checkResources,
	checkSysctls,
	checkSeccomp,
	checkAnnotations,
];

/** Runs all rules on a Spec that fits the schema. */
export function checkRules(spec: Spec): Diagnostic[] {
	const report = new Report();
	for (let index = 0; index < RULES.length; index++) RULES[index]?.(spec, report);
	return report.diagnostics;
}

/** The rules again, for a document that fits the schema in part. */
export function salvageable(): Salvageable[] {
	const reads = new Map<Rule, readonly string[]>([
		[checkNamespaces, ["/linux/namespaces"]],
		[checkIdMappings, ["/linux/namespaces", "/linux/uidMappings", "/linux/gidMappings"]],
		[checkMountIdMaps, ["/linux/namespaces", "/linux/uidMappings", "/linux/gidMappings"]],
		[checkSysctls, ["/linux/namespaces"]],
		[checkSeccomp, ["/linux/seccomp"]],
		[checkNetDevices, ["/linux/namespaces"]],
		[checkScheduling, schedulingReads],
	]);
	return RULES.map((rule) => ({ rule, reads: reads.get(rule) ?? [] }));
}
