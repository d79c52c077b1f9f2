/** linux.resources on cgroup v1: what the kernel's own files say afterwards. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { cgroups, hostMounts } from "../support/leaks.js";
import { oursOnly, type Result, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const space = workspace(t);
const hierarchies = hostMounts().filter(({ type }) => type === "cgroup");
const directoryOf = (controller: string) =>
	hierarchies.find(({ superblock }) => superblock.includes(controller))?.point ?? "";
/** `skip` where the host has no v1 hierarchy of the controller. */
const without = (controller: string) =>
	directoryOf(controller) === "" ? `this host has no cgroup v1 hierarchy of ${controller}` : false;
const read = (path: string) => readFileSync(path, "utf8").trim();

function made(resources: Resources, cgroupsPath?: string): Container {
	return space.container((config) => {
		const devices = [{ allow: false, access: "rwm" }];
		Object.assign(config.linux, { resources: { devices, ...resources } });
		if (cgroupsPath !== undefined) config.linux.cgroupsPath = cgroupsPath;
	});
}

/** Parents that an engine may have made are nobody's to remove but the engine's. */
function removeParents(): void {
	for (const path of cgroups(space.token)) rmdirSync(path);
}

/** What `files` of the cgroup of a created container say; the container is deleted. */
function filesOf(resources: Resources, controller: string, files: string[], cgroupsPath?: string): string[] {
	const container = made(resources, cgroupsPath);
	const result = container.create();
	if (result.status !== 0) throw new Error(result.stderr);
	const directory = `${directoryOf(controller)}${cgroupsPath ?? `/${container.id}`}`;
	const contents = files.map((file) => read(`${directory}/${file}`));
	container.delete("--force");
	return contents;
}

function refused(resources: Resources, cgroupsPath?: string): Result {
	const container = made(resources, cgroupsPath);
	const result = container.create();
	if (result.status === 0) container.delete("--force");
	return result;
}

const MiB = 1 << 20;

t.test("memory", { skip: without("memory") || unlessPeer({ runc: "1.1 has no limit for TCP buffers" }) }, async (t) => {
	const memory = {
		limit: 64 * MiB,
		reservation: 32 * MiB,
		swap: 96 * MiB,
		kernelTCP: 8 * MiB,
		swappiness: 7,
		disableOOMKiller: true,
		checkBeforeUpdate: true,
		useHierarchy: true,
	};
	const files = [
		"limit_in_bytes",
		"soft_limit_in_bytes",
		"memsw.limit_in_bytes",
		"kmem.tcp.limit_in_bytes",
		"swappiness",
	];
	t.strictSame(
		filesOf(
			{ memory },
			"memory",
			files.map((file) => `memory.${file}`),
		),
		[64, 32, 96, 8].map((size) => `${size * MiB}`).concat("7"),
	);
	t.match(filesOf({ memory }, "memory", ["memory.oom_control"])[0], /^oom_kill_disable 1$/m);
	t.strictSame(filesOf({ memory: { swappiness: 0 } }, "memory", ["memory.swappiness"]), ["0"], "0 is a value");
});

