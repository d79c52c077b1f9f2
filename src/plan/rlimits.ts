/** process.rlimits. */
import type { Context, Process } from "./context.js";
import type { InitStepOf } from "./schema.js";

type Rlimit = NonNullable<Process["rlimits"]>[number];
type RlimitStep = InitStepOf<"process.rlimit">;

export interface RlimitSteps {
	/** Before the clone. */
	hard: RlimitStep[];
	/** When the init needs nothing more for itself. */
	exact: RlimitStep[];
}

export function compileRlimits(context: Context): RlimitSteps {
	const rlimits = context.process.rlimits ?? [];
	// CAP_SYS_RESOURCE counts only in the first user namespace: once the container has its own, a hard limit can't
	// be raised any more. The first stage of the init still can, and the clone inherits it.
	const loses = context.namespaces.has("user");
	const steps: RlimitSteps = { hard: [], exact: [] };
	for (let index = 0; index < rlimits.length; index++) {
		const rlimit = rlimits[index] as Rlimit;
		const hard = String(rlimit.hard);
		const at = `/process/rlimits/${index}`;
		steps.exact.push({ op: "process.rlimit", at, type: rlimit.type, soft: String(rlimit.soft), hard });
		if (loses) steps.hard.push({ op: "process.rlimit", at, type: rlimit.type, soft: hard, hard });
	}
	return steps;
}
