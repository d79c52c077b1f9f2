/** What an update changes of the systemd unit that is the container's cgroup. */
import type { HostStep, Plan } from "../plan/schema.js";
import { pointerTo, type Resources } from "./resources.js";
import { UNLIMITED, type UnitProperty } from "./unit-property.js";
import { resourceProperties } from "./unit-resources.js";
import type { UpdatePlan } from "./update.js";
import { writeV1 } from "./v1.js";
import { Writes } from "./writes.js";

export interface UnitUpdateInput {
	given: Resources;
	saved: Resources;
	cgroups: Plan["cgroups"];
	ociVersion: string;
	/** Of systemd. */
	version: number;
}

export interface UnitUpdate {
	/** For SetUnitProperties; none when systemd has no word for what changes. */
	properties: UnitProperty[];
	/** Undoes them. */
	back: UnitProperty[];
	/** To be written after that: what systemd has no word for, or rounds. */
	files: HostStep[];
}

export function compileUnitUpdate(input: UnitUpdateInput, { steps, devices, merged }: UpdatePlan): UnitUpdate {
	const { given, saved, cgroups, ociVersion, version } = input;
	const mode = cgroups[0]?.controller === "" ? "v2" : "v1";
	const changesDevices = devices.length > 0;
	const target = { mode, version, devices: changesDevices, update: true } as const;
	// The parts that the update is about, as they are with what stays: swap is less than it was when memory is more.
	const properties = resourceProperties(pick(merged, given), ociVersion, target);
	const before = resourceProperties(pick(saved, given), ociVersion, target);
	const files = steps.filter(({ op }) => op === "cgroup.write");
	if (changesDevices && mode === "v1") {
		// systemd has written a list of its own by then.
		writeV1({ devices: merged.devices ?? [] }, ociVersion, new Writes(cgroups, files), true);
	}
	return { properties: replacing(properties), back: replacing(undoing(properties, before)), files };
}

function pick(resources: Resources, { devices: _devices, ...given }: Resources): Resources {
	const part: Record<string, unknown> = { devices: resources.devices };
	for (const kind of Object.keys(given)) part[kind] = resources[kind as keyof Resources];
	return part;
}

/** What was not set before is set to the value that systemd has for that. */
function undoing(properties: UnitProperty[], before: UnitProperty[]): UnitProperty[] {
	return properties.map((property) => {
		const had = before.find(({ name }) => name === property.name);
		return had ?? { ...property, value: property.signature === "ay" ? [] : String(UNLIMITED) };
	});
}

/** systemd adds a list to the one that it has; an empty one empties it first. */
function replacing(properties: UnitProperty[]): UnitProperty[] {
	return properties.flatMap((property) =>
		property.name === "DeviceAllow" ? [{ ...property, value: [], at: pointerTo("/devices") }, property] : [property],
	);
}
