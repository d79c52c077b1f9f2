/** What an update writes, in which order, and how it is taken back. Pure functions: nothing here has a cgroup. */
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { mergeResources } from "../../src/cgroup/merge.js";
import { type Change, orderChanges } from "../../src/cgroup/order.js";
import { restoration } from "../../src/cgroup/restore.js";
import { compileUpdate } from "../../src/cgroup/update.js";
import { hostStep, type Plan } from "../../src/plan/schema.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const v1: Plan["cgroups"] = [
	"cpu",
	"cpuset",
	"memory",
	"devices",
	"pids",
	"blkio",
	"hugetlb",
	"net_cls",
	"net_prio",
].map((controller) => ({ controller, path: `/${controller}` }));
const v2: Plan["cgroups"] = [{ controller: "", path: "/v2" }];

function compile(cgroups: Plan["cgroups"], given: Resources, saved: Resources = {}, ociVersion = "1.3.0") {
	const plan = compileUpdate({ given, saved, cgroups, ociVersion, privileged: true });
	for (const step of [...plan.steps, ...plan.devices, ...plan.devicesBack]) hostStep.parse(step);
	return plan;
}

function writes(cgroups: Plan["cgroups"], given: Resources, saved: Resources = {}, ociVersion = "1.3.0"): string[] {
	return compile(cgroups, given, saved, ociVersion).steps.flatMap((step) =>
		step.op === "cgroup.write" ? [`${step.path}=${step.value}`] : [],
	);
}

t.test("only what is given is written", async (t) => {
	const saved: Resources = { memory: { limit: 100, swap: 200 }, cpu: { shares: 512 }, pids: { limit: 5 } };
	t.strictSame(writes(v1, { pids: { limit: 7 } }, saved), ["/pids/pids.max=7"]);
	t.strictSame(writes(v2, { cpu: { shares: 1024 } }, saved), ["/v2/cpu.weight=100"]);
	t.strictSame(writes(v1, {}, saved), []);
});

t.test("zeros change nothing: docker sends them for everything that its user did not name", async (t) => {
	const docker: Resources = {
		memory: { limit: 0, reservation: 0, kernel: 0, swap: 0 },
		cpu: { shares: 0, quota: 0, period: 0, realtimePeriod: 0, realtimeRuntime: 0, cpus: "", mems: "" },
		blockIO: { weight: 0 },
	};
	const saved: Resources = { memory: { limit: 100 }, cpu: { shares: 512, cpus: "0" }, blockIO: { weight: 300 } };
	for (const cgroups of [v1, v2]) {
		t.strictSame(writes(cgroups, docker, saved), []);
		t.strictSame(compile(cgroups, docker, saved).merged, saved);
	}
	t.strictSame(writes(v1, { pids: { limit: 0 } }, {}, "1.0.2"), [], "so does a zero of pids before 1.3");
	t.strictSame(compile(v1, { pids: { limit: 0 } }, { pids: { limit: 4 } }, "1.0.2").merged, { pids: { limit: 4 } });
	t.strictSame(writes(v1, { pids: { limit: 0 } }), ["/pids/pids.max=0"]);
	t.strictSame(compile(v1, docker).merged, {}, "nor is anything said of it later");
});

t.test("zeros that are values", async (t) => {
	t.strictSame(writes(v1, { memory: { swappiness: 0 } }), ["/memory/memory.swappiness=0"]);
	t.strictSame(writes(v1, { memory: { disableOOMKiller: false } }), [], "it was not disabled");
	t.strictSame(writes(v1, { memory: { disableOOMKiller: false } }, { memory: { disableOOMKiller: true } }), [
		"/memory/memory.oom_control=0",
	]);
	t.strictSame(writes(v1, { cpu: { burst: 0 } }), ["/cpu/cpu.cfs_burst_us=0"]);
	t.strictSame(writes(v2, { cpu: { burst: 0 } }), ["/v2/cpu.max.burst=0"]);
	const idle: Resources = { cpu: { idle: 1, shares: 512 } };
	t.strictSame(writes(v1, { cpu: { idle: 0 } }, idle), ["/cpu/cpu.idle=0", "/cpu/cpu.shares=512"], "idle forgot them");
	t.strictSame(writes(v2, { cpu: { idle: 0 } }), ["/v2/cpu.idle=0"]);
	t.strictSame(writes(v2, { cpu: { idle: 1, shares: 1024 } }), ["/v2/cpu.weight=100", "/v2/cpu.idle=1"]);
});

