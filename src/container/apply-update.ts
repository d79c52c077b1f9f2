/**
 * Where an update reaches the cgroup: the one place for it, so that a driver which has somebody else write the limits
 * (systemd) has one function to stand in for.
 */
import { orderChanges, type WriteStep } from "../cgroup/order.js";
import { restoration } from "../cgroup/restore.js";
import type { UpdatePlan } from "../cgroup/update.js";
import type { Native } from "../native/api.js";
import type { HostStep } from "../plan/schema.js";
import { explainUpdateFailure } from "../plan/update-failure.js";
import { failedWith } from "./errno.js";

/** Adds to `undo`, step by step, what takes the change back: a value that the kernel refuses is to leave the earlier ones. */
export function applyUpdate(native: Native, plan: UpdatePlan, undo: (() => void)[]): void {
	for (const step of plan.steps) if (step.op !== "cgroup.write") execute(native, step);
	const writes = plan.steps.flatMap((step) => (step.op === "cgroup.write" ? [existing(native, step)] : []));
	for (const change of orderChanges(writes.map((step) => ({ step, before: content(native, step.path) })))) {
		execute(native, change.step);
		undo.push(() => {
			for (const text of restoration(change)) native.writeControl({ path: change.step.path, text });
		});
	}
	if (plan.devices.length === 0) return;
	// Before they are changed: even a change that is half done is taken back.
	undo.push(() => {
		for (const step of plan.devicesBack) execute(native, step);
	});
	for (const step of plan.devices) execute(native, step);
}

export function execute(native: Native, step: HostStep): void {
	const failure = native.executeHostSteps({ steps: JSON.stringify([step]) });
	if (failure) throw explainUpdateFailure(step, failure);
}

/** The step for the file that is there. */
export function existing(native: Native, { instead, ...step }: WriteStep): WriteStep {
	return instead === undefined || native.stat({ path: step.path }) !== undefined ? step : { ...step, ...instead };
}

/** What the file says before it is changed; undefined where it is missing, or says nothing (cgroup.kill, memory.reclaim). */
function content(native: Native, path: string): string | undefined {
	try {
		return native.readText({ path });
	} catch (error) {
		if (failedWith(error, "ENOENT", "EACCES", "EINVAL", "EIO", "EOPNOTSUPP", "ENODEV")) return undefined;
		throw error;
	}
}
