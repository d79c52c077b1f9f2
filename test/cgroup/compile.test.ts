import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { compileCgroup } from "../../src/cgroup/compile.js";
import type { CgroupLayout } from "../../src/cgroup/layout.js";
import { sharesToWeight } from "../../src/cgroup/v2.js";
import { toIoWeight } from "../../src/cgroup/v2-io.js";
import { hostStep } from "../../src/plan/schema.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const v1: CgroupLayout = {
	mode: "v1",
	v1: ["cpu,cpuacct", "cpuset", "memory", "devices", "pids", "blkio", "hugetlb", "net_cls,net_prio", "rdma"].map(
		(name) => ({
			controllers: name.split(","),
			path: `/v1/${name}`,
			root: "/",
		}),
	),
};
const v2: CgroupLayout = { mode: "v2", v1: [], unified: "/v2" };

function compile(
	layout: CgroupLayout,
	resources: Resources,
	{ ociVersion = "1.3.0", privileged = true, cgroupsPath = "/p" } = {},
) {
	const spec: Spec = {
		ociVersion,
		root: { path: "r" },
		process: { args: ["x"], cwd: "/" },
		linux: { resources, cgroupsPath },
	};
	const plan = compileCgroup({ id: "c1", spec, layout, privileged });
	for (const step of plan.host) if (!hostStep.safeParse(step).success) t.fail("does not fit the schema", { step });
	return plan;
}

/** `file=value` of each write, devices left out. */
function writes(layout: CgroupLayout, resources: Resources, options = {}): string[] {
	return compile(layout, resources, options).host.flatMap((step) =>
		step.op === "cgroup.write" && !step.path.includes("/devices.")
			? [
					`${step.path}=${step.value}${step.optional ? " (optional)" : ""}${step.instead ? `, or ${step.instead.path}=${step.instead.value}` : ""}`,
				]
			: [],
	);
}

t.test("hybrid is as v1: limits never go to the v2 hierarchy, which has no controllers", async (t) => {
	const hybrid: CgroupLayout = { ...v1, mode: "hybrid", unified: "/v2" };
	t.strictSame(compile(hybrid, { pids: { limit: 7 } }), compile(v1, { pids: { limit: 7 } }));
	const none: CgroupLayout = { ...hybrid, v1: hybrid.v1.filter(({ controllers }) => !controllers.includes("pids")) };
	t.throws(() => compile(none, { pids: { limit: 7 } }), /controller "pids" is not mounted/);
});

t.test("v1: a directory in each hierarchy; cpuset is filled before anybody enters it", async (t) => {
	const { cgroups, host } = compile(v1, {});
	t.strictSame(
		cgroups,
		v1.v1.map(({ controllers, path }) => ({ controller: controllers.join(), path: `${path}/p` })),
	);
	t.equal(host.filter(({ op }) => op === "cgroup.create").length, v1.v1.length);
	t.strictSame(
		host.filter(({ op }) => op === "cgroup.inherit"),
		["cpuset.cpus", "cpuset.mems"].map((file) => ({
			op: "cgroup.inherit",
			path: "/v1/cpuset/p",
			file,
			root: "/v1/cpuset",
		})),
	);
});

t.test("v2: one directory", async (t) => {
	const { cgroups, host } = compile(v2, {});
	t.strictSame(cgroups, [{ controller: "", path: "/v2/p" }]);
	t.match(host[0], { op: "cgroup.create", path: "/v2/p", v2: true });
	t.match(host[1], { op: "cgroup.devices", path: "/v2/p" });
	t.equal(host.length, 2);
});

