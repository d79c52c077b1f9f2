/** What SCMP_ACT_NOTIFY can't be used for. The words are runc's, which refuses the same. */
import type { Seccomp } from "../spec.js";
import type { Report } from "./report.js";

const NOTIFY = "SCMP_ACT_NOTIFY";

/** write(2) is how the listener's number gets out of the process: with nobody listening yet, it would wait for ever. */
export function checkNotify(seccomp: Seccomp, report: Report): void {
	const at = "/linux/seccomp";
	if (seccomp.defaultAction === NOTIFY) {
		report.error(`${at}/defaultAction`, `${NOTIFY} cannot be used as default action`);
	}
	const rules = seccomp.syscalls ?? [];
	let used = seccomp.defaultAction === NOTIFY;
	for (let index = 0; index < rules.length; index++) {
		const rule = rules[index];
		if (rule?.action !== NOTIFY) continue;
		used = true;
		const position = rule.names.indexOf("write");
		if (position >= 0) {
			report.error(`${at}/syscalls/${index}/names/${position}`, `${NOTIFY} cannot be used for the write syscall`);
		}
	}
	if (used && !seccomp.listenerPath) {
		report.error(`${at}/listenerPath`, `listenerPath is not set, and ${NOTIFY} is used`);
	}
}
