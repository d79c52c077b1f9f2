/** `update` of a container whose cgroup is a unit of systemd's: systemd has to know, or it would write its old limits again. */
import { compileUnitUpdate, type UnitUpdateInput } from "../cgroup/unit-update.js";
import type { UpdatePlan } from "../cgroup/update.js";
import type { Native } from "../native/api.js";
import type { HostStep } from "../plan/schema.js";
import { execute, existing } from "./apply-update.js";
import type { ContainerRecord } from "./record.js";

/**
 * After the files have been changed: that shows whether the kernel takes the values, and what they were. systemd writes the
 * ones that it knows again, in its way, so they are written once more. Adds to `undo` as applyUpdate does.
 */
export function updateUnit(
	native: Native,
	record: ContainerRecord,
	plan: UpdatePlan,
	input: Omit<UnitUpdateInput, "version">,
	undo: (() => void)[],
): void {
	const { systemd } = record.runtime_ts;
	if (systemd === undefined) return;
	const { version, unit, bus } = systemd;
	const { properties, back, files } = compileUnitUpdate({ ...input, version }, plan);
	if (properties.length === 0) return;
	const set = (list: typeof properties): HostStep => ({ op: "systemd.set", unit, bus, properties: list });
	undo.push(() => execute(native, set(back)));
	execute(native, set(properties));
	for (const step of files) execute(native, step.op === "cgroup.write" ? existing(native, step) : step);
}
