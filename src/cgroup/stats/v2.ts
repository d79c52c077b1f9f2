/** Statistics of cgroup v2, under the names that v1 gave them. */
import { blkioEntry, count, keyed, linesOf, numberList, pressure, unlessZero, unlimited } from "./parse.js";
import { rdmaStats } from "./rdma.js";
import type {
	BlkioEntry,
	BlkioStats,
	CgroupFiles,
	CpuStats,
	CpusetStats,
	HugetlbStats,
	MemoryEntry,
	MemoryStats,
	PidsStats,
	Stats,
} from "./types.js";

export function statsV2(files: CgroupFiles): Omit<Stats, "intel_rdt" | "network_interfaces"> {
	const read = (file: string): string | undefined => files.read("", file);
	return {
		cpu: cpu(read),
		cpuset: cpuset(read),
		memory: memory(read),
		pids: pids(read),
		blkio: blkio(read),
		hugetlb: hugetlb(files),
		rdma: rdmaStats(files, ""),
	};
}

type Read = (file: string) => string | undefined;

function cpu(read: Read): CpuStats {
	const stat = keyed(read("cpu.stat"));
	const nanoseconds = (microseconds: bigint | undefined): bigint => (microseconds ?? 0n) * 1000n;
	return {
		usage: {
			total: unlessZero(nanoseconds(stat.usage_usec)),
			kernel: nanoseconds(stat.system_usec),
			user: nanoseconds(stat.user_usec),
		},
		throttling: {
			periods: unlessZero(stat.nr_periods),
			throttledPeriods: unlessZero(stat.nr_throttled),
			throttledTime: unlessZero(nanoseconds(stat.throttled_usec)),
		},
		psi: pressure(read("cpu.pressure")),
	};
}

function cpuset(read: Read): CpusetStats {
	return {
		cpus: numberList(read("cpuset.cpus.effective")),
		cpu_exclusive: 0n,
		mems: numberList(read("cpuset.mems.effective")),
		mem_hardwall: 0n,
		mem_exclusive: 0n,
		memory_migrate: 0n,
		memory_spread_page: 0n,
		memory_spread_slab: 0n,
		memory_pressure: 0n,
		sched_load_balance: 0n,
		sched_relax_domain_level: 0n,
	};
}

const nothing: MemoryEntry = { limit: 0n, failcnt: 0n };

/** memory.peak came with Linux 5.19; swap has no files where the kernel does not account for it. */
function memory(read: Read): MemoryStats {
	const raw = keyed(read("memory.stat"));
	const usage = count(read("memory.current"));
	const limit = count(read("memory.max"));
	const swapUsage = count(read("memory.swap.current"));
	const swapLimit = count(read("memory.swap.max"));
	const known = read("memory.current") !== undefined;
	return {
		cache: unlessZero(raw.file),
		usage: known
			? { limit, usage: unlessZero(usage), max: unlessZero(count(read("memory.peak"))), failcnt: 0n }
			: nothing,
		swap: known
			? {
					// As on v1: memory and swap together.
					limit: limit === unlimited || swapLimit === unlimited ? unlimited : limit + swapLimit,
					usage: unlessZero(usage + swapUsage),
					failcnt: 0n,
				}
			: nothing,
		kernel: nothing,
		kernelTCP: nothing,
		raw: Object.keys(raw).length === 0 ? undefined : raw,
		psi: pressure(read("memory.pressure")),
	};
}

function pids(read: Read): PidsStats {
	const current = read("pids.current");
	// Without the controller the processes are counted; a threaded cgroup has only threads.
	const list = () => linesOf(read("cgroup.procs") ?? read("cgroup.threads"));
	const limit = count(read("pids.max"));
	return {
		current: unlessZero(current === undefined ? BigInt(list().length) : count(current)),
		limit: limit === unlimited ? undefined : unlessZero(limit),
	};
}

function blkio(read: Read): BlkioStats {
	const bytes: BlkioEntry[] = [];
	const operations: BlkioEntry[] = [];
	for (const line of linesOf(read("io.stat"))) {
		// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`; a device without I/O may have nothing behind its number.
		const [device = "", ...fields] = line.trim().split(" ");
		const [major, minor] = device.split(":");
		for (const field of fields) {
			const [key, value] = field.split("=");
			if (key === "rbytes") bytes.push(blkioEntry(major, minor, "Read", value));
			else if (key === "wbytes") bytes.push(blkioEntry(major, minor, "Write", value));
			else if (key === "rios") operations.push(blkioEntry(major, minor, "Read", value));
			else if (key === "wios") operations.push(blkioEntry(major, minor, "Write", value));
		}
	}
	return {
		ioServiceBytesRecursive: bytes.length === 0 ? undefined : bytes,
		ioServicedRecursive: operations.length === 0 ? undefined : operations,
		psi: pressure(read("io.pressure")),
	};
}

function hugetlb(files: CgroupFiles): Record<string, HugetlbStats> {
	const stats: Record<string, HugetlbStats> = {};
	for (const name of files.names("").sort()) {
		const size = /^hugetlb\.(\w+)\.current$/.exec(name)?.[1];
		if (size === undefined) continue;
		const usage = files.read("", `hugetlb.${size}.rsvd.current`) ?? files.read("", name);
		stats[size] = {
			usage: unlessZero(count(usage)),
			failcnt: keyed(files.read("", `hugetlb.${size}.events`)).max ?? 0n,
		};
	}
	return stats;
}
