/** linux.resources as control files of the v1 controllers. */
import type { HostStep } from "../plan/schema.js";
import { deviceList, takesBack, transition } from "./device-list.js";
import { compileDeviceRules, type DeviceRule, formatRule, isTotal } from "./device-rules.js";
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

export function writeV1(resources: Resources, ociVersion: string, target: CgroupTarget, devices: boolean): void {
	if (resources.unified && Object.keys(resources.unified).length > 0) {
		refuseConversion("/unified", "unified resources are files of cgroup v2, and this host has cgroup v1");
	}
	writeMemory(resources, target);
	writeCpu(resources, target);
	writeCpuset(resources, target);
	const pids = pidsLimit(resources, ociVersion, target.saved !== undefined);
	if (pids !== undefined) target.write("pids", "/pids/limit", "pids.max", pids);
	if (resources.blockIO) writeBlockIo(resources.blockIO, target);
	if (resources.hugepageLimits) writeHugePages(resources.hugepageLimits, target);
	if (resources.network) writeNetwork(resources.network, target);
	if (resources.rdma) writeRdma(resources, target);
	if (devices) writeDevices(resources, target);
}

function writeMemory(resources: Resources, target: CgroupTarget): void {
	const { memory } = resources;
	if (memory === undefined) return;
	const bytes = limit(memory.limit);
	// No limit for memory alone is none for both, as with runc: memsw can't be the lower of the two.
	const swap = limit(memory.swap) ?? (bytes === -1n ? -1n : undefined);
	const reservation = limit(memory.reservation);
	checkMemoryUse(resources, target, "memory.usage_in_bytes");
	// Without swap accounting there is no such file, and nothing to unlimit.
	const unlimited = () => target.write("memory", "/memory/swap", "memory.memsw.limit_in_bytes", "-1", ifThere);
	// Memsw may not be below the limit: the other way round where it is to become so. A new cgroup has neither; one that
	// an engine made before may have a lower memsw, which goes first.
	const lifts = target.saved === undefined && bytes !== undefined && swap !== undefined;
	if (lifts) unlimited();
	if (bytes !== undefined) target.write("memory", "/memory/limit", "memory.limit_in_bytes", String(bytes));
	if (swap !== undefined && swap !== -1n)
		target.write("memory", "/memory/swap", "memory.memsw.limit_in_bytes", String(swap));
	else if (swap !== undefined && !lifts) unlimited();
	if (reservation !== undefined)
		target.write("memory", "/memory/reservation", "memory.soft_limit_in_bytes", String(reservation));
	const kernelTcp = limit(memory.kernelTCP);
	if (kernelTcp !== undefined)
		target.write("memory", "/memory/kernelTCP", "memory.kmem.tcp.limit_in_bytes", String(kernelTcp));
	// Zero is a value here: never swap. Above 100 it means "unset" to Docker (-1 as an unsigned number).
	const swappiness = memory.swappiness;
	if (swappiness !== undefined && BigInt(swappiness) <= 100n) {
		target.write("memory", "/memory/swappiness", "memory.swappiness", String(swappiness));
	}
	const { disableOOMKiller } = memory;
	if (disableOOMKiller || (disableOOMKiller === false && target.saved?.memory?.disableOOMKiller))
		target.write("memory", "/memory/disableOOMKiller", "memory.oom_control", disableOOMKiller ? "1" : "0");
}

function writeCpu({ cpu }: Resources, target: CgroupTarget): void {
	if (cpu === undefined) return;
	writeShares(cpu, target, (shares) => target.write("cpu", "/cpu/shares", "cpu.shares", String(shares)));
	const period = limit(cpu.period);
	const quota = limit(cpu.quota);
	const burst = limit(cpu.burst);
	if (period !== undefined) target.write("cpu", "/cpu/period", "cpu.cfs_period_us", String(period));
	if (quota !== undefined) target.write("cpu", "/cpu/quota", "cpu.cfs_quota_us", String(quota));
	// May not exceed the quota, so the quota comes first.
	if (burst !== undefined) target.write("cpu", "/cpu/burst", "cpu.cfs_burst_us", String(burst));
	else if (cpu.burst !== undefined && target.saved) target.write("cpu", "/cpu/burst", "cpu.cfs_burst_us", "0", ifThere);
	// Without a budget a cgroup takes no real-time process in (EINVAL), so this is here, before anybody joins. A child's
	// comes out of its parent's, which is the business of whoever made the parent, as with runc and dockerd.
	const realtimePeriod = limit(cpu.realtimePeriod);
	const realtimeRuntime = limit(cpu.realtimeRuntime);
	if (realtimePeriod !== undefined)
		target.write("cpu", "/cpu/realtimePeriod", "cpu.rt_period_us", String(realtimePeriod));
	if (realtimeRuntime !== undefined)
		target.write("cpu", "/cpu/realtimeRuntime", "cpu.rt_runtime_us", String(realtimeRuntime));
}