t.test(
	"a cgroup that was there before with a lower limit",
	{ skip: without("memory") || unlessPeer({ crun: "1.8 writes the limit alone", runc: "1.1 too" }) },
	async (t) => {
		const directory = `${directoryOf("memory")}/${space.token}-low`;
		mkdirSync(directory);
		for (const file of ["limit", "memsw.limit"]) writeFileSync(`${directory}/memory.${file}_in_bytes`, `${16 * MiB}`);
		t.strictSame(
			filesOf(
				{ memory: { limit: 32 * MiB, swap: 48 * MiB } },
				"memory",
				["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
				`/${space.token}-low`,
			),
			[32, 48].map((size) => `${size * MiB}`),
		);
	},
);

t.test(
	"checkBeforeUpdate: a limit below what is in use is refused, which the kernel would make true by reclaim",
	{ skip: without("memory") || unlessPeer({ runc: "1.1 checks on v2 only", crun: "1.8 refuses a used cgroup" }) },
	async (t) => {
		const directory = `${directoryOf("memory")}/${space.token}-used`;
		mkdirSync(directory);
		const file = space.path("page-cache");
		const fill = `echo $$ >${directory}/cgroup.procs && head -c ${16 * MiB} /dev/zero >${file} && sync ${file}`;
		execFileSync("/bin/sh", ["-c", fill]);
		const used = () => Number(read(`${directory}/memory.usage_in_bytes`));
		t.ok(used() > 8 * MiB, `${used()} bytes are in use`);
		const result = refused({ memory: { limit: 4 * MiB, checkBeforeUpdate: true } }, `/${space.token}-used`);
		t.equal(result.status, 1);
		t.match(result.error, /memory\.usage_in_bytes is at most 4194304.*config\.json#\/linux\/resources\/memory\/limit/);
		mkdirSync(directory, { recursive: true });
		execFileSync("/bin/sh", ["-c", fill]);
		t.strictSame(
			filesOf({ memory: { limit: 4 * MiB } }, "memory", ["memory.limit_in_bytes"], `/${space.token}-used`),
			[`${4 * MiB}`],
			"without it the kernel decides",
		);
	},
);

t.test(
	"cpu",
	{ skip: without("cpu") || unlessPeer({ crun: "1.8 has no burst", runc: "1.1 has neither burst nor idle" }) },
	async (t) => {
		const cpu = { shares: 512, period: 50000, quota: 20000, burst: 10000 };
		t.strictSame(filesOf({ cpu }, "cpu", ["cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us"]), [
			"512",
			"50000",
			"20000",
			"10000",
		]);
		t.strictSame(filesOf({ cpu: { idle: 1 } }, "cpu", ["cpu.idle"]), ["1"]);
	},
);

const realtime = readdirSync(directoryOf("cpu") || "/").includes("cpu.rt_runtime_us")
	? without("cpu")
	: "the kernel has no CONFIG_RT_GROUP_SCHED";

t.test("a real-time budget", { skip: realtime }, async (t) => {
	const cpu = { realtimePeriod: 500000, realtimeRuntime: 10000 };
	t.strictSame(filesOf({ cpu }, "cpu", ["cpu.rt_period_us", "cpu.rt_runtime_us"]), ["500000", "10000"]);
	const parent = `/${space.token}-rt`;
	const result = refused({ cpu }, `${parent}/child`);
	t.equal(result.status, 1, "a parent without a budget has none to give");
	t.match(result.stderr, /cpu\.rt_runtime_us/);
	removeParents();
});

t.test(
	"a real-time policy runs on the budget",
	{ skip: realtime || unlessPeer({ crun: "1.8 has no process.scheduler", runc: "1.1 has none either" }) },
	async (t) => {
		const seen = space.inside(
			(config) => {
				Object.assign(config.process, { scheduler: { policy: "SCHED_FIFO", priority: 1 } });
				const cpu = { realtimeRuntime: 10000 };
				Object.assign(config.linux, { resources: { devices: [{ allow: false, access: "rwm" }], cpu } });
			},
			{ policy: "cut -d' ' -f41 /proc/$$/stat" },
		);
		t.equal(seen.policy, "1", "SCHED_FIFO");
	},
);

t.test("cpuset: a path of several parts, all of them new", { skip: without("cpuset") }, async (t) => {
	const path = `/${space.token}-a/b/c`;
	const root = directoryOf("cpuset");
	const container = made({ cpu: { cpus: "0", mems: "0" } }, path);
	t.equal(container.create().status, 0);
	t.equal(read(`${root}${path}/cpuset.cpus`), "0");
	t.equal(read(`${root}${path}/cpuset.mems`), "0");
	for (const parent of [`/${space.token}-a`, `/${space.token}-a/b`]) {
		for (const file of ["cpuset.cpus", "cpuset.mems"]) {
			t.equal(read(`${root}${parent}/${file}`), read(`${root}/${file}`), parent + file);
		}
	}
	t.equal(container.delete("--force").status, 0);
	removeParents();
});

t.test("pids", { skip: without("pids") }, async (t) => {
	t.strictSame(filesOf({ pids: { limit: 77 } }, "pids", ["pids.max"]), ["77"]);
});

t.test(
	"hugepageLimits: reservations and page faults",
	{ skip: without("hugetlb") || unlessPeer({ crun: "1.8 limits page faults alone", runc: "1.1 too" }) },
	async (t) => {
		const files = readdirSync(directoryOf("hugetlb"));
		const sizes = files.flatMap((file) => /^hugetlb\.(\w+)\.limit_in_bytes$/.exec(file)?.[1] ?? []);
		t.not(sizes.length, 0);
		for (const pageSize of sizes) {
			const limit = 2 ** 32;
			const names = [`hugetlb.${pageSize}.limit_in_bytes`, `hugetlb.${pageSize}.rsvd.limit_in_bytes`];
			const there = names.filter((name) => files.includes(name));
			t.strictSame(
				filesOf({ hugepageLimits: [{ pageSize, limit }] }, "hugetlb", there),
				there.map(() => `${limit}`),
				pageSize,
			);
		}
		t.match(refused({ hugepageLimits: [{ pageSize: "3MB", limit: 0 }] }).stderr, /hugetlb\.3MB\.limit_in_bytes/);
	},
);

/** A disk of this host; its numbers are `major:minor`. */
const disk = readdirSync("/sys/block").find((name) => /^(vd|sd|nvme|xvd)/.test(name));

t.test(
	"blockIO: throttling",
	{
		skip:
			without("blkio") ||
			(disk === undefined ? "this host has no disk" : false) ||
			unlessPeer({ crun: "other words, and it leaves the cgroups" }),
	},
	async (t) => {
		const numbers = read(`/sys/block/${disk}/dev`);
		const [major = 0, minor = 0] = numbers.split(":").map(Number);
		const blockIO = {
			throttleReadBpsDevice: [{ major, minor, rate: 1048576 }],
			throttleWriteBpsDevice: [{ major, minor, rate: 2097152 }],
			throttleReadIOPSDevice: [{ major, minor, rate: 300 }],
			throttleWriteIOPSDevice: [{ major, minor, rate: 400 }],
		};
		t.strictSame(
			filesOf(
				{ blockIO },
				"blkio",
				["read_bps", "write_bps", "read_iops", "write_iops"].map((kind) => `blkio.throttle.${kind}_device`),
			),
			[1048576, 2097152, 300, 400].map((rate) => `${numbers} ${rate}`),
		);
		const missing = { throttleReadBpsDevice: [{ major: 239, minor: 255, rate: 1 }] };
		t.match(refused({ blockIO: missing }).stderr, /blkio\.throttle\.read_bps_device: no such device/);
	},
);

/** A loop device with a file behind it, whose requests the BFQ scheduler sorts. */
function bfqDevice(t: { teardown: (run: () => unknown) => unknown }): string {
	const file = space.path("disk");
	writeFileSync(file, Buffer.alloc(MiB));
	const device = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
	t.teardown(() => execFileSync("losetup", ["--detach", device]));
	const queue = `/sys/block/${device.slice("/dev/".length)}`;
	writeFileSync(`${queue}/queue/scheduler`, "bfq");
	return read(`${queue}/dev`);
}

/** Its own counters are the only files that the root of the hierarchy has of it. */
const bfq = readdirSync(directoryOf("blkio") || "/").some((name) => name.startsWith("blkio.bfq."))
	? without("blkio")
	: "the kernel has no BFQ scheduler";

t.test(
	"blockIO: weights, of the BFQ scheduler",
	{ skip: bfq || unlessPeer({ crun: "1.8 knows only the files of CFQ" }) },
	async (t) => {
		const numbers = bfqDevice(t);
		const [major = 0, minor = 0] = numbers.split(":").map(Number);
		const blockIO = { weight: 250, weightDevice: [{ major, minor, weight: 600 }] };
		t.strictSame(filesOf({ blockIO }, "blkio", ["blkio.bfq.weight"]), ["250"]);
		const [devices] = filesOf({ blockIO }, "blkio", ["blkio.bfq.weight_device"]);
		t.match(devices?.split("\n"), ["default 250", `${numbers} 600`]);
	},
);

/**
 * The controllers of network packets, mounted for one command in a mount namespace of its own: distributions with v1 mount
 * them, and where nobody has (hierarchy 0 in /proc/cgroups) any host can.
 */
const isFree = (controller: string) =>
	new RegExp(`^${controller}\\t0\\t`, "m").test(readFileSync("/proc/cgroups", "utf8"));
const free = (controller: string) =>
	isFree(controller) ? false : `the kernel has no ${controller} controller, or it is in use`;

/** A hierarchy that is unmounted while a cgroup in it is still dying stays for ever: so not before it has its root alone. */
const withHierarchy = (point: string) => `exec unshare --mount --propagation private /bin/sh -c '
	mount -t cgroup -o net_cls,net_prio none ${point} || exit
	"$@"
	status=$?
	for try in $(seq 500); do grep -q "^net_cls.*\t1\t1$" /proc/cgroups && break; sleep 0.01; done
	umount ${point}
	exit $status' sh "$@";`;

t.test(
	"network: class and priorities",
	{
		skip:
			free("net_cls") ||
			free("net_prio") ||
			unlessPeer({ crun: "guesses the place of the hierarchy", runc: "wants it elsewhere" }),
	},
	async (t) => {
		const point = space.path("net");
		mkdirSync(point);
		const container = space.container((config) => {
			Object.assign(config.linux, {
				resources: {
					devices: [{ allow: false, access: "rwm" }],
					network: { classID: 1048577, priorities: [{ name: "lo", priority: 5 }] },
				},
			});
			config.mounts.push({ destination: "/net", type: "bind", source: point, options: ["rbind", "ro"] });
			const files = ["net_cls.classid", "net_prio.ifpriomap"].map((file) => `/net${config.linux.cgroupsPath}/${file}`);
			config.process.args = ["/bin/sh", "-c", `cat ${files.join(" ")}`];
		});
		const result = container.run([], { shell: withHierarchy(point) });
		t.equal(result.status, 0, result.stderr);
		const [classId, ...priorities] = result.stdout.trim().split("\n");
		t.equal(classId, "1048577");
		t.ok(priorities.includes("lo 5"), result.stdout);
		await eventually(() => isFree("net_cls") && isFree("net_prio"), "the hierarchy is gone");
	},
);

t.test(
	"devices: a rule for more of them takes back what was allowed before; an exception from it is refused",
	{ skip: without("devices") || oursOnly },
	async (t) => {
		const deny = { allow: false, access: "rwm" };
		const loop = { allow: true, type: "c", major: 10, minor: 237, access: "rw" } as const;
		const [list] = filesOf({ devices: [deny, loop, { allow: false, type: "c", major: 10, access: "w" }] }, "devices", [
			"devices.list",
		]);
		t.match(list, /^c 10:237 r$/m);
		t.match(list, /^c 1:3 rwm$/m, "what a container must have");
		t.match(list, /^c 10:200 rwm$/m);
		const hole = refused({ devices: [deny, { ...loop, minor: -1 }, { ...loop, allow: false }] });
		t.equal(hole.status, 1);
		t.match(hole.error, /"deny c 10:237 rw" is an exception from the one for c 10:\*.*linux\/resources\/devices\/2/);
	},
);

t.test("what is not there is refused with its place", { skip: without("memory") || oursOnly }, async (t) => {
	const places: [Resources, RegExp][] = [
		[{ network: { classID: 5 } }, /controller "net_cls" is not mounted.*linux\/resources\/network\/classID/s],
		[{ network: { priorities: [{ name: "lo", priority: 1 }] } }, /controller "net_prio" is not mounted/],
		[{ rdma: { mlx5_1: { hcaHandles: 3 } } }, /controller "rdma" is not mounted/],
		[{ blockIO: { leafWeight: 300 } }, /blockIO\.leafWeight: leaf weights went with the CFQ scheduler/],
		[{ memory: { kernel: MiB } }, /memory\.kernel: since Linux 5\.16/],
	];
	for (const [resources, message] of places) {
		const controller = Object.keys(resources)[0] === "rdma" ? "rdma" : Object.keys(resources.network ?? {})[0];
		if (controller === "rdma" && directoryOf("rdma") !== "") continue;
		if (controller && directoryOf(controller === "classID" ? "net_cls" : "net_prio") !== "") continue;
		const result = refused(resources);
		t.equal(result.status, 1);
		t.match(result.stderr, message);
	}
});

nothingLeft(t, space);
