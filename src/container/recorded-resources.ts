/** linux.resources in the record: JSON.stringify has no way to write a bigint, so there it is a string of digits. */
import type { Spec } from "../bundle/spec.js";
import type { ContainerRecord } from "./record.js";

export type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

/** Integers of 64 bits that are above 2^53 are bigints again. A container that was made without resources has none. */
export function recordedResources({ runtime_ts: { resources = {} } }: ContainerRecord): Resources {
	const { memory, cpu, pids, blockIO, hugepageLimits, devices } = resources as Resources;
	for (const part of [memory, cpu, pids, ...(hugepageLimits ?? []), ...(devices ?? [])]) revive(part);
	for (const entries of Object.values(blockIO ?? {})) if (Array.isArray(entries)) entries.forEach(revive);
	return resources as Resources;
}

/** A list of CPUs may look like a number. */
const texts = ["cpus", "mems"];

function revive(part: object | undefined): void {
	for (const [key, value] of Object.entries(part ?? {})) {
		if (typeof value === "string" && !texts.includes(key) && /^-?\d+$/.test(value))
			Object.assign(part ?? {}, { [key]: BigInt(value) });
	}
}
