/**
 * The order in which the kernel takes several new values at once. Some files bound each other, so it depends on the
 * values that are there: whether a limit grows or shrinks.
 */
import type { HostStep } from "../plan/schema.js";

export type WriteStep = Extract<HostStep, { op: "cgroup.write" }>;

/** A write, and the content of its file before it; undefined for one that can't be read or is not there. */
export interface Change {
	step: WriteStep;
	before: string | undefined;
}

/** `changes` in an order in which no state between two writes is one that the kernel refuses. */
export function orderChanges(changes: readonly Change[]): Change[] {
	let ordered = [...changes];
	const put = (first: string, second: string) => {
		ordered = inOrder(ordered, first, second);
	};
	// memory.memsw is the sum: never below the limit for memory.
	if (grows(changes, "memory.memsw.limit_in_bytes")) put("memory.memsw.limit_in_bytes", "memory.limit_in_bytes");
	else put("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
	// A share of the time that is too large for the parent is refused: in between it must not be larger than before and
	// after. With one file on v2 there is no between.
	if (grows(changes, "cpu.cfs_period_us")) put("cpu.cfs_period_us", "cpu.cfs_quota_us");
	else put("cpu.cfs_quota_us", "cpu.cfs_period_us");
	if (grows(changes, "cpu.rt_period_us")) put("cpu.rt_period_us", "cpu.rt_runtime_us");
	else put("cpu.rt_runtime_us", "cpu.rt_period_us");
	// A burst is at most the quota.
	for (const [quota, burst] of [
		["cpu.cfs_quota_us", "cpu.cfs_burst_us"],
		["cpu.max", "cpu.max.burst"],
	] as const) {
		if (grows(changes, quota)) put(quota, burst);
		else put(burst, quota);
	}
	return ordered;
}

const nameOf = ({ step }: Change): string => step.path.slice(step.path.lastIndexOf("/") + 1);

/** Larger than before, or as large. */
function grows(changes: readonly Change[], name: string): boolean {
	const change = changes.find((candidate) => nameOf(candidate) === name);
	return change !== undefined && sizeOf(change.step.value) >= sizeOf(change.before ?? "");
}

/** The first number, which of cpu.max is the quota; "max" and -1 are more than any. */
function sizeOf(text: string): number {
	const [word = ""] = text.trim().split(/\s/);
	return word === "max" || word.startsWith("-") ? Number.POSITIVE_INFINITY : Number(word);
}

/** With both there, moves `first` to right before `second` if it comes after it. */
function inOrder(changes: Change[], first: string, second: string): Change[] {
	const one = changes.findIndex((change) => nameOf(change) === first);
	const two = changes.findIndex((change) => nameOf(change) === second);
	if (one < 0 || two < 0 || one < two) return changes;
	const rest = changes.filter((_, index) => index !== one);
	return rest.toSpliced(two, 0, changes[one] as Change);
}