t.test("v2: one file for two values, which needs the one that is not given", async (t) => {
	const saved: Resources = { cpu: { quota: 5000, period: 50000 }, memory: { limit: 100, swap: 150 } };
	t.strictSame(writes(v2, { cpu: { quota: 9000 } }, saved), ["/v2/cpu.max=9000 50000"]);
	t.strictSame(writes(v2, { cpu: { period: 20000 } }, saved), ["/v2/cpu.max=5000 20000"]);
	t.strictSame(writes(v2, { cpu: { period: 20000 } }), ["/v2/cpu.max=max 20000"]);
	t.strictSame(writes(v2, { memory: { swap: 180 } }, saved), ["/v2/memory.swap.max=80"]);
	t.strictSame(writes(v2, { memory: { limit: 120 } }, saved), ["/v2/memory.max=120", "/v2/memory.swap.max=30"]);
	t.strictSame(writes(v2, { memory: { limit: -1 } }, saved), ["/v2/memory.max=max", "/v2/memory.swap.max=max"]);
	for (const memory of [{ limit: 160 }, { swap: 99 }]) {
		t.throws(() => compile(v2, { memory }, saved), {
			code: "config.unsupported",
			message: /memory\+swap limit should be >= memory limit/,
			context: { pointer: "/linux/resources/memory/swap" },
		});
	}
	t.throws(() => compile(v2, { memory: { swap: 5 } }), /unable to set swap limit without memory limit/);
});

t.test("devices change only when the list is another than the one that the container has", async (t) => {
	const deny = { allow: false, access: "rwm" };
	const loop = { allow: true, type: "c", major: 10, minor: 237, access: "r" } as const;
	const saved: Resources = { devices: [deny, loop] };
	for (const cgroups of [v1, v2]) {
		for (const devices of [[deny], [], [deny, deny], [deny, loop], [loop]]) {
			t.strictSame(compile(cgroups, { devices }, saved).devices, [], JSON.stringify(devices));
			t.strictSame(compile(cgroups, { devices }, saved).merged, saved);
		}
	}
	const writable = { ...loop, access: "rw" };
	const listed = compile(v1, { devices: [deny, writable] }, saved);
	t.match(listed.devices, [{ path: "/devices/devices.allow", value: "c 10:237 w" }]);
	t.match(listed.devicesBack, [{ path: "/devices/devices.deny", value: "c 10:237 w" }]);
	t.strictSame(listed.merged.devices, [deny, writable]);
	const program = compile(v2, { devices: [deny, writable] }, saved);
	t.match(program.devices, [{ op: "cgroup.devices", path: "/v2", replace: true }]);
	t.match(program.devicesBack, [{ op: "cgroup.devices", path: "/v2", replace: true }]);
	t.not(JSON.stringify(program.devices), JSON.stringify(program.devicesBack));
	const user = compileUpdate({
		given: { devices: [writable] },
		saved,
		cgroups: v2,
		ociVersion: "1.3.0",
		privileged: false,
	});
	t.strictSame(user.devices, [], "who can't restrict devices");
});

t.test("checkBeforeUpdate holds for later updates too, unless they say otherwise", async (t) => {
	const saved: Resources = { memory: { checkBeforeUpdate: true } };
	const first = (memory: NonNullable<Resources["memory"]>) => compile(v2, { memory }, saved).steps[0];
	t.match(first({ limit: 5 }), { op: "cgroup.check", path: "/v2/memory.current", atMost: "5" });
	t.match(first({ limit: 5, checkBeforeUpdate: false }), { op: "cgroup.write" });
});

t.test("a container without a cgroup has nothing to change", async (t) => {
	t.throws(() => compile([], { pids: { limit: 5 } }), { code: "cgroup", message: /has no cgroup/ });
	t.strictSame(compile([], { pids: { limit: -1 } }).steps, []);
});

t.test("what is merged: fields, and lists by their key", async (t) => {
	const saved: Resources = {
		memory: { limit: 100, swap: 200, swappiness: 5 },
		blockIO: {
			throttleReadBpsDevice: [
				{ major: 8, minor: 0, rate: 5 },
				{ major: 8, minor: 1, rate: 6 },
			],
		},
		hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
		network: { classID: 3, priorities: [{ name: "lo", priority: 1 }] },
		rdma: { mlx: { hcaHandles: 1 } },
		unified: { "memory.high": "5" },
	};
	const given: Resources = {
		memory: { limit: 150 },
		blockIO: { weight: 20, throttleReadBpsDevice: [{ major: 8, minor: 1, rate: 9 }] },
		hugepageLimits: [{ pageSize: "1GB", limit: 2 }],
		network: { classID: 0, priorities: [{ name: "lo", priority: 2 }] },
		rdma: { mlx: { hcaObjects: 2 } },
		unified: { "memory.low": "1" },
	};
	const before = structuredClone(saved);
	t.strictSame(mergeResources(saved, given), {
		memory: { limit: 150, swap: 200, swappiness: 5 },
		blockIO: {
			weight: 20,
			throttleReadBpsDevice: [
				{ major: 8, minor: 0, rate: 5 },
				{ major: 8, minor: 1, rate: 9 },
			],
		},
		hugepageLimits: [
			{ pageSize: "2MB", limit: 1 },
			{ pageSize: "1GB", limit: 2 },
		],
		network: { classID: 3, priorities: [{ name: "lo", priority: 2 }] },
		rdma: { mlx: { hcaHandles: 1, hcaObjects: 2 } },
		unified: { "memory.high": "5", "memory.low": "1" },
	});
	t.strictSame(saved, before, "the arguments stay as they are");
	t.strictSame(mergeResources(saved, saved), saved, "an update to what there is changes nothing");
	t.equal(mergeResources(saved, { memory: { limit: -1 } }).memory?.swap, -1);
});

