/** linux.resources as control files of cgroup v2: most values are v1's and have to be converted. */
import type { HostStep } from "../plan/schema.js";
import { compileDeviceProgram } from "./device-program.js";
import { compileDeviceRules, type DeviceRule, formatRule } from "./device-rules.js";
import {
	type CgroupTarget,
	checkMemoryUse,
	ifThere,
	limit,
	pidsLimit,
	pointerTo,
	type Resources,
	refuseConversion,
	writeRdma,
	writeShares,
} from "./resources.js";
import { writeIo } from "./v2-io.js";

export function writeV2(resources: Resources, ociVersion: string, target: CgroupTarget, devices: boolean): void {
	refuseV1Only(resources);
	checkMemoryUse(resources, target, "memory.current");
	writeMemory(resources, target);
	writeCpu(resources, target);
	const { cpu } = resources;
	if (cpu?.cpus) target.write("cpuset", "/cpu/cpus", "cpuset.cpus", cpu.cpus);
	if (cpu?.mems) target.write("cpuset", "/cpu/mems", "cpuset.mems", cpu.mems);
	const pids = pidsLimit(resources, ociVersion, target.saved !== undefined);
	if (pids !== undefined) target.write("pids", "/pids/limit", "pids.max", pids);
	if (resources.blockIO) writeIo(resources.blockIO, target);
	if (resources.hugepageLimits) writeHugePages(resources.hugepageLimits, target);
	if (resources.rdma) writeRdma(resources, target);
	if (devices) attachDeviceProgram(resources, target);
	// Last, because they are the more specific words.
	if (resources.unified) writeUnified(resources.unified, target);
}

function writeUnified(files: NonNullable<Resources["unified"]>, target: CgroupTarget): void {
	for (const [file, value] of Object.entries(files)) {
		const pointer = `/unified/${file.replaceAll("~", "~0").replaceAll("/", "~1")}`;
		if (file.includes("/"))
			refuseConversion(pointer, `unified resource "${file}" must be a file name without any slashes`);
		target.write(file.split(".", 1)[0] ?? file, pointer, file, value);
	}
}

function writeHugePages(limits: NonNullable<Resources["hugepageLimits"]>, target: CgroupTarget): void {
	for (let index = 0; index < limits.length; index++) {
		const { pageSize, limit: size } = limits[index] as (typeof limits)[number];
		const at = `/hugepageLimits/${index}`;
		// Reservations, then page faults: see v1.ts.
		target.write("hugetlb", at, `hugetlb.${pageSize}.rsvd.max`, String(size), ifThere);
		target.write("hugetlb", at, `hugetlb.${pageSize}.max`, String(size));
	}
}

function refuseV1Only({ cpu, network }: Resources): void {
	if (limit(cpu?.realtimeRuntime) !== undefined)
		refuseConversion("/cpu/realtimeRuntime", "cpu.realtimeRuntime: v2 has no real-time budgets");
	if (limit(cpu?.realtimePeriod) !== undefined)
		refuseConversion("/cpu/realtimePeriod", "cpu.realtimePeriod: v2 has no real-time budgets");
	if (limit(network?.classID) !== undefined)
		refuseConversion("/network/classID", "network.classID: v2 has no net_cls controller");
	if (network?.priorities?.length)
		refuseConversion("/network/priorities", "network.priorities: v2 has no net_prio controller");
}

/** -1 is "unlimited" in config.json. */
function maximum(value: bigint): string {
	return value < 0n ? "max" : String(value);
}

function writeMemory({ memory }: Resources, target: CgroupTarget): void {
	const bytes = limit(memory?.limit);
	const reservation = limit(memory?.reservation);
	if (bytes !== undefined) target.write("memory", "/memory/limit", "memory.max", maximum(bytes));
	writeSwap(bytes, limit(memory?.swap), target);
	if (reservation !== undefined) target.write("memory", "/memory/reservation", "memory.low", maximum(reservation));
	if (limit(memory?.kernelTCP) !== undefined)
		refuseConversion("/memory/kernelTCP", "v2 has no limit for TCP buffers alone");
	if (memory?.swappiness !== undefined && BigInt(memory.swappiness) <= 100n)
		refuseConversion("/memory/swappiness", "v2 has no swappiness");
	if (memory?.disableOOMKiller) refuseConversion("/memory/disableOOMKiller", "v2 can't disable the OOM killer");
}

