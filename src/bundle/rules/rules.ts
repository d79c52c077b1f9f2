/** Every rule of the specification, the kernel and runc that a JSON Schema cannot say. */
import type { Diagnostic } from "../diagnostic.js";
import type { Spec } from "../spec.js";
import { checkUnsupported } from "../unsupported.js";
import { checkDevices } from "./devices.js";
import { checkIdMappings } from "./idmappings.js";
import { checkMounts } from "./mounts.js";
import { checkNamespaces } from "./namespaces.js";
import { checkProcess } from "./process.js";
import { Report } from "./report.js";
import { checkResources } from "./resources.js";
import { checkSeccomp } from "./seccomp.js";
import { checkSysctls } from "./sysctl.js";
import { checkVersion } from "./version.js";

const RULES = [
	checkVersion,
	checkProcess,
	checkMounts,
	checkNamespaces,
	checkIdMappings,
	checkDevices,
	checkResources,
	checkSysctls,
	checkSeccomp,
	checkUnsupported,
];

/** Runs all rules on a Spec that fits the schema. */
export function checkRules(spec: Spec): Diagnostic[] {
	const report = new Report();
	for (const rule of RULES) rule(spec, report);
	return report.diagnostics;
}