const change = (file: string, value: string, before?: string): Change => ({
	step: { op: "cgroup.write", path: `/c/${file}`, value },
	before,
});

/** A model of what the kernel refuses of files that bound each other. */
function isLegal(files: Record<string, string>, parent: number): boolean {
	const size = (name: string) => {
		const text = files[name] ?? "max";
		return text === "max" || text === "-1" ? Number.POSITIVE_INFINITY : Number(text.split(" ", 1)[0]);
	};
	if (size("memory.limit_in_bytes") > size("memory.memsw.limit_in_bytes")) return false;
	if (files["cpu.cfs_burst_us"] !== undefined && size("cpu.cfs_burst_us") > size("cpu.cfs_quota_us")) return false;
	if (files["cpu.max.burst"] !== undefined && size("cpu.max.burst") > size("cpu.max")) return false;
	return size("cpu.cfs_quota_us") / Number(files["cpu.cfs_period_us"] ?? 1) <= parent;
}

t.test("in whatever direction the values go, no write is refused on the way, nor on the way back", async (t) => {
	const families: Record<string, string>[][] = [
		[1, 2, 3, 4].flatMap((limit) =>
			[1, 2, 3, 4, -1].flatMap((sum) =>
				sum === -1 || sum >= limit
					? [{ "memory.limit_in_bytes": `${limit}`, "memory.memsw.limit_in_bytes": `${sum}` }]
					: [],
			),
		),
		[10, 20, 50].flatMap((period) =>
			[5, 10, 25].flatMap((quota) =>
				[0, 5, 20].flatMap((burst) =>
					burst <= quota
						? [{ "cpu.cfs_period_us": `${period}`, "cpu.cfs_quota_us": `${quota}`, "cpu.cfs_burst_us": `${burst}` }]
						: [],
				),
			),
		),
		["max", "10", "20"].flatMap((quota) =>
			[0, 10, 15].flatMap((burst) =>
				quota === "max" || burst <= Number(quota) ? [{ "cpu.max": `${quota} 100`, "cpu.max.burst": `${burst}` }] : [],
			),
		),
	];
	let tried = 0;
	for (const family of families) {
		for (const from of family) {
			for (const to of family) {
				const ratio = (files: Record<string, string>) =>
					Number(files["cpu.cfs_quota_us"] ?? 0) / Number(files["cpu.cfs_period_us"] ?? 1);
				const parent = "cpu.cfs_quota_us" in from ? Math.max(ratio(from), ratio(to)) : Number.POSITIVE_INFINITY;
				// In the order in which the compiler writes them.
				const changes = Object.entries(to).map(([file, value]) => change(file, value, `${from[file]}\n`));
				const ordered = orderChanges(changes);
				const files = { ...from };
				for (const { step } of ordered) {
					files[step.path.slice("/c/".length)] = step.value;
					if (!isLegal(files, parent)) t.fail("refused", { from, to, files });
				}
				t.strictSame(files, to);
				for (const undone of ordered.toReversed()) {
					for (const value of restoration(undone)) files[undone.step.path.slice("/c/".length)] = value;
					if (!isLegal(files, parent)) t.fail("refused on the way back", { from, to, files });
				}
				t.strictSame(files, from);
				tried++;
			}
		}
	}
	t.ok(tried > 300, `${tried} pairs`);
});

t.test("what a file is given to say again what it said", async (t) => {
	const cases: [Change, string[]][] = [
		[change("pids.max", "5", "max\n"), ["max"]],
		[change("memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"), ["0"]],
		[
			change("io.max", "8:0 rbps=5", "8:0 rbps=7 wbps=max riops=max wiops=max\n"),
			["8:0 rbps=7 wbps=max riops=max wiops=max"],
		],
		[change("io.max", "8:0 rbps=5", "8:1 rbps=7 wbps=max\n"), ["8:0 rbps=max wbps=max riops=max wiops=max"]],
		[change("io.weight", "5", "default 100\n8:0 50\n"), ["default 100"]],
		[change("io.bfq.weight", "8:0 5", "default 100\n"), ["8:0 default"]],
		[change("blkio.bfq.weight_device", "8:0 5", "default 100\n8:0 70\n"), ["8:0 70"]],
		[change("blkio.throttle.read_bps_device", "8:0 5", ""), ["8:0 0"]],
		[change("net_prio.ifpriomap", "eth0 5", "lo 0\neth0 2\n"), ["eth0 2"]],
		[change("rdma.max", "mlx hca_handle=1", ""), ["mlx hca_handle=max hca_object=max"]],
		[change("cpuset.cpus", "0", "\n"), ["\n"]],
		[change("cpu.weight", "5", "0\n"), []],
		[change("memory.reclaim", "5", undefined), []],
	];
	for (const [changed, values] of cases) t.strictSame(restoration(changed), values, changed.step.path);
});