const memory = "/v1/memory/p/memory";
const cpu = "/v1/cpu,cpuacct/p/cpu";
const limits: [string, Resources, string[], string[]][] = [
	["memory", { memory: { limit: 1048576 } }, [`${memory}.limit_in_bytes=1048576`], ["/v2/p/memory.max=1048576"]],
	[
		"no memory limit is none for swap either",
		{ memory: { limit: -1 } },
		[`${memory}.memsw.limit_in_bytes=-1 (optional)`, `${memory}.limit_in_bytes=-1`],
		["/v2/p/memory.max=max", "/v2/p/memory.swap.max=max (optional)"],
	],
	[
		"no swap at all",
		{ memory: { limit: 100, swap: 100 } },
		[
			`${memory}.memsw.limit_in_bytes=-1 (optional)`,
			`${memory}.limit_in_bytes=100`,
			`${memory}.memsw.limit_in_bytes=100`,
		],
		["/v2/p/memory.max=100", "/v2/p/memory.swap.max=0 (optional)"],
	],
	[
		"memory and swap",
		{ memory: { limit: 100, swap: 150, reservation: 50 } },
		[
			`${memory}.memsw.limit_in_bytes=-1 (optional)`,
			`${memory}.limit_in_bytes=100`,
			`${memory}.memsw.limit_in_bytes=150`,
			`${memory}.soft_limit_in_bytes=50`,
		],
		["/v2/p/memory.max=100", "/v2/p/memory.swap.max=50", "/v2/p/memory.low=50"],
	],
	[
		"any swap",
		{ memory: { limit: 100, swap: -1 } },
		[`${memory}.memsw.limit_in_bytes=-1 (optional)`, `${memory}.limit_in_bytes=100`],
		["/v2/p/memory.max=100", "/v2/p/memory.swap.max=max (optional)"],
	],
	[
		"above 2^53",
		{ memory: { limit: 9223372036854771712n } },
		[`${memory}.limit_in_bytes=9223372036854771712`],
		["/v2/p/memory.max=9223372036854771712"],
	],
	[
		"cpu",
		{ cpu: { shares: 1024, quota: 50000, period: 100000, burst: 1000, cpus: "0-1", mems: "0" } },
		[
			`${cpu}.shares=1024`,
			`${cpu}.cfs_period_us=100000`,
			`${cpu}.cfs_quota_us=50000`,
			`${cpu}.cfs_burst_us=1000`,
			"/v1/cpuset/p/cpuset.cpus=0-1",
			"/v1/cpuset/p/cpuset.mems=0",
		],
		[
			"/v2/p/cpu.weight=100",
			"/v2/p/cpu.max=50000 100000",
			"/v2/p/cpu.max.burst=1000",
			"/v2/p/cpuset.cpus=0-1",
			"/v2/p/cpuset.mems=0",
		],
	],
	["no quota", { cpu: { quota: -1 } }, [`${cpu}.cfs_quota_us=-1`], ["/v2/p/cpu.max=max 100000"]],
	["period alone", { cpu: { period: 50000 } }, [`${cpu}.cfs_period_us=50000`], ["/v2/p/cpu.max=max 50000"]],
	[
		"idle",
		{ cpu: { shares: 2, idle: 1 } },
		[`${cpu}.shares=2`, `${cpu}.idle=1`],
		["/v2/p/cpu.weight=1", "/v2/p/cpu.idle=1"],
	],
	["pids", { pids: { limit: 5 } }, ["/v1/pids/p/pids.max=5"], ["/v2/p/pids.max=5"]],
	["any pids", { pids: { limit: -1 } }, ["/v1/pids/p/pids.max=max"], ["/v2/p/pids.max=max"]],
	["no pids at all", { pids: { limit: 0 } }, ["/v1/pids/p/pids.max=0"], ["/v2/p/pids.max=0"]],
	[
		"throttling",
		{
			blockIO: {
				throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 7 }],
				throttleWriteIOPSDevice: [{ major: 8, minor: 1, rate: 0 }],
			},
		},
		["/v1/blkio/p/blkio.throttle.read_bps_device=8:0 7", "/v1/blkio/p/blkio.throttle.write_iops_device=8:1 0"],
		["/v2/p/io.max=8:0 rbps=7", "/v2/p/io.max=8:1 wiops=max"],
	],
	[
		"weights of block I/O: BFQ's on v1, which v2 has too where the kernel has it",
		{ blockIO: { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 10 }] } },
		["/v1/blkio/p/blkio.bfq.weight=500", "/v1/blkio/p/blkio.bfq.weight_device=8:0 10"],
		["/v2/p/io.bfq.weight=500, or /v2/p/io.weight=4950", "/v2/p/io.bfq.weight=8:0 10, or /v2/p/io.weight=8:0 1"],
	],
	["no kernel memory limit", { memory: { kernel: -1 } }, [], []],
	[
		"huge pages",
		{ hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }] },
		[
			"/v1/hugetlb/p/hugetlb.2MB.rsvd.limit_in_bytes=4194304 (optional)",
			"/v1/hugetlb/p/hugetlb.2MB.limit_in_bytes=4194304",
		],
		["/v2/p/hugetlb.2MB.rsvd.max=4194304 (optional)", "/v2/p/hugetlb.2MB.max=4194304"],
	],
	[
		"what engines send for nothing",
		{
			memory: {
				limit: 0,
				swap: 0,
				reservation: 0,
				kernel: 0,
				disableOOMKiller: false,
				swappiness: 18446744073709551615n,
			},
			cpu: { shares: 0, quota: 0, period: 0, realtimePeriod: 0, realtimeRuntime: 0, cpus: "", mems: "", idle: 0 },
			blockIO: { weight: 0, weightDevice: [], throttleReadBpsDevice: [] },
			hugepageLimits: [],
			network: {},
			rdma: {},
		},
		[],
		[],
	],
	[
		"rdma",
		{ rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaObjects: 1000 } } },
		["/v1/rdma/p/rdma.max=mlx5_1 hca_handle=3 hca_object=10000", "/v1/rdma/p/rdma.max=mlx4_0 hca_object=1000"],
		["/v2/p/rdma.max=mlx5_1 hca_handle=3 hca_object=10000", "/v2/p/rdma.max=mlx4_0 hca_object=1000"],
	],
];

