/** Statistics of the v1 controllers. */
import { blkioEntries, count, keyed, linesOf, numberList, unlessZero, unlimited } from "./parse.js";
import { rdmaStats } from "./rdma.js";
import type {
	BlkioStats,
	BlkioTable,
	CgroupFiles,
	CpuStats,
	CpusetStats,
	HugetlbStats,
	MemoryEntry,
	MemoryStats,
	PidsStats,
	Stats,
} from "./types.js";

export function statsV1(files: CgroupFiles): Omit<Stats, "intel_rdt" | "network_interfaces"> {
	return {
		cpu: cpu(files),
		cpuset: cpuset(files),
		memory: memory(files),
		pids: pids(files),
		blkio: blkio(files),
		hugetlb: hugetlb(files),
		rdma: rdmaStats(files, "rdma"),
	};
}

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture that is supported. */
const nanosecondsInTick = 10_000_000n;

function cpu(files: CgroupFiles): CpuStats {
	const split = keyed(files.read("cpuacct", "cpuacct.stat"));
	const throttled = keyed(files.read("cpu", "cpu.stat"));
	// A line of names, then `CPU USER SYSTEM` for each.
	const each = linesOf(files.read("cpuacct", "cpuacct.usage_all"))
		.slice(1)
		.map((line) => line.split(" "));
	const percpu = (files.read("cpuacct", "cpuacct.usage_percpu") ?? "").split(/\s+/).filter(Boolean).map(BigInt);
	return {
		usage: {
			total: unlessZero(count(files.read("cpuacct", "cpuacct.usage"))),
			percpu: unlessEmpty(percpu),
			percpu_kernel: unlessEmpty(each.map(([, , system]) => count(system))),
			percpu_user: unlessEmpty(each.map(([, user]) => count(user))),
			kernel: (split.system ?? 0n) * nanosecondsInTick,
			user: (split.user ?? 0n) * nanosecondsInTick,
		},
		throttling: {
			periods: unlessZero(throttled.nr_periods),
			throttledPeriods: unlessZero(throttled.nr_throttled),
			throttledTime: unlessZero(throttled.throttled_time),
		},
	};
}

function unlessEmpty<Item>(list: Item[]): Item[] | undefined {
	return list.length === 0 ? undefined : list;
}

function cpuset(files: CgroupFiles): CpusetStats {
	const number = (name: string): bigint => count(files.read("cpuset", `cpuset.${name}`));
	return {
		cpus: numberList(files.read("cpuset", "cpuset.cpus")),
		cpu_exclusive: number("cpu_exclusive"),
		mems: numberList(files.read("cpuset", "cpuset.mems")),
		mem_hardwall: number("mem_hardwall"),
		mem_exclusive: number("mem_exclusive"),
		memory_migrate: number("memory_migrate"),
		memory_spread_page: number("memory_spread_page"),
		memory_spread_slab: number("memory_spread_slab"),
		memory_pressure: number("memory_pressure"),
		sched_load_balance: number("sched_load_balance"),
		sched_relax_domain_level: number("sched_relax_domain_level"),
	};
}

function memory(files: CgroupFiles): MemoryStats {
	const raw = keyed(files.read("memory", "memory.stat"));
	const entry = (name: string): MemoryEntry => {
		const value = (end: string): bigint => count(files.read("memory", `memory.${name}${end}`));
		return {
			limit: value("limit_in_bytes"),
			usage: unlessZero(value("usage_in_bytes")),
			max: unlessZero(value("max_usage_in_bytes")),
			failcnt: value("failcnt"),
		};
	};
	return {
		cache: unlessZero(raw.cache),
		usage: entry(""),
		swap: entry("memsw."),
		kernel: entry("kmem."),
		kernelTCP: entry("kmem.tcp."),
		raw: Object.keys(raw).length === 0 ? undefined : raw,
	};
}

function pids(files: CgroupFiles): PidsStats {
	const limit = count(files.read("pids", "pids.max"));
	return {
		current: unlessZero(count(files.read("pids", "pids.current"))),
		limit: limit === unlimited ? undefined : unlessZero(limit),
	};
}

/**
 * Accounting belongs to the scheduler of a device or to throttling; the first group that has something counts. Most
 * of bfq's files are there only with CONFIG_BFQ_CGROUP_DEBUG.
 */
const bfq: readonly (readonly [BlkioTable, string])[] = [
	["ioServiceBytesRecursive", "blkio.bfq.io_service_bytes_recursive"],
	["ioServicedRecursive", "blkio.bfq.io_serviced_recursive"],
	["ioQueueRecursive", "blkio.bfq.io_queued_recursive"],
	["ioServiceTimeRecursive", "blkio.bfq.io_service_time_recursive"],
	["ioWaitTimeRecursive", "blkio.bfq.io_wait_time_recursive"],
	["ioMergedRecursive", "blkio.bfq.io_merged_recursive"],
	["ioTimeRecursive", "blkio.bfq.time_recursive"],
	["sectorsRecursive", "blkio.bfq.sectors_recursive"],
];
const throttle: readonly (readonly [BlkioTable, string])[] = [
	["ioServiceBytesRecursive", "blkio.throttle.io_service_bytes_recursive"],
	["ioServicedRecursive", "blkio.throttle.io_serviced_recursive"],
];

function blkio(files: CgroupFiles): BlkioStats {
	for (const group of [bfq, throttle]) {
		const stats: BlkioStats = {};
		for (const [table, file] of group) {
			const entries = blkioEntries(files.read("blkio", file) ?? "");
			if (entries.length > 0) stats[table] = entries;
		}
		if (Object.keys(stats).length > 0) return stats;
	}
	return {};
}

function hugetlb(files: CgroupFiles): Record<string, HugetlbStats> {
	const stats: Record<string, HugetlbStats> = {};
	for (const name of files.names("hugetlb").sort()) {
		const size = /^hugetlb\.(\w+)\.usage_in_bytes$/.exec(name)?.[1];
		if (size === undefined) continue;
		// What is reserved is what the limits are for, since Linux 5.7.
		const reserved = files.read("hugetlb", `hugetlb.${size}.rsvd.usage_in_bytes`) === undefined ? "" : ".rsvd";
		const value = (end: string): bigint => count(files.read("hugetlb", `hugetlb.${size}${reserved}.${end}`));
		stats[size] = {
			usage: unlessZero(value("usage_in_bytes")),
			max: unlessZero(value("max_usage_in_bytes")),
			failcnt: value("failcnt"),
		};
	}
	return stats;
}
