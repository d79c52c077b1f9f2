/**
 * linux.resources as properties of a systemd unit, so that systemd knows what the files say and does not overwrite them
 * with its own idea (`systemctl daemon-reload`, `set-property`). The files are written as well, afterwards: systemd rounds
 * the CPU quota, and has no properties for many of them.
 */

import { limit, pidsLimit, type Resources } from "./resources.js";
import { deviceProperties } from "./unit-devices.js";
import { type BusValue, number, UNLIMITED, type UnitProperty } from "./unit-property.js";
import { sharesToWeight, swapMaximum } from "./v2.js";
import { toIoWeight } from "./v2-io.js";

export interface UnitTarget {
	mode: "v1" | "v2";
	/** Of systemd, the number that `systemctl --version` begins with. */
	version: number;
	/** Tell systemd of the devices; false where nobody may restrict them, and for changes, which don't concern them. */
	devices: boolean;
	/** A change of a container: see pidsLimit. */
	update?: boolean;
	/** A device rule that systemd can't be told as it is. */
	onInexactDevices?: (rule: string) => void;
}

const base = "/linux/resources";

/**
 * Properties for what is set in `resources`, for a new unit or for SetUnitProperties. A value that makes no sense has
 * none: writing its file says so, and names it.
 */
export function resourceProperties(resources: Resources, ociVersion: string, target: UnitTarget): UnitProperty[] {
	const { mode, version } = target;
	const list = [...memory(resources, mode), ...cpu(resources, target)];
	const pids = pidsLimit(resources, ociVersion, target.update === true);
	if (pids !== undefined) list.push(number("TasksMax", limitOf(pids) ?? UNLIMITED, `${base}/pids/limit`));
	list.push(...blockIo(resources, mode));
	if (mode === "v2") list.push(...unified(resources.unified ?? {}, version));
	if (target.devices) list.push(...deviceProperties(resources, target.onInexactDevices));
	return list;
}

/** -1 is "unlimited" in config.json. */
const maximum = (value: bigint): bigint => (value < 0n ? UNLIMITED : value);

function memory({ memory }: Resources, mode: UnitTarget["mode"]): UnitProperty[] {
	const list: UnitProperty[] = [];
	const bytes = limit(memory?.limit);
	if (bytes !== undefined)
		list.push(number(mode === "v2" ? "MemoryMax" : "MemoryLimit", maximum(bytes), `${base}/memory/limit`));
	// Of v1's memory properties systemd has only the one.
	if (mode === "v1") return list;
	const reservation = limit(memory?.reservation);
	if (reservation !== undefined) list.push(number("MemoryLow", maximum(reservation), `${base}/memory/reservation`));
	const swap = limit(memory?.swap);
	if (swap !== undefined)
		list.push(number("MemorySwapMax", limitOf(swapMaximum(bytes, swap)) ?? UNLIMITED, `${base}/memory/swap`));
	return list;
}

function cpu({ cpu }: Resources, { mode, version }: UnitTarget): UnitProperty[] {
	const list: UnitProperty[] = [];
	const shares = limit(cpu?.shares);
	if (shares !== undefined) {
		list.push(
			mode === "v2"
				? number("CPUWeight", sharesToWeight(shares), `${base}/cpu/shares`)
				: number("CPUShares", shares, `${base}/cpu/shares`),
		);
	}
	if (mode === "v2" && limit(cpu?.idle) === 1n) list.push(...idle(version, `${base}/cpu/idle`));
	const quota = limit(cpu?.quota);
	const period = limit(cpu?.period);
	if (quota !== undefined || period !== undefined) {
		list.push(...cpuQuota(quota, period, version, quota === undefined ? `${base}/cpu/period` : `${base}/cpu/quota`));
	}
	// systemd leaves cpuset of v1 alone.
	if (mode === "v2") {
		if (cpu?.cpus) list.push(...cpuset("AllowedCPUs", cpu.cpus, version, `${base}/cpu/cpus`));
		if (cpu?.mems) list.push(...cpuset("AllowedMemoryNodes", cpu.mems, version, `${base}/cpu/mems`));
	}
	return list;
}

