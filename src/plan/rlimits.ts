/** process.rlimits. */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { decimal } from "./integer.js";
import type { InitStepOf } from "./schema.js";

/** getrlimit(2). */
const types: ReadonlySet<string> = new Set([
	"RLIMIT_AS",
	"RLIMIT_CORE",
	"RLIMIT_CPU",
	"RLIMIT_DATA",
	"RLIMIT_FSIZE",
	"RLIMIT_LOCKS",
	"RLIMIT_MEMLOCK",
	"RLIMIT_MSGQUEUE",
	"RLIMIT_NICE",
	"RLIMIT_NOFILE",
	"RLIMIT_NPROC",
	"RLIMIT_RSS",
	"RLIMIT_RTPRIO",
	"RLIMIT_RTTIME",
	"RLIMIT_SIGPENDING",
	"RLIMIT_STACK",
]);

type RlimitStep = InitStepOf<"process.rlimit">;

export interface RlimitSteps {
	/** Before the clone. */
	hard: RlimitStep[];
	/** When the init needs nothing more for itself. */
	exact: RlimitStep[];
}

export function compileRlimits(context: Context): RlimitSteps {
	const seen = new Set<string>();
	const exact = (context.process.rlimits ?? []).map(({ type, soft, hard }, index): RlimitStep => {
		const at = `/process/rlimits/${index}`;
		const refuse = (reason: string) => new RuntimeError("config.invalid", reason, { pointer: `${at}/type` });
		if (!types.has(type)) throw refuse(`invalid rlimit type: ${type}`);
		if (seen.has(type)) throw refuse(`rlimit type ${type} is given twice`);
		seen.add(type);
		return { op: "process.rlimit", at, type, soft: decimal(soft), hard: decimal(hard) };
	});
	// CAP_SYS_RESOURCE counts only in the first user namespace: once the container has its own, a hard limit can't
	// be raised any more. The first stage of the init still can, and the clone inherits it.
	const hard = context.namespaces.has("user") ? exact.map((step) => ({ ...step, soft: step.hard })) : [];
	return { hard, exact };
}
