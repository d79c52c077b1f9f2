import t from "tap";
import { intelRdtStats } from "../../src/cgroup/stats/intel-rdt.js";
import { networkStats } from "../../src/cgroup/stats/network.js";
import type { CgroupFiles } from "../../src/cgroup/stats/types.js";
import { statsV1 } from "../../src/cgroup/stats/v1.js";
import { statsV2 } from "../../src/cgroup/stats/v2.js";

type Texts = Record<string, string>;

/** Files by `controller/name`, or by name on v2. */
function filesOf(texts: Texts): CgroupFiles {
	const key = (controller: string, file: string): string => (controller === "" ? file : `${controller}/${file}`);
	return {
		read: (controller, file) => texts[key(controller, file)],
		names: (controller) =>
			Object.keys(texts)
				.filter((name) => name.startsWith(key(controller, "")))
				.map((name) => name.slice(name.indexOf("/") + 1)),
	};
}

/** Without what is undefined, as it is printed. */
function shown(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(shown);
	if (typeof value !== "object" || value === null) return value;
	const fields = Object.entries(value).filter(([, field]) => field !== undefined);
	return Object.fromEntries(fields.map(([name, field]) => [name, shown(field)]));
}

const unlimited = 18446744073709551615n;

t.test("v1: every field", async (t) => {
	const stats = statsV1(
		filesOf({
			"cpuacct/cpuacct.usage": "18446744073709551614\n",
			"cpuacct/cpuacct.usage_percpu": "10 20 \n",
			"cpuacct/cpuacct.usage_all": "cpu user system\n0 7 3\n1 15 5\n",
			"cpuacct/cpuacct.stat": "user 12\nsystem 34\n",
			"cpu/cpu.stat": "nr_periods 5\nnr_throttled 2\nthrottled_time 900719925474099300\nnr_bursts 0\n",
			"cpuset/cpuset.cpus": "0-2,4\n",
			"cpuset/cpuset.mems": "0\n",
			"cpuset/cpuset.cpu_exclusive": "1\n",
			"cpuset/cpuset.sched_load_balance": "1\n",
			"cpuset/cpuset.sched_relax_domain_level": "-1\n",
			"memory/memory.stat": "cache 4096\nrss 8192\n",
			"memory/memory.limit_in_bytes": "9223372036854771712\n",
			"memory/memory.usage_in_bytes": "100\n",
			"memory/memory.max_usage_in_bytes": "200\n",
			"memory/memory.failcnt": "3\n",
			"memory/memory.memsw.limit_in_bytes": "5\n",
			"memory/memory.memsw.failcnt": "0\n",
			"memory/memory.kmem.usage_in_bytes": "6\n",
			"memory/memory.kmem.tcp.usage_in_bytes": "7\n",
			"pids/pids.current": "4\n",
			"pids/pids.max": "33\n",
			"blkio/blkio.bfq.io_serviced_recursive": "Total 0\n",
			"blkio/blkio.throttle.io_service_bytes_recursive": "8:16 Read 4096\n8:16 Total 4096\nTotal 4096\n",
			"blkio/blkio.throttle.io_serviced_recursive": "8:16 Read 1\nTotal 1\n",
			"hugetlb/hugetlb.2MB.usage_in_bytes": "1\n",
			"hugetlb/hugetlb.2MB.rsvd.usage_in_bytes": "2097152\n",
			"hugetlb/hugetlb.2MB.rsvd.max_usage_in_bytes": "4194304\n",
			"hugetlb/hugetlb.2MB.rsvd.failcnt": "9\n",
			"hugetlb/hugetlb.1GB.usage_in_bytes": "0\n",
			"hugetlb/hugetlb.1GB.failcnt": "0\n",
			"rdma/rdma.max": "mlx5_0 hca_handle=2 hca_object=max\n",
			"rdma/rdma.current": "mlx5_0 hca_handle=1 hca_object=0\n",
		}),
	);
	const flags = {
		mem_hardwall: 0n,
		mem_exclusive: 0n,
		memory_migrate: 0n,
		memory_spread_page: 0n,
		memory_spread_slab: 0n,
		memory_pressure: 0n,
	};
	t.strictSame(shown(stats), {
		cpu: {
			usage: {
				total: 18446744073709551614n,
				percpu: [10n, 20n],
				percpu_kernel: [3n, 5n],
				percpu_user: [7n, 15n],
				kernel: 340_000_000n,
				user: 120_000_000n,
			},
			throttling: { periods: 5n, throttledPeriods: 2n, throttledTime: 900719925474099300n },
		},
		cpuset: {
			cpus: [0, 1, 2, 4],
			cpu_exclusive: 1n,
			mems: [0],
			...flags,
			sched_load_balance: 1n,
			sched_relax_domain_level: -1n,
		},
		memory: {
			cache: 4096n,
			usage: { limit: 9223372036854771712n, usage: 100n, max: 200n, failcnt: 3n },
			swap: { limit: 5n, failcnt: 0n },
			kernel: { limit: 0n, usage: 6n, failcnt: 0n },
			kernelTCP: { limit: 0n, usage: 7n, failcnt: 0n },
			raw: { cache: 4096n, rss: 8192n },
		},
		pids: { current: 4n, limit: 33n },
		blkio: {
			ioServiceBytesRecursive: [
				{ major: 8n, minor: 16n, op: "Read", value: 4096n },
				{ major: 8n, minor: 16n, op: "Total", value: 4096n },
			],
			ioServicedRecursive: [{ major: 8n, minor: 16n, op: "Read", value: 1n }],
		},
		hugetlb: { "1GB": { failcnt: 0n }, "2MB": { usage: 2097152n, max: 4194304n, failcnt: 9n } },
		rdma: {
			rdma_limit: [{ device: "mlx5_0", hca_handles: 2n, hca_objects: 4294967295n }],
			rdma_current: [{ device: "mlx5_0", hca_handles: 1n, hca_objects: 0n }],
		},
	});
});

