/** The engine's own steps of a plan: cgroups and id maps, both written while the init does its part. */
import type { Native } from "../native/api.js";
import { explainHostFailure } from "../plan/failure.js";
import type { HostStep } from "../plan/schema.js";
import { claimCgroup } from "./cgroup-claim.js";
import { checkVacant } from "./cgroups.js";
import type { Launch } from "./launch-state.js";
import { writeRecord } from "./store.js";
import { startUnit } from "./systemd.js";

/**
 * Makes and fills the cgroups. The record goes to disk first: were this process killed in between, `delete
 * --force` finds the paths there. Nothing is recorded before it is known that the cgroups hold nobody else.
 */
export function makeCgroups(state: Launch): void {
	const { native, record } = state;
	checkVacant(native, record.cgroup_paths);
	writeRecord(native, state.directory, record);
	state.cgroupsMade = true;
	const steps = state.plan.host.filter((step) => step.op.startsWith("cgroup."));
	if (record.runtime_ts.systemd !== undefined) startUnit(state);
	if (steps.length === 0) return;
	// The first step makes the directory that carries the claim. Nothing else is written before it is ours: limits and
	// device rules would be those of the container that another create has just made there.
	state.cgroupsTried = true;
	execute(state, steps.slice(0, 1));
	claimCgroup(state);
	execute(state, steps.slice(1));
}

function execute({ native }: Launch, steps: HostStep[]): void {
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps) });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}

/** Those that this process had to make, for a launch that fails. */
export function removeCgroupParents(native: Native): void {
	const steps: HostStep[] = [{ op: "cgroup.removeParents" }];
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps) });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}

export function writeIdMaps(state: Launch, pid: number): void {
	const steps = state.plan.host.filter((step) => step.op === "idmap.write");
	const failure = state.native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}