for (const [name, resources, onV1, onV2] of limits) {
	t.test(name, async (t) => {
		t.strictSame(writes(v1, resources), onV1, "v1");
		t.strictSame(writes(v2, resources), onV2, "v2");
	});
}

t.test("v1 alone", async (t) => {
	t.strictSame(writes(v1, { memory: { swappiness: 0, disableOOMKiller: true, kernelTCP: 5 } }), [
		`${memory}.kmem.tcp.limit_in_bytes=5`,
		`${memory}.swappiness=0`,
		`${memory}.oom_control=1`,
	]);
	t.strictSame(writes(v1, { cpu: { realtimeRuntime: 1000, realtimePeriod: 20000 } }), [
		`${cpu}.rt_period_us=20000`,
		`${cpu}.rt_runtime_us=1000`,
	]);
	t.strictSame(
		writes(v1, { blockIO: { weight: 100, leafWeight: 0, weightDevice: [{ major: 8, minor: 0, weight: 200 }] } }),
		["/v1/blkio/p/blkio.bfq.weight=100", "/v1/blkio/p/blkio.bfq.weight_device=8:0 200"],
	);
	t.strictSame(writes(v1, { network: { classID: 5, priorities: [{ name: "eth0", priority: 3 }] } }), [
		"/v1/net_cls,net_prio/p/net_cls.classid=5",
		"/v1/net_cls,net_prio/p/net_prio.ifpriomap=eth0 3",
	]);
	t.throws(() => compile(v1, { unified: { "memory.high": "1" } }), {
		code: "config.unsupported",
		context: { pointer: "/linux/resources/unified" },
	});
});

t.test("v2 alone", async (t) => {
	t.strictSame(writes(v2, { unified: { "memory.high": "5", "cgroup.type": "threaded" } }), [
		"/v2/p/memory.high=5",
		"/v2/p/cgroup.type=threaded",
	]);
	const refused: [Resources, string][] = [
		[{ memory: { swappiness: 0 } }, "/memory/swappiness"],
		[{ memory: { disableOOMKiller: true } }, "/memory/disableOOMKiller"],
		[{ memory: { kernelTCP: 5 } }, "/memory/kernelTCP"],
		[{ memory: { swap: 5 } }, "/memory/swap"],
		[{ memory: { limit: 6, swap: 5 } }, "/memory/swap"],
		[{ unified: { "../x": "1" } }, "/unified/..~1x"],
	];
	for (const [resources, pointer] of refused) {
		t.throws(
			() => compile(v2, resources),
			{ code: "config.unsupported", context: { pointer: `/linux/resources${pointer}` } },
			pointer,
		);
	}
});

t.test("what the kernel has no means for is refused with its pointer", async (t) => {
	const refused: [Resources, string, CgroupLayout[]][] = [
		[{ memory: { kernel: 1 } }, "/memory/kernel", [v1, v2]],
		[{ memory: { useHierarchy: false } }, "/memory/useHierarchy", [v1, v2]],
		[{ blockIO: { leafWeight: 100 } }, "/blockIO/leafWeight", [v1, v2]],
		[
			{ blockIO: { weightDevice: [{ major: 1, minor: 1, leafWeight: 10 }] } },
			"/blockIO/weightDevice/0/leafWeight",
			[v1, v2],
		],
		[{ cpu: { realtimeRuntime: 1000 } }, "/cpu/realtimeRuntime", [v2]],
		[{ cpu: { realtimePeriod: 1000 } }, "/cpu/realtimePeriod", [v2]],
		[{ blockIO: { weight: 9 } }, "/blockIO/weight", [v2]],
		[{ blockIO: { weightDevice: [{ major: 1, minor: 1, weight: 1001 }] } }, "/blockIO/weightDevice/0/weight", [v2]],
		[{ network: { classID: 5 } }, "/network/classID", [v2]],
		[{ network: { priorities: [{ name: "lo", priority: 1 }] } }, "/network/priorities", [v2]],
	];
	for (const [resources, pointer, layouts] of refused) {
		for (const layout of layouts) {
			t.throws(
				() => compile(layout, resources),
				{ code: "config.unsupported", context: { pointer: `/linux/resources${pointer}` } },
				`${pointer} on ${layout.mode}`,
			);
		}
	}
});

