/** A step of an update that failed, as the error that the caller sees. */
import { RuntimeError } from "../errors.js";
import { describeHostStep } from "./describe.js";
import { errnoText } from "./errno.js";
import { type FailedStep, isOfUnit } from "./failure.js";
import { hintFor } from "./hints.js";
import type { HostStep } from "./schema.js";

export function explainUpdateFailure(step: HostStep, failure: FailedStep): RuntimeError {
	const hint = hintFor(step, failure);
	const rejects = step.op === "cgroup.check" && failure.code === "EBUSY";
	const said = isOfUnit(step) && failure.detail ? failure.detail : errnoText(failure.code, failure.errno);
	const message = rejects
		? // runc's words, which scripts look for.
			`rejecting memory limit ${step.atMost}: ${step.path} is greater`
		: `unable to update: ${describeHostStep(step)}: ${said}`;
	return new RuntimeError("cgroup", message, {
		step: step.op,
		syscall: failure.syscall,
		errno: failure.code,
		...(step.at === undefined ? {} : { pointer: step.at }),
		...(hint === undefined ? {} : { hint }),
	});
}
