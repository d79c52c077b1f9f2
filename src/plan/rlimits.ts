/** process.rlimits. */
import type { Context } from "./context.js";
import type { InitStepOf } from "./schema.js";

type RlimitStep = InitStepOf<"process.rlimit">;

export interface RlimitSteps {
	/** Before the clone. */
	hard: RlimitStep[];
	/** When the init needs nothing more for itself. */
	exact: RlimitStep[];
}

export function compileRlimits(context: Context): RlimitSteps {
	const exact = (context.process.rlimits ?? []).map(
		({ type, soft, hard }, index): RlimitStep => ({
			op: "process.rlimit",
			at: `/process/rlimits/${index}`,
			type,
			soft: String(soft),
			hard: String(hard),
		}),
	);
	// CAP_SYS_RESOURCE counts only in the first user namespace: once the container has its own, a hard limit can't
	// be raised any more. The first stage of the init still can, and the clone inherits it.
	const hard = context.namespaces.has("user") ? exact.map((step) => ({ ...step, soft: step.hard })) : [];
	return { hard, exact };
}
