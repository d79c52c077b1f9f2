/** The formats of the kernel's accounting files. */
import type { BlkioEntry, Pressure, PressureStats, RdmaEntry } from "./types.js";

export const unlimited = 2n ** 64n - 1n;

/** A file with one number; `max` is the largest there is, and what is not there is 0. */
export function count(text: string | undefined): bigint {
	const word = text?.trim() ?? "";
	if (word === "max") return unlimited;
	return /^-?\d+$/.test(word) ? BigInt(word) : 0n;
}

/** Undefined for 0: Go's omitempty. */
export function unlessZero(value: bigint | undefined): bigint | undefined {
	return value === 0n ? undefined : value;
}

export function linesOf(text: string | undefined): string[] {
	return (text ?? "").split("\n").filter((line) => line !== "");
}

/** Lines of a key and a number, as memory.stat has them. */
export function keyed(text: string | undefined): Record<string, bigint> {
	const values: Record<string, bigint> = Object.create(null);
	for (const line of linesOf(text)) {
		const [key = "", value = ""] = line.split(" ");
		if (/^\d+$/.test(value)) values[key] = BigInt(value);
	}
	return values;
}

/** `0-2,4`; undefined for an empty list, and where there is none. */
export function numberList(text: string | undefined): number[] | undefined {
	const numbers: number[] = [];
	for (const range of (text ?? "").trim().split(",")) {
		if (range === "") continue;
		const [from, to = from] = range.split("-").map(Number);
		for (let number = from ?? 0; number <= (to ?? 0); number++) numbers.push(number);
	}
	return numbers.length === 0 ? undefined : numbers;
}

/** Pressure stall information; undefined where the kernel has none. */
export function pressure(text: string | undefined): PressureStats | undefined {
	if (text === undefined) return undefined;
	const stats: PressureStats = { some: nonePressing(), full: nonePressing() };
	for (const line of linesOf(text)) {
		const [kind, ...fields] = line.split(" ");
		if (kind !== "some" && kind !== "full") continue;
		for (const field of fields) {
			const [key, value = "0"] = field.split("=");
			if (key === "total") stats[kind].total = BigInt(value);
			else if (key === "avg10" || key === "avg60" || key === "avg300") stats[kind][key] = Number(value);
		}
	}
	return stats;
}

function nonePressing(): Pressure {
	return { avg10: 0, avg60: 0, avg300: 0, total: 0n };
}

/** `8:0 Read 4096` or `8:0 4096`; the line of the total has no device. */
export function blkioEntries(text: string): BlkioEntry[] {
	const entries: BlkioEntry[] = [];
	for (const line of linesOf(text)) {
		const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line);
		if (match) entries.push(blkioEntry(match[1], match[2], match[3] ?? "", match[4]));
	}
	return entries;
}

export function blkioEntry(
	major: string | undefined,
	minor: string | undefined,
	op: string,
	value: string | undefined,
): BlkioEntry {
	return {
		major: unlessZero(count(major)),
		minor: unlessZero(count(minor)),
		op: op === "" ? undefined : op,
		value: unlessZero(count(value)),
	};
}

/** `mlx4_0 hca_handle=2 hca_object=2000`; these counters are 32 bits wide, and so is the largest, which `max` means. */
export function rdmaEntries(text: string | undefined): RdmaEntry[] {
	return linesOf(text).map((line) => {
		const [device = "", ...fields] = line.split(" ");
		const value = (name: string): bigint => {
			const word = fields.find((field) => field.startsWith(`${name}=`))?.slice(name.length + 1);
			return word === "max" ? 2n ** 32n - 1n : count(word);
		};
		return { device, hca_handles: value("hca_handle"), hca_objects: value("hca_object") };
	});
}