/**
 * v1 limits memory and swap together, v2 swap alone. So a new memory limit leaves another part of the sum for swap, and
 * swap alone has to know the memory limit that holds. No limit for memory is none for both, as on v1.
 */
function writeSwap(bytes: bigint | undefined, given: bigint | undefined, target: CgroupTarget): void {
	const { saved } = target;
	const sum = given ?? (bytes === undefined ? undefined : bytes < 0n ? -1n : limit(saved?.memory?.swap));
	if (sum === undefined) return;
	const value = swapMaximum(bytes ?? limit(saved?.memory?.limit), sum);
	// Without swap there is no such file, and nothing to allow or to forbid.
	const how = value === "max" || value === "0" ? ifThere : {};
	target.write("memory", "/memory/swap", "memory.swap.max", value, how);
}

export function swapMaximum(bytes: bigint | undefined, swap: bigint): string {
	if (swap < 0n) return "max";
	if (bytes === undefined || bytes < 0n)
		refuseConversion("/memory/swap", "unable to set swap limit without memory limit");
	if (swap < bytes) refuseConversion("/memory/swap", "memory+swap limit should be >= memory limit");
	return String(swap - bytes);
}

/**
 * cpu.shares (2 to 262144, default 1024) to cpu.weight (1 to 10000, default 100): a curve through all three pairs, as in runc
 * 1.4 and crun 1.24. The straight line of before made 39 out of the default.
 */
export function sharesToWeight(shares: bigint): number {
	if (shares <= 2n) return 1;
	if (shares >= 262144n) return 10000;
	const log = Math.log2(Number(shares));
	return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function writeCpu({ cpu }: Resources, target: CgroupTarget): void {
	if (cpu === undefined) return;
	writeShares(cpu, target, (shares) =>
		target.write("cpu", "/cpu/shares", "cpu.weight", String(sharesToWeight(shares))),
	);
	const quota = limit(cpu.quota);
	const period = limit(cpu.period);
	if (quota !== undefined || period !== undefined) {
		// One file for both: what is not given is what the container has, or the kernel's default.
		const { saved } = target;
		const value = `${maximum(quota ?? limit(saved?.cpu?.quota) ?? -1n)} ${period ?? limit(saved?.cpu?.period) ?? 100000n}`;
		target.write("cpu", quota !== undefined ? "/cpu/quota" : "/cpu/period", "cpu.max", value);
	}
	const burst = limit(cpu.burst);
	if (burst !== undefined) target.write("cpu", "/cpu/burst", "cpu.max.burst", String(burst));
	else if (cpu.burst !== undefined && target.saved) target.write("cpu", "/cpu/burst", "cpu.max.burst", "0", ifThere);
}

function attachDeviceProgram({ devices }: Resources, target: CgroupTarget): void {
	const rules = compileDeviceRules(devices);
	// Everything is allowed: no program is that, too.
	if (rules.length === 1 && rules[0]?.allow) return;
	target.steps.push(deviceStep(rules, target.directory("devices", pointerTo("/devices"))));
}

export function deviceStep(rules: DeviceRule[], directory: string): Extract<HostStep, { op: "cgroup.devices" }> {
	const lines: string[] = [];
	for (let index = 0; index < rules.length; index++) {
		const rule = rules[index] as DeviceRule;
		lines.push(`${rule.allow ? "allow" : "deny"} ${formatRule(rule)}`);
	}
	return {
		op: "cgroup.devices",
		at: pointerTo("/devices"),
		path: directory,
		program: compileDeviceProgram(rules),
		rules: lines,
	};
}
