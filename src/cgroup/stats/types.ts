/**
 * What `events` says of a container's use of resources: the document of runc (its types.Stats), whose readers
 * are Go programs with these names. Counters are 64 bits wide, so they are bigints; a field that is undefined is
 * left out, where Go would leave out a zero.
 */

export interface Stats {
	cpu: CpuStats;
	cpuset: CpusetStats;
	memory: MemoryStats;
	pids: PidsStats;
	blkio: BlkioStats;
	/** By page size, as the kernel writes it: `2MB`. */
	hugetlb: Record<string, HugetlbStats>;
	intel_rdt: IntelRdtStats;
	/** What the container has but its loopback; null without a network namespace of its own, or without a device in it. */
	network_interfaces: NetworkStats[] | null;
	/** Not in runc's document; only where the host has an RDMA device. */
	rdma?: RdmaStats | undefined;
}

/** Times in nanoseconds. */
export interface CpuStats {
	usage: {
		total?: bigint | undefined;
		percpu?: bigint[] | undefined;
		percpu_kernel?: bigint[] | undefined;
		percpu_user?: bigint[] | undefined;
		kernel: bigint;
		user: bigint;
	};
	throttling: {
		periods?: bigint | undefined;
		throttledPeriods?: bigint | undefined;
		throttledTime?: bigint | undefined;
	};
	psi?: PressureStats | undefined;
}

/** All but the two lists exist on v1 only, and are 0 on v2, as with runc. */
export interface CpusetStats {
	cpus?: number[] | undefined;
	cpu_exclusive: bigint;
	mems?: number[] | undefined;
	mem_hardwall: bigint;
	mem_exclusive: bigint;
	memory_migrate: bigint;
	memory_spread_page: bigint;
	memory_spread_slab: bigint;
	memory_pressure: bigint;
	sched_load_balance: bigint;
	sched_relax_domain_level: bigint;
}

/** Bytes; no limit is 18446744073709551615 on v2, and the kernel's largest number on v1. */
export interface MemoryEntry {
	limit: bigint;
	usage?: bigint | undefined;
	max?: bigint | undefined;
	failcnt: bigint;
}

export interface MemoryStats {
	cache?: bigint | undefined;
	usage: MemoryEntry;
	/** Memory and swap together. */
	swap: MemoryEntry;
	kernel: MemoryEntry;
	kernelTCP: MemoryEntry;
	/** memory.stat. */
	raw?: Record<string, bigint> | undefined;
	psi?: PressureStats | undefined;
}

export interface PidsStats {
	current?: bigint | undefined;
	/** Undefined without a limit. */
	limit?: bigint | undefined;
}

export interface BlkioEntry {
	major?: bigint | undefined;
	minor?: bigint | undefined;
	op?: string | undefined;
	value?: bigint | undefined;
}

export type BlkioTable =
	| "ioServiceBytesRecursive"
	| "ioServicedRecursive"
	| "ioQueueRecursive"
	| "ioServiceTimeRecursive"
	| "ioWaitTimeRecursive"
	| "ioMergedRecursive"
	| "ioTimeRecursive"
	| "sectorsRecursive";

export type BlkioStats = { [Table in BlkioTable]?: BlkioEntry[] | undefined } & { psi?: PressureStats | undefined };

export interface HugetlbStats {
	usage?: bigint | undefined;
	max?: bigint | undefined;
	failcnt: bigint;
}

/** Percentages over 10, 60 and 300 seconds, and microseconds. */
export interface Pressure {
	avg10: number;
	avg60: number;
	avg300: number;
	total: bigint;
}

export interface PressureStats {
	some: Pressure;
	full: Pressure;
}

export interface RdmaEntry {
	device: string;
	hca_handles: bigint;
	hca_objects: bigint;
}

export interface RdmaStats {
	rdma_limit: RdmaEntry[];
	rdma_current: RdmaEntry[];
}

/** As the container sees it: what it received is Rx. */
export interface NetworkStats {
	Name: string;
	RxBytes: bigint;
	RxPackets: bigint;
	RxErrors: bigint;
	RxDropped: bigint;
	TxBytes: bigint;
	TxPackets: bigint;
	TxErrors: bigint;
	TxDropped: bigint;
}

export interface IntelRdtStats {
	l3_cache_info?: { cbm_mask: string; min_cbm_bits: bigint; num_closids: bigint } | undefined;
	/** Of the root group. */
	l3_cache_schema_root?: string | undefined;
	/** Of the container's group. */
	l3_cache_schema?: string | undefined;
	mem_bw_info?:
		| { bandwidth_gran: bigint; delay_linear: bigint; min_bandwidth: bigint; num_closids: bigint }
		| undefined;
	mem_bw_schema_root?: string | undefined;
	mem_bw_schema?: string | undefined;
	/** One entry a monitoring domain, in the order of their names. */
	mbm_stats?: { mbm_total_bytes: bigint; mbm_local_bytes: bigint }[] | undefined;
	cmt_stats?: { llc_occupancy: bigint }[] | undefined;
}

/** How the files of a container's cgroups are read; the caller knows where they are. */
export interface CgroupFiles {
	/** Undefined where there is no such controller, or no such file. `controller` is "" on v2. */
	read(controller: string, file: string): string | undefined;
	/** Names of the files. */
	names(controller: string): string[];
}
