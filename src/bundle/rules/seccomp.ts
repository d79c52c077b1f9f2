import type { Seccomp, Spec } from "../spec.js";
import type { Report } from "./report.js";

/** Actions that carry a number for the caller or the tracer. */
function carriesErrno(action: Seccomp["defaultAction"]): boolean {
	return action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
}

export function checkSeccomp(spec: Spec, report: Report): void {
	const seccomp = spec.linux?.seccomp;
	if (seccomp === undefined) return;
	const at = "/linux/seccomp";
	if (seccomp.listenerMetadata !== undefined && !seccomp.listenerPath) {
		report.error(`${at}/listenerMetadata`, "must not be set without listenerPath");
	}
	if (seccomp.defaultErrnoRet !== undefined && !carriesErrno(seccomp.defaultAction)) {
		report.error(`${at}/defaultErrnoRet`, `the action ${seccomp.defaultAction} has no errno`);
	}
	const rules = seccomp.syscalls ?? [];
	for (let index = 0; index < rules.length; index++) {
		const rule = rules[index];
		if (rule === undefined || rule.errnoRet === undefined || carriesErrno(rule.action)) continue;
		report.error(`${at}/syscalls/${index}/errnoRet`, `the action ${rule.action} has no errno`);
	}
}