/** CPUWeight=idle, which is 0 on D-Bus. */
function idle(version: number, at: string): UnitProperty[] {
	return version >= 252 ? [number("CPUWeight", 0, at)] : [];
}

const defaultPeriod = 100_000n;
/** systemd takes whole percents of a second's time: 10 ms. */
const step = 10_000n;

/** Microseconds; what systemd would round down is rounded up, as in runc: a container gets no less than it was given. */
function cpuQuota(quota: bigint | undefined, period: bigint | undefined, version: number, at: string): UnitProperty[] {
	const list: UnitProperty[] = [];
	if (period !== undefined && version >= 242) list.push(number("CPUQuotaPeriodUSec", period, at));
	if (quota === undefined || quota < 0n) return [...list, number("CPUQuotaPerSecUSec", UNLIMITED, at)];
	const perSecond = (quota * 1_000_000n) / (period ?? defaultPeriod);
	return [...list, number("CPUQuotaPerSecUSec", ((perSecond + step - 1n) / step) * step, at)];
}

function cpuset(name: string, cpus: string, version: number, at: string): UnitProperty[] {
	const mask = version >= 244 ? bitMask(cpus) : undefined;
	return mask === undefined ? [] : [{ name, signature: "ay", value: mask, at }];
}

/** More would be a mistake, or an attack: the largest machines of Linux have 8192. */
const mostBits = 65_536;

/** `0-2,8` as bytes, the lowest first; undefined for what is no such list. */
function bitMask(list: string): BusValue[] | undefined {
	const bytes: number[] = [];
	for (const range of list.split(",")) {
		const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(range);
		if (match === null) return undefined;
		const first = Number(match[1]);
		const last = Number(match[2] ?? match[1]);
		if (last < first || last >= mostBits) return undefined;
		for (let bit = first; bit <= last; bit++) {
			while (bytes.length <= bit >> 3) bytes.push(0);
			bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
		}
	}
	return bytes.map(String);
}

function blockIo({ blockIO }: Resources, mode: UnitTarget["mode"]): UnitProperty[] {
	const weight = limit(blockIO?.weight);
	if (weight === undefined) return [];
	const at = `${base}/blockIO/weight`;
	if (mode === "v1") return [number("BlockIOWeight", weight, at)];
	return [number("IOWeight", toIoWeight(weight), at)];
}

/** The files for which systemd has a property; what it has none for, it leaves alone. */
function unified(files: Record<string, string>, version: number): UnitProperty[] {
	const list: UnitProperty[] = [];
	for (const [file, value] of Object.entries(files)) {
		const at = `${base}/unified/${file}`;
		const property = limits()[file];
		const amount = limitOf(value.trim());
		if (property !== undefined && amount !== undefined) list.push(number(property, amount, at));
		else if (file === "cpu.idle" && value.trim() === "1") list.push(...idle(version, at));
		else if (file === "cpu.max") list.push(...cpuMaximum(value, version, at));
		else if (file === "cpuset.cpus") list.push(...cpuset("AllowedCPUs", value, version, at));
		else if (file === "cpuset.mems") list.push(...cpuset("AllowedMemoryNodes", value, version, at));
	}
	return list;
}

const limits = (): Record<string, string> => ({
	"cpu.weight": "CPUWeight",
	"memory.min": "MemoryMin",
	"memory.low": "MemoryLow",
	"memory.high": "MemoryHigh",
	"memory.max": "MemoryMax",
	"memory.swap.max": "MemorySwapMax",
	"pids.max": "TasksMax",
});

function cpuMaximum(value: string, version: number, at: string): UnitProperty[] {
	const [quota = "", period] = value.trim().split(/\s+/);
	const amount = limitOf(quota);
	const length = period === undefined ? undefined : limitOf(period);
	if (amount === undefined || (period !== undefined && !length)) return [];
	return cpuQuota(amount === UNLIMITED ? -1n : amount, length, version, at);
}

/** Of a control file's text, `max` included; undefined when it is neither. */
function limitOf(text: string): bigint | undefined {
	if (text === "max") return UNLIMITED;
	return /^\d+$/.test(text) ? BigInt(text) : undefined;
}