t.test("v1: bfq's own accounting comes first, all of it where the kernel has it", async (t) => {
	const { blkio } = statsV1(
		filesOf({
			"blkio/blkio.bfq.io_service_bytes_recursive": "8:0 Read 1\n",
			"blkio/blkio.bfq.sectors_recursive": "8:0 2\n",
			"blkio/blkio.bfq.io_queued_recursive": "8:0 Write 3\n",
			"blkio/blkio.throttle.io_service_bytes_recursive": "8:0 Read 4\n",
		}),
	);
	t.strictSame(shown(blkio), {
		ioServiceBytesRecursive: [{ major: 8n, op: "Read", value: 1n }],
		ioQueueRecursive: [{ major: 8n, op: "Write", value: 3n }],
		sectorsRecursive: [{ major: 8n, value: 2n }],
	});
});

t.test("v2: every field, under v1's names", async (t) => {
	const stats = statsV2(
		filesOf({
			"cpu.stat":
				"usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 4\nnr_throttled 3\nthrottled_usec 18014398509481984\n",
			"cpu.pressure":
				"some avg10=1.50 avg60=0.20 avg300=0.00 total=9007199254740993\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
			"cpuset.cpus.effective": "1,3\n",
			"cpuset.mems.effective": "0\n",
			"memory.stat": "anon 1\nfile 4096\n",
			"memory.current": "1000\n",
			"memory.max": "max\n",
			"memory.peak": "2000\n",
			"memory.swap.current": "50\n",
			"memory.swap.max": "100\n",
			"pids.current": "2\n",
			"pids.max": "max\n",
			"io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0\n",
			"hugetlb.2MB.current": "1\n",
			"hugetlb.2MB.rsvd.current": "2097152\n",
			"hugetlb.2MB.events": "max 5\n",
		}),
	);
	const { cpuset, ...rest } = shown(stats) as { cpuset: Record<string, unknown> };
	t.match(cpuset, { cpus: [1, 3], mems: [0] });
	const none = { limit: 0n, failcnt: 0n };
	t.strictSame(rest, {
		cpu: {
			usage: { total: 30_000n, kernel: 20_000n, user: 10_000n },
			throttling: { periods: 4n, throttledPeriods: 3n, throttledTime: 18014398509481984000n },
			psi: {
				some: { avg10: 1.5, avg60: 0.2, avg300: 0, total: 9007199254740993n },
				full: { avg10: 0, avg60: 0, avg300: 0, total: 7n },
			},
		},
		memory: {
			cache: 4096n,
			usage: { limit: unlimited, usage: 1000n, max: 2000n, failcnt: 0n },
			swap: { limit: unlimited, usage: 1050n, failcnt: 0n },
			kernel: none,
			kernelTCP: none,
			raw: { anon: 1n, file: 4096n },
		},
		pids: { current: 2n },
		blkio: {
			ioServiceBytesRecursive: [
				{ major: 8n, minor: 16n, op: "Read", value: 1n },
				{ major: 8n, minor: 16n, op: "Write", value: 2n },
			],
			ioServicedRecursive: [
				{ major: 8n, minor: 16n, op: "Read", value: 3n },
				{ major: 8n, minor: 16n, op: "Write", value: 4n },
			],
		},
		hugetlb: { "2MB": { usage: 2097152n, failcnt: 5n } },
	});
});

