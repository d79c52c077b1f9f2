/** Each property of linux.resources: what the kernel's own file says after create, and after update. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { controlFile, diskNumbers, hasControlFile, hierarchyOf, layout } from "../support/cgroup-files.js";
import { oursOnly } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const space = workspace(t);
const MiB = 1 << 20;
const deny = { allow: false, access: "rwm" };

/** Controller, file, and what it says after create and after update. */
type Expected = [controller: string, file: string, created: string | RegExp, updated: string | RegExp];

interface Property {
	created: Resources;
	updated: Resources;
	/** The same update by flags, where there are some for it. */
	flags?: string[];
	v1?: Expected[];
	v2?: Expected[];
}

const disk = diskNumbers();
const [major, minor] = (disk ?? "0:0").split(":").map(Number) as [number, number];
const pageSize = readdirSync(hierarchyOf("hugetlb") ?? "/")
	.concat(layout === "v2" ? ["hugetlb.2MB.max"] : [])
	.flatMap((file) => /^hugetlb\.(\w+)\.(?:limit_in_bytes|max)$/.exec(file)?.[1] ?? [])[0];

const properties: Record<string, Property> = {
	"memory.limit": {
		created: { memory: { limit: 64 * MiB } },
		updated: { memory: { limit: 128 * MiB } },
		flags: ["--memory", "128M"],
		v1: [["memory", "memory.limit_in_bytes", `${64 * MiB}`, `${128 * MiB}`]],
		v2: [["memory", "memory.max", `${64 * MiB}`, `${128 * MiB}`]],
	},
	"memory.reservation": {
		created: { memory: { reservation: 32 * MiB } },
		updated: { memory: { reservation: 16 * MiB } },
		flags: ["--memory-reservation", "16m"],
		v1: [["memory", "memory.soft_limit_in_bytes", `${32 * MiB}`, `${16 * MiB}`]],
		v2: [["memory", "memory.low", `${32 * MiB}`, `${16 * MiB}`]],
	},
	"memory.swap": {
		created: { memory: { limit: 64 * MiB, swap: 96 * MiB } },
		updated: { memory: { swap: 128 * MiB } },
		flags: ["--memory-swap", "0.125g"],
		v1: [["memory", "memory.memsw.limit_in_bytes", `${96 * MiB}`, `${128 * MiB}`]],
		v2: [["memory", "memory.swap.max", `${32 * MiB}`, `${64 * MiB}`]],
	},
	"memory, without any limit": {
		created: { memory: { limit: 64 * MiB, swap: 96 * MiB } },
		updated: { memory: { limit: -1 } },
		flags: ["--memory", "-1"],
		v1: [
			["memory", "memory.limit_in_bytes", `${64 * MiB}`, "9223372036854771712"],
			["memory", "memory.memsw.limit_in_bytes", `${96 * MiB}`, "9223372036854771712"],
		],
		v2: [
			["memory", "memory.max", `${64 * MiB}`, "max"],
			["memory", "memory.swap.max", `${32 * MiB}`, "max"],
		],
	},
	"memory.kernelTCP": {
		created: { memory: { kernelTCP: 8 * MiB } },
		updated: { memory: { kernelTCP: 4 * MiB } },
		flags: ["--kernel-memory-tcp", "4m"],
		v1: [["memory", "memory.kmem.tcp.limit_in_bytes", `${8 * MiB}`, `${4 * MiB}`]],
	},
	"memory.swappiness": {
		created: { memory: { swappiness: 7 } },
		updated: { memory: { swappiness: 0 } },
		v1: [["memory", "memory.swappiness", "7", "0"]],
	},
	"memory.disableOOMKiller": {
		created: { memory: { disableOOMKiller: true } },
		updated: { memory: { disableOOMKiller: false } },
		v1: [["memory", "memory.oom_control", /^oom_kill_disable 1$/m, /^oom_kill_disable 0$/m]],
	},
	"cpu.shares": {
		created: { cpu: { shares: 1024 } },
		updated: { cpu: { shares: 262144 } },
		flags: ["--cpu-share", "262144"],
		v1: [["cpu", "cpu.shares", "1024", "262144"]],
		v2: [["cpu", "cpu.weight", "100", "10000"]],
	},
	"cpu.quota and cpu.period": {
		created: { cpu: { quota: 20000, period: 50000 } },
		updated: { cpu: { quota: 30000, period: 100000 } },
		flags: ["--cpu-quota", "30000", "--cpu-period", "100000"],
		v1: [
			["cpu", "cpu.cfs_quota_us", "20000", "30000"],
			["cpu", "cpu.cfs_period_us", "50000", "100000"],
		],
		v2: [["cpu", "cpu.max", "20000 50000", "30000 100000"]],
	},
	"cpu.quota alone": {
		created: { cpu: { quota: 20000, period: 50000 } },
		updated: { cpu: { quota: -1 } },
		flags: ["--cpu-quota=-1"],
		v1: [["cpu", "cpu.cfs_quota_us", "20000", "-1"]],
		v2: [["cpu", "cpu.max", "20000 50000", "max 50000"]],
	},
	"cpu.period alone": {
		created: { cpu: { quota: 20000, period: 50000 } },
		updated: { cpu: { period: 40000 } },
		flags: ["--cpu-period", "40000"],
		v1: [["cpu", "cpu.cfs_period_us", "50000", "40000"]],
		v2: [["cpu", "cpu.max", "20000 50000", "20000 40000"]],
	},
	"cpu.burst": {
		created: { cpu: { quota: 20000, period: 50000, burst: 10000 } },
		updated: { cpu: { quota: 5000, burst: 5000 } },
		flags: ["--cpu-quota", "5000", "--cpu-burst", "5000"],
		v1: [["cpu", "cpu.cfs_burst_us", "10000", "5000"]],
		v2: [["cpu", "cpu.max.burst", "10000", "5000"]],
	},
	"cpu.burst, taken away": {
		created: { cpu: { quota: 20000, period: 50000, burst: 10000 } },
		updated: { cpu: { burst: 0 } },
		flags: ["--cpu-burst", "0"],
		v1: [["cpu", "cpu.cfs_burst_us", "10000", "0"]],
		v2: [["cpu", "cpu.max.burst", "10000", "0"]],
	},
	"cpu.idle": {
		created: { cpu: { shares: 2048 } },
		updated: { cpu: { idle: 1 } },
		flags: ["--cpu-idle", "1"],
		v1: [["cpu", "cpu.idle", "0", "1"]],
		v2: [["cpu", "cpu.idle", "0", "1"]],
	},
	"cpu.idle, no more: the shares are back": {
		created: { cpu: { shares: 262144, idle: 1 } },
		updated: { cpu: { idle: 0 } },
		flags: ["--cpu-idle", "0"],
		v1: [
			["cpu", "cpu.idle", "1", "0"],
			["cpu", "cpu.shares", /./, "262144"],
		],
		v2: [
			["cpu", "cpu.idle", "1", "0"],
			["cpu", "cpu.weight", /./, "10000"],
		],
	},
	"cpu.realtimePeriod and cpu.realtimeRuntime": {
		created: { cpu: { realtimePeriod: 500000, realtimeRuntime: 10000 } },
		updated: { cpu: { realtimePeriod: 250000, realtimeRuntime: 5000 } },
		flags: ["--cpu-rt-period", "250000", "--cpu-rt-runtime", "5000"],
		v1: [
			["cpu", "cpu.rt_period_us", "500000", "250000"],
			["cpu", "cpu.rt_runtime_us", "10000", "5000"],
		],
	},
	"cpu.cpus": {
		created: { cpu: { cpus: "0-1" } },
		updated: { cpu: { cpus: "1" } },
		flags: ["--cpuset-cpus", "1"],
		v1: [["cpuset", "cpuset.cpus", "0-1", "1"]],
		v2: [["cpuset", "cpuset.cpus", "0-1", "1"]],
	},
	"cpu.mems": {
		created: {},
		updated: { cpu: { mems: "0" } },
		flags: ["--cpuset-mems", "0"],
		v1: [["cpuset", "cpuset.mems", "0", "0"]],
		v2: [["cpuset", "cpuset.mems", "", "0"]],
	},
	"pids.limit": {
		created: { pids: { limit: 33 } },
		updated: { pids: { limit: 77 } },
		flags: ["--pids-limit", "77"],
		v1: [["pids", "pids.max", "33", "77"]],
		v2: [["pids", "pids.max", "33", "77"]],
	},
	"pids.limit, none": {
		created: { pids: { limit: 33 } },
		updated: { pids: { limit: -1 } },
		flags: ["--pids-limit", "-1"],
		v1: [["pids", "pids.max", "33", "max"]],
		v2: [["pids", "pids.max", "33", "max"]],
	},
	"blockIO.weight": {
		created: { blockIO: { weight: 1000 } },
		updated: { blockIO: { weight: 10 } },
		flags: ["--blkio-weight", "10"],
		v1: [["blkio", "blkio.bfq.weight", "1000", "10"]],
		v2: [["io", "io.weight", "default 10000", "default 1"]],
	},
	"blockIO.throttle*Device": {
		created: {
			blockIO: {
				throttleReadBpsDevice: [{ major, minor, rate: MiB }],
				throttleWriteBpsDevice: [{ major, minor, rate: 2 * MiB }],
				throttleReadIOPSDevice: [{ major, minor, rate: 300 }],
				throttleWriteIOPSDevice: [{ major, minor, rate: 400 }],
			},
		},
		updated: {
			blockIO: {
				throttleReadBpsDevice: [{ major, minor, rate: 3 * MiB }],
				throttleWriteBpsDevice: [{ major, minor, rate: 0 }],
				throttleReadIOPSDevice: [{ major, minor, rate: 500 }],
				throttleWriteIOPSDevice: [{ major, minor, rate: 600 }],
			},
		},
		v1: [
			["blkio", "blkio.throttle.read_bps_device", `${disk} ${MiB}`, `${disk} ${3 * MiB}`],
			["blkio", "blkio.throttle.write_bps_device", `${disk} ${2 * MiB}`, ""],
			["blkio", "blkio.throttle.read_iops_device", `${disk} 300`, `${disk} 500`],
			["blkio", "blkio.throttle.write_iops_device", `${disk} 400`, `${disk} 600`],
		],
		v2: [
			[
				"io",
				"io.max",
				`${disk} rbps=${MiB} wbps=${2 * MiB} riops=300 wiops=400`,
				`${disk} rbps=${3 * MiB} wbps=max riops=500 wiops=600`,
			],
		],
	},
	hugepageLimits: {
		created: { hugepageLimits: [{ pageSize: `${pageSize}`, limit: 2 ** 32 }] },
		updated: { hugepageLimits: [{ pageSize: `${pageSize}`, limit: 2 ** 31 }] },
		v1: [
			["hugetlb", `hugetlb.${pageSize}.rsvd.limit_in_bytes`, `${2 ** 32}`, `${2 ** 31}`],
			["hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, `${2 ** 32}`, `${2 ** 31}`],
		],
		v2: [
			["hugetlb", `hugetlb.${pageSize}.rsvd.max`, `${2 ** 32}`, `${2 ** 31}`],
			["hugetlb", `hugetlb.${pageSize}.max`, `${2 ** 32}`, `${2 ** 31}`],
		],
	},
	"network.classID and network.priorities": {
		created: { network: { classID: 1048577, priorities: [{ name: "lo", priority: 5 }] } },
		updated: { network: { classID: 1048578, priorities: [{ name: "lo", priority: 6 }] } },
		v1: [
			["net_cls", "net_cls.classid", "1048577", "1048578"],
			["net_prio", "net_prio.ifpriomap", /^lo 5$/m, /^lo 6$/m],
		],
	},
	unified: {
		created: { unified: { "memory.high": `${48 * MiB}`, "pids.max": "44" } },
		updated: { unified: { "memory.high": `${24 * MiB}` } },
		v2: [
			["memory", "memory.high", `${48 * MiB}`, `${24 * MiB}`],
			["pids", "pids.max", "44", "44"],
		],
	},
};

function made(resources: Resources, path?: string): Container {
	const container = space.container((config) => {
		config.ociVersion = "1.3.0";
		Object.assign(config.linux, { resources: { devices: [deny], ...resources } });
		if (path !== undefined) config.linux.cgroupsPath = path;
		config.process.args = ["/bin/sleep", "1000"];
	});
	const result = container.create();
	if (result.status !== 0) throw new Error(result.stderr);
	return container;
}

const update = (container: Container, args: string[], input = "") =>
	container.runtime.command(["update", ...args, container.id], { input });

/** A container that has every file tells which of them this kernel lacks. */
const probe = made({});
const lacks = ([controller, file]: Expected) =>
	hierarchyOf(controller) === undefined || !hasControlFile(controller, `/${probe.id}`, file);

for (const [name, { created, updated, flags, ...files }] of Object.entries(properties)) {
	const expected = files[layout] ?? [];
	const missing = expected.find(lacks);
	const skip =
		expected.length === 0
			? `${layout} has no such limit`
			: missing !== undefined
				? `this kernel has no ${missing[1]}`
				: JSON.stringify(created).includes("throttle") && disk === undefined
					? "this host has no disk"
					: oursOnly;
	t.test(name, { skip }, async (t) => {
		const ways: [string, string[], string][] = [["a document", ["--resources", "-"], JSON.stringify(updated)]];
		if (flags !== undefined) ways.push(["flags", flags, ""]);
		for (const [way, args, input] of ways) {
			const container = made(created);
			const says = (wanted: string | RegExp, [controller, file]: Expected, when: string) => {
				const found = controlFile(controller, `/${container.id}`, file);
				if (typeof wanted === "string") t.equal(found, wanted, `${file} after ${when}`);
				else t.match(found, wanted, `${file} after ${when}`);
			};
			for (const one of expected) says(one[2], one, "create");
			const result = update(container, args, input);
			t.equal(result.status, 0, result.stderr);
			t.equal(result.stdout + result.stderr, "");
			for (const one of expected) says(one[3], one, `update by ${way}`);
			t.equal(container.delete("--force").status, 0);
		}
	});
}

/** A loop device whose requests BFQ sorts. */
function bfqDevice(t: { teardown: (run: () => unknown) => unknown }): string {
	const file = space.path("disk");
	writeFileSync(file, Buffer.alloc(MiB));
	const device = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
	t.teardown(() => execFileSync("losetup", ["--detach", device]));
	const queue = `/sys/block/${device.slice("/dev/".length)}`;
	writeFileSync(`${queue}/queue/scheduler`, "bfq");
	return readFileSync(`${queue}/dev`, "utf8").trim();
}

const weightFile = layout === "v1" ? "blkio.bfq.weight" : "io.bfq.weight";
const blockIo = layout === "v1" ? "blkio" : "io";

// Last of those that need the probe: BFQ gives every cgroup a file of its own for weights, which is then preferred on v2.
t.test("weights by device, of the BFQ scheduler", { skip: oursOnly }, async (t) => {
	spawnSync("modprobe", ["bfq"]);
	if (!hasControlFile(blockIo, `/${probe.id}`, weightFile)) return t.pass("the kernel has no BFQ scheduler");
	const device = bfqDevice(t);
	const [major, minor] = device.split(":").map(Number) as [number, number];
	const weights = (weight: number): Resources => ({
		blockIO: { weight: 250, weightDevice: [{ major, minor, weight }] },
	});
	const container = made(weights(600));
	const lines = () =>
		controlFile(blockIo, `/${container.id}`, layout === "v1" ? "blkio.bfq.weight_device" : weightFile).split("\n");
	t.same(lines(), ["default 250", `${device} 600`]);
	t.equal(update(container, ["-r", "-"], JSON.stringify(weights(700))).status, 0);
	t.same(lines(), ["default 250", `${device} 700`]);
	// The weight comes before what is refused, and is taken back.
	const refused = {
		blockIO: {
			weightDevice: [{ major, minor, weight: 800 }],
			throttleReadBpsDevice: [{ major: 239, minor: 255, rate: 1 }],
		},
	};
	t.equal(update(container, ["-r", "-"], JSON.stringify(refused)).status, 1);
	t.same(lines(), ["default 250", `${device} 700`]);
	return t.equal(container.delete("--force").status, 0);
});

t.test(
	"limits of a cgroup in a cgroup: its parents are filled, and it may go to the parent's limit",
	{ skip: oursOnly },
	async (t) => {
		const parent = `/${space.token}-p`;
		const container = made({ cpu: { cpus: "0", quota: 10000 } }, `${parent}/c`);
		const quota = (path: string) =>
			layout === "v1"
				? controlFile("cpu", path, "cpu.cfs_quota_us")
				: controlFile("cpu", path, "cpu.max").split(" ", 1)[0];
		const [file, value] = layout === "v1" ? ["cpu.cfs_quota_us", "50000"] : ["cpu.max", "50000 100000"];
		writeFileSync(`${hierarchyOf("cpu")}${parent}/${file}`, `${value}`);
		// Of v1 the kernel refuses a share above the parent's, in between as well: 40 ms of 80 only when the period comes first.
		t.equal(update(container, ["--cpu-quota", "40000", "--cpu-period", "80000"]).status, 0);
		t.equal(quota(`${parent}/c`), "40000");
		t.equal(update(container, ["--cpu-quota", "10000", "--cpu-period", "20000"]).status, 0);
		t.equal(quota(`${parent}/c`), "10000");
		t.equal(container.delete("--force").status, 0);
		for (const controller of layout === "v1" ? readdirSync("/sys/fs/cgroup") : [""]) {
			const path = layout === "v1" ? `/sys/fs/cgroup/${controller}${parent}` : `${hierarchyOf("")}${parent}`;
			if (existsSync(path)) rmdirSync(path);
		}
	},
);

t.test("the one that was looked at goes", async (t) => {
	t.equal(probe.delete("--force").status, 0);
});

nothingLeft(t, space);