function writeCpuset({ cpu }: Resources, target: CgroupTarget): void {
	if (cpu?.cpus) target.write("cpuset", "/cpu/cpus", "cpuset.cpus", cpu.cpus);
	if (cpu?.mems) target.write("cpuset", "/cpu/mems", "cpuset.mems", cpu.mems);
}

function writeHugePages(limits: NonNullable<Resources["hugepageLimits"]>, target: CgroupTarget): void {
	for (let index = 0; index < limits.length; index++) {
		const { pageSize, limit: size } = limits[index] as (typeof limits)[number];
		const at = `/hugepageLimits/${index}`;
		// Counts reservations, so that a program fails in mmap(2) instead of by SIGBUS at a page fault; Linux 5.7. Page
		// faults are limited as well: a mapping with MAP_NORESERVE reserves nothing.
		target.write("hugetlb", at, `hugetlb.${pageSize}.rsvd.limit_in_bytes`, String(size), ifThere);
		target.write("hugetlb", at, `hugetlb.${pageSize}.limit_in_bytes`, String(size));
	}
}

const throttles = [
	"throttleReadBpsDevice",
	"throttleWriteBpsDevice",
	"throttleReadIOPSDevice",
	"throttleWriteIOPSDevice",
] as const;
const throttleFiles = ["read_bps_device", "write_bps_device", "read_iops_device", "write_iops_device"] as const;

/** Indexed loops, as engines send blockIO with empty lists for every container. */
function writeBlockIo(blockIO: NonNullable<Resources["blockIO"]>, target: CgroupTarget): void {
	// BFQ is the only scheduler with weights since CFQ went in Linux 5.0; `blkio.weight` was CFQ's.
	const weight = limit(blockIO.weight);
	if (weight !== undefined) target.write("blkio", "/blockIO/weight", "blkio.bfq.weight", String(weight));
	const weights = blockIO.weightDevice ?? [];
	for (let index = 0; index < weights.length; index++) {
		const { major, minor, weight } = weights[index] as (typeof weights)[number];
		if (limit(weight) === undefined) continue;
		const at = `/blockIO/weightDevice/${index}`;
		target.write("blkio", at, "blkio.bfq.weight_device", `${major}:${minor} ${weight}`);
	}
	for (let kind = 0; kind < throttles.length; kind++) {
		const list = throttles[kind] as (typeof throttles)[number];
		const entries = blockIO[list] ?? [];
		for (let index = 0; index < entries.length; index++) {
			const { major, minor, rate } = entries[index] as (typeof entries)[number];
			target.write(
				"blkio",
				`/blockIO/${list}/${index}`,
				`blkio.throttle.${throttleFiles[kind]}`,
				`${major}:${minor} ${rate}`,
			);
		}
	}
}

function writeNetwork({ classID, priorities = [] }: NonNullable<Resources["network"]>, target: CgroupTarget): void {
	const id = limit(classID);
	if (id !== undefined) target.write("net_cls", "/network/classID", "net_cls.classid", String(id));
	for (const [index, { name, priority }] of priorities.entries()) {
		// The kernel looks for the interface in the writer's network namespace: the host's.
		target.write("net_prio", `/network/priorities/${index}`, "net_prio.ifpriomap", `${name} ${priority}`);
	}
}

function writeDevices({ devices }: Resources, target: CgroupTarget): void {
	const rules = compileDeviceRules(devices);
	const directory = target.directory("devices", pointerTo("/devices"));
	if (takesBack(rules)) {
		writeList(rules, directory, target.steps);
		return;
	}
	for (let index = 0; index < rules.length; index++) writeRule(rules[index] as DeviceRule, directory, target.steps);
}

function writeList(rules: DeviceRule[], directory: string, steps: HostStep[]): void {
	const list = deviceList(rules);
	const writes = transition({ allow: !list.allow, exceptions: {} }, list);
	for (const { allow, value } of writes) {
		const path = `${directory}/${allow ? "devices.allow" : "devices.deny"}`;
		steps.push({ op: "cgroup.write", at: pointerTo("/devices"), path, value });
	}
}

function writeRule(rule: DeviceRule, directory: string, steps: HostStep[]): void {
	const at = pointerTo(rule.at ?? "/devices");
	const path = `${directory}/${rule.allow ? "devices.allow" : "devices.deny"}`;
	if (isTotal(rule)) {
		steps.push({ op: "cgroup.write", at, path, value: "a" });
	} else if (rule.type !== "a") {
		steps.push({ op: "cgroup.write", at, path, value: formatRule(rule) });
	} else {
		// "a" is both types and takes no numbers: where there are some, it has to be said for each type.
		steps.push({ op: "cgroup.write", at, path, value: formatRule({ ...rule, type: "b" }) });
		steps.push({ op: "cgroup.write", at, path, value: formatRule({ ...rule, type: "c" }) });
	}
}