t.test("v2: swap's limit is that of both together; without the pids controller processes are counted", async (t) => {
	const stats = statsV2(
		filesOf({ "memory.current": "1\n", "memory.max": "30\n", "memory.swap.max": "12\n", "cgroup.procs": "5\n6\n" }),
	);
	t.equal(stats.memory.swap.limit, 42n);
	t.equal(stats.pids.current, 2n);
	t.equal(statsV2(filesOf({ "cgroup.threads": "5\n6\n7\n" })).pids.current, 3n, "a threaded cgroup");
});

t.test("a host that counts nothing", async (t) => {
	for (const stats of [statsV1(filesOf({})), statsV2(filesOf({}))]) {
		t.match(shown(stats), { pids: {}, blkio: {}, hugetlb: {}, memory: { usage: { limit: 0n, failcnt: 0n } } });
		t.equal(stats.rdma, undefined);
		t.equal(stats.memory.raw, undefined);
		t.equal(stats.cpu.psi, undefined);
	}
});

t.test("network devices but the loopback", async (t) => {
	const heading = "Inter-|   Receive                |  Transmit\n face |bytes    packets errs | bytes\n";
	const loopback =
		"    lo:       9    1    0    0    0     0          0         0        9       1    0    0    0     0       0          0\n";
	t.equal(networkStats(undefined), null);
	t.equal(networkStats(heading + loopback), null);
	t.strictSame(networkStats(`${heading}${loopback}  eth0:18446744073709551615 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n`), [
		{
			Name: "eth0",
			RxBytes: unlimited,
			RxPackets: 2n,
			RxErrors: 3n,
			RxDropped: 4n,
			TxBytes: 5n,
			TxPackets: 6n,
			TxErrors: 7n,
			TxDropped: 8n,
		},
	]);
});

t.test("resctrl: a group of the container's own, and one with monitoring", async (t) => {
	const texts: Texts = {
		"/info/L3/cbm_mask": "fffff\n",
		"/info/L3/min_cbm_bits": "1\n",
		"/info/L3/num_closids": "16\n",
		"/info/MB/bandwidth_gran": "10\n",
		"/info/MB/delay_linear": "1\n",
		"/info/MB/min_bandwidth": "10\n",
		"/info/MB/num_closids": "8\n",
		"/info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n",
		"/schemata": "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n",
		"/web/schemata": "    MB:0=20;1=70\n    L3:0=f;1=f0\n",
		"/web/mon_groups/web/mon_data/mon_L3_00/llc_occupancy": "4096\n",
		"/web/mon_groups/web/mon_data/mon_L3_00/mbm_total_bytes": "9007199254740993\n",
		"/web/mon_groups/web/mon_data/mon_L3_00/mbm_local_bytes": "2\n",
		"/web/mon_groups/web/mon_data/mon_L3_01/llc_occupancy": "8192\n",
	};
	const files = {
		read: (path: string) => texts[path],
		directories: (path: string) => (path === "/web/mon_groups/web/mon_data" ? ["mon_L3_01", "mon_L3_00"] : []),
	};
	t.strictSame(shown(intelRdtStats(files, { group: "/web", monitor: "/web/mon_groups/web" })), {
		l3_cache_info: { cbm_mask: "fffff", min_cbm_bits: 1n, num_closids: 16n },
		l3_cache_schema_root: "L3:0=fffff;1=fffff",
		l3_cache_schema: "L3:0=f;1=f0",
		mem_bw_info: { bandwidth_gran: 10n, delay_linear: 1n, min_bandwidth: 10n, num_closids: 8n },
		mem_bw_schema_root: "MB:0=100;1=100",
		mem_bw_schema: "MB:0=20;1=70",
		mbm_stats: [
			{ mbm_total_bytes: 9007199254740993n, mbm_local_bytes: 2n },
			{ mbm_total_bytes: 0n, mbm_local_bytes: 0n },
		],
		cmt_stats: [{ llc_occupancy: 4096n }, { llc_occupancy: 8192n }],
	});
	t.strictSame(shown(intelRdtStats({ read: () => undefined, directories: () => [] }, { group: "", monitor: "" })), {});
});
