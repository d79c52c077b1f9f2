/** The engine's own steps of a plan: cgroups and id maps, both written while the init does its part. */
import type { StepFailure } from "../native/api.js";
import { explainHostFailure } from "../plan/failure.js";
import type { HostStep } from "../plan/schema.js";
import { claimCgroup } from "./cgroup-claim.js";
import { checkVacant, removeCgroups } from "./cgroups.js";
import type { Launch } from "./launch-state.js";
import { writeRecord } from "./store.js";

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
	if (steps.length === 0) return;
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps) });
	if (!failure) {
		claimCgroup(state);
		return;
	}
	if (!record.rootless || !isForbidden(failure) || asksForLimits(steps))
		throw explainHostFailure({ host: steps }, failure);
	goWithoutCgroups(state);
}

export function writeIdMaps(state: Launch, pid: number): void {
	const steps = state.plan.host.filter((step) => step.op === "idmap.write");
	const failure = state.native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}

/** What a user without delegated cgroups gets from the kernel. */
function isForbidden(failure: StepFailure): boolean {
	return ["EACCES", "EPERM", "EROFS"].includes(failure.code);
}

/** Limits that someone asked for must not be dropped; device rules are in every config and need root anyway. */
function asksForLimits(steps: HostStep[]): boolean {
	const prefix = "/linux/resources/";
	return steps.some((step) => step.at?.startsWith(prefix) && !step.at.startsWith(`${prefix}devices`));
}

/** As runc does for rootless containers: they stay in the cgroup of their caller. */
function goWithoutCgroups(state: Launch): void {
	removeCgroups(state.native, state.record.cgroup_paths);
	state.record = { ...state.record, cgroup_paths: {} };
	state.plan = {
		...state.plan,
		cgroups: [],
		init: state.plan.init.map((step) => {
			if (step.op !== "clone") return step;
			const { cgroup: _none, ...rest } = step;
			return rest;
		}),
	};
	state.request.onWarning?.(
		"no permission to make a cgroup: the container stays in the one of its caller",
		"/linux/cgroupsPath",
	);
}
