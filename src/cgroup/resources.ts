/** What v1 and v2 share in reading linux.resources: types, numbers, and the ways to say no. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { HostStep } from "../plan/schema.js";

export type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;
type Integer = number | bigint;

const base = "/linux/resources";

export interface CgroupTarget {
	/** Directory of the container's cgroup that has this controller. */
	directory(controller: string, pointer: string): string;
	/** The control file takes effect on this configuration value. */
	write(controller: string, pointer: string, file: string, value: string, optional?: boolean): void;
	steps: HostStep[];
}

/**
 * A limit that is set. Zero is not one: Docker and containerd send structures in which 0 stands for "not given"
 * (clients.md, section 7), and no resource but pids has a use for a limit of nothing.
 */
export function limit(value: Integer | undefined): bigint | undefined {
	return value === undefined || BigInt(value) === 0n ? undefined : BigInt(value);
}

/**
 * pids.limit. Since version 1.3 of the specification 0 is a limit as any other; documents of older versions come from
 * engines that mean "no limit" by it (`podman run --pids-limit 0`).
 */
export function pidsLimit(resources: Resources, ociVersion: string): string | undefined {
	const value = resources.pids?.limit;
	if (value === undefined) return undefined;
	if (BigInt(value) < 0n) return "max";
	const [major = 0, minor = 0] = ociVersion.split(".").map(Number);
	const zeroCounts = major > 1 || (major === 1 && minor >= 3);
	return BigInt(value) === 0n && !zeroCounts ? "max" : String(value);
}

/** The specification: where a value can't be converted, fail. */
export function refuseConversion(pointer: string, why: string): never {
	throw new RuntimeError("config.unsupported", `cgroup: ${why}`, { pointer: base + pointer });
}

/** Kinds of resources that are not implemented; empty and zero values ask for nothing. */
export function refuseUnsupported(resources: Resources): void {
	const { cpu, memory, blockIO, network, rdma } = resources;
	const asked: [boolean, string][] = [
		[limit(cpu?.realtimeRuntime) !== undefined, "/cpu/realtimeRuntime"],
		[limit(cpu?.realtimePeriod) !== undefined, "/cpu/realtimePeriod"],
		[limit(memory?.kernel) !== undefined, "/memory/kernel"],
		// The kernel knows nothing else since 5.11.
		[memory?.useHierarchy === false, "/memory/useHierarchy"],
		[limit(blockIO?.weight) !== undefined, "/blockIO/weight"],
		[limit(blockIO?.leafWeight) !== undefined, "/blockIO/leafWeight"],
		[(blockIO?.weightDevice ?? []).length > 0, "/blockIO/weightDevice"],
		[limit(network?.classID) !== undefined, "/network/classID"],
		[(network?.priorities ?? []).length > 0, "/network/priorities"],
		[Object.keys(rdma ?? {}).length > 0, "/rdma"],
	];
	const pointer = asked.find(([wanted]) => wanted)?.[1];
	if (pointer !== undefined) refuseConversion(pointer, `${pointer.slice(1).replaceAll("/", ".")} is not supported`);
}

/** Something other than devices is limited. */
export function hasLimits(resources: Resources): boolean {
	return Object.entries(resources).some(([kind, value]) => kind !== "devices" && asks(value));
}

function asks(value: unknown): boolean {
	if (typeof value === "object" && value !== null) return Object.values(value).some(asks);
	return Boolean(value);
}

export const pointerTo = (path: string): string => base + path;
