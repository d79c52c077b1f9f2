/** process.scheduler and process.ioPriority of a container with a user namespace, when its process is in its cgroup. */
import { explainHostFailure } from "../plan/failure.js";
import type { Launch } from "./launch-state.js";

export function scheduleProcess(state: Launch, pid: number): void {
	const steps = state.plan.host.filter(({ op }) => op === "process.scheduler" || op === "process.ioPriority");
	if (steps.length === 0) return;
	const failure = state.native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}
