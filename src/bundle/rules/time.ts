/** linux.timeOffsets, for what the kernel would only call invalid. The words of the first two are runc's. */
import type { Linux, Spec } from "../spec.js";
import { findNamespace, type Report } from "./report.js";

const NANOSECONDS = 1_000_000_000;

export function checkTimeOffsets(spec: Spec, offsets: NonNullable<Linux["timeOffsets"]>, report: Report): void {
	const at = "/linux/timeOffsets";
	const namespace = findNamespace(spec, "time");
	if (namespace === undefined) {
		report.error(at, "time namespace offsets specified, but time namespace isn't enabled in the config");
	} else if (namespace.path) {
		report.error(
			at,
			"time namespace enabled, but both namespace path and time offsets specified -- you may only provide one",
		);
	}
	for (const clock of ["monotonic", "boottime"] as const) {
		// time_namespaces(7): the seconds carry the sign, the nanoseconds only add to them.
		const nanosecs = offsets[clock]?.nanosecs ?? 0;
		if (nanosecs >= NANOSECONDS)
			report.error(`${at}/${clock}/nanosecs`, `expected less than ${NANOSECONDS}; found ${nanosecs}`);
	}
}
