import type { Seccomp, Spec } from "../spec.js";
import { checkNotify } from "./notify.js";
import type { Report } from "./report.js";

/**
 * Largest number an action can carry: errno stops at MAX_ERRNO, where the kernel cuts it off in silence, and a tracer
 * gets sixteen bits (seccomp(2)).
 */
const LARGEST: Record<string, number> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 };

function checkErrno(action: Seccomp["defaultAction"], errno: number | undefined, at: string, report: Report): void {
	if (errno === undefined) return;
	const largest = LARGEST[action];
	if (largest === undefined) report.error(at, `the action ${action} has no errno`);
	else if (errno > largest) report.error(at, `expected an integer from 0 to ${largest}; found ${errno}`);
}

export function checkSeccomp(spec: Spec, report: Report): void {
	const seccomp = spec.linux?.seccomp;
	if (seccomp === undefined) return;
	const at = "/linux/seccomp";
	if (seccomp.listenerMetadata !== undefined && !seccomp.listenerPath) {
		report.error(`${at}/listenerMetadata`, "must not be set without listenerPath");
	}
	checkErrno(seccomp.defaultAction, seccomp.defaultErrnoRet, `${at}/defaultErrnoRet`, report);
	checkNotify(seccomp, report);
	const rules = seccomp.syscalls ?? [];
	for (let index = 0; index < rules.length; index++) {
		const rule = rules[index];
		if (rule?.errnoRet !== undefined) {
			checkErrno(rule.action, rule.errnoRet, `${at}/syscalls/${index}/errnoRet`, report);
		}
	}
}
