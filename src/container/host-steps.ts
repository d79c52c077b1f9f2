/** The engine's own steps of a plan: cgroups and id maps, both written while the init does its part. */
import { explainHostFailure } from "../plan/failure.js";
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
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps) });
	if (failure) throw explainHostFailure({ host: steps }, failure);
	claimCgroup(state);
}

export function writeIdMaps(state: Launch, pid: number): void {
	const steps = state.plan.host.filter((step) => step.op === "idmap.write");
	const failure = state.native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}