t.test("checkBeforeUpdate looks before anything is written", async (t) => {
	const checks = (layout: CgroupLayout, memory: NonNullable<Resources["memory"]>) =>
		compile(layout, { memory })
			.host.filter(({ op }) => op === "cgroup.check" || op === "cgroup.write")
			.slice(0, 1);
	const at = "/linux/resources/memory/limit";
	const step = { op: "cgroup.check", at, path: `${memory}.usage_in_bytes`, atMost: "4096" };
	t.strictSame(checks(v1, { limit: 4096, checkBeforeUpdate: true }), [step]);
	t.strictSame(checks(v2, { limit: 4096, checkBeforeUpdate: true }), [{ ...step, path: "/v2/p/memory.current" }]);
	for (const limits of [{ limit: 4096 }, { limit: -1, checkBeforeUpdate: true }]) {
		t.match(checks(v1, limits), [{ op: "cgroup.write" }], JSON.stringify(limits));
	}
});

t.test("pids.limit 0 of older documents means no limit", async (t) => {
	for (const ociVersion of ["1.0.2-dev", "1.2.1"]) {
		t.strictSame(writes(v1, { pids: { limit: 0 } }, { ociVersion }), ["/v1/pids/p/pids.max=max"], ociVersion);
	}
	t.strictSame(writes(v1, { pids: { limit: 0 } }, { ociVersion: "1.10.0" }), ["/v1/pids/p/pids.max=0"]);
});

t.test("a limit without its controller is an error", async (t) => {
	const layout: CgroupLayout = { ...v1, v1: v1.v1.filter(({ controllers }) => !controllers.includes("memory")) };
	t.throws(() => compile(layout, { memory: { limit: 1 } }), {
		code: "cgroup",
		message: /controller "memory" is not mounted/,
		context: { pointer: "/linux/resources/memory/limit" },
	});
	t.doesNotThrow(() => compile(layout, { memory: { limit: 0 } }));
	const open: CgroupLayout = { ...v1, v1: v1.v1.filter(({ controllers }) => !controllers.includes("devices")) };
	t.throws(() => compile(open, {}), { message: /controller "devices"/ }, "devices are always restricted");
	t.throws(() => compile({ mode: "none", v1: [] }, { pids: { limit: 1 } }), { code: "cgroup" });
	t.strictSame(compile({ mode: "none", v1: [] }, { devices: [{ allow: false }] }).cgroups, []);
});

t.test("rootless", async (t) => {
	const options = { privileged: false, cgroupsPath: "" };
	t.strictSame(compile(v1, { devices: [{ allow: false, access: "rwm" }] }, options), {
		cgroups: [],
		host: [],
		warnings: [],
	});
	t.strictSame(writes(v1, { pids: { limit: 5 } }, options), ["/v1/pids/c1/pids.max=5"], "a limit needs a cgroup");
	const named = compile(v2, { devices: [{ allow: false }] }, { privileged: false });
	t.strictSame(
		named.host.map(({ op }) => op),
		["cgroup.create"],
		"devices can't be restricted",
	);
});

t.test("shares and weights", async (t) => {
	const table: [bigint, number][] = [
		[1n, 1],
		[2n, 1],
		[1024n, 100],
		[262144n, 10000],
		[300000n, 10000],
	];
	for (const [shares, weight] of table) t.equal(sharesToWeight(shares), weight, String(shares));
	t.ok(sharesToWeight(512n) < 100 && sharesToWeight(2048n) > 100);
});

t.test("weights of v1 onto those of io.weight: both ends meet, and a larger one stays larger", async (t) => {
	t.equal(toIoWeight(10n), 1n);
	t.equal(toIoWeight(1000n), 10000n);
	for (let weight = 10n; weight < 1000n; weight++) {
		if (toIoWeight(weight) >= toIoWeight(weight + 1n)) t.fail(`${weight} and ${weight + 1n}`);
	}
});

t.test("shares onto weights: a larger one is never the smaller weight, and all are weights", async (t) => {
	let last = 0;
	for (let shares = 2n; shares <= 262144n; shares += 1n + shares / 64n) {
		const weight = sharesToWeight(shares);
		if (weight < last || weight < 1 || weight > 10000) t.fail(`${shares}: ${weight} after ${last}`);
		last = weight;
	}
	t.ok(last > 9000);
});
