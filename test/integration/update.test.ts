/** `update`: what of a container changes, what stays, and what is refused; and that the new limits bite. */
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { controlFile, hierarchyOf, layout } from "../support/cgroup-files.js";
import type { Config } from "../support/config.js";
import { oursOnly, type Result } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const space = workspace(t);
const MiB = 1 << 20;
const deny = { allow: false, access: "rwm" };
/** Opening it needs no capability, and does nothing. */
const loop = { allow: true, type: "c", major: 10, minor: 237, access: "r" } as const;

function container(resources: Resources, edit: (config: Config) => void = () => {}): Container {
	return space.container((config) => {
		Object.assign(config.linux, { resources: { devices: [deny], ...resources } });
		config.process.args = ["/bin/sleep", "1000"];
		edit(config);
	});
}

function made(resources: Resources): Container {
	const one = container(resources);
	const result = one.create();
	if (result.status !== 0) throw new Error(result.stderr);
	return one;
}

const update = (one: Container, ...args: string[]): Result => one.runtime.command(["update", ...args, one.id]);
const updateTo = (one: Container, resources: unknown): Result =>
	one.runtime.command(["update", "-r", "-", one.id], { input: JSON.stringify(resources) });

const memoryOf = ({ id }: Container) =>
	layout === "v1"
		? ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map((file) => controlFile("memory", `/${id}`, file))
		: ["memory.max", "memory.swap.max"].map((file) => controlFile("memory", `/${id}`, file));
const pidsOf = ({ id }: Container) => controlFile("pids", `/${id}`, "pids.max");
const recordOf = ({ id }: Container) => readFileSync(`${space.root}/${id}/state.json`, "utf8");

t.test("of several values one that the kernel refuses leaves all as they were", { skip: oursOnly }, async (t) => {
	const one = made({ memory: { limit: 64 * MiB, swap: 96 * MiB }, pids: { limit: 20 }, cpu: { shares: 512 } });
	const before = { memory: memoryOf(one), pids: pidsOf(one), record: recordOf(one) };
	const now = () => ({ memory: memoryOf(one), pids: pidsOf(one), record: recordOf(one) });
	const good = ["--memory", "128M", "--memory-swap", "256M", "--cpu-share", "2048", "--pids-limit", "99"];
	const refused = update(one, ...good, "--cpuset-cpus", "4000");
	t.equal(refused.status, 1);
	t.match(refused.error, /cpuset\.cpus: .* \(--cpuset-cpus\)$/);
	t.same(now(), before);
	// Downwards, in another order.
	const less = updateTo(one, { memory: { limit: 16 * MiB, swap: 16 * MiB }, cpu: { cpus: "4000" } });
	t.equal(less.status, 1);
	t.match(less.error, /\(resources#\/cpu\/cpus\)$/);
	t.same(now(), before);
	t.equal(update(one, ...good).status, 0);
	t.equal(pidsOf(one), "99");
	t.equal(one.delete("--force").status, 0);
});

t.test("memory and swap, up and down, in one update", { skip: oursOnly }, async (t) => {
	const one = made({ memory: { limit: 64 * MiB, swap: 64 * MiB } });
	for (const [limit, swap] of [
		[128, 256],
		[32, 48],
		[256, 256],
		[16, 512],
	] as const) {
		const result = update(one, "--memory", `${limit}M`, "--memory-swap", `${swap}M`);
		t.equal(result.status, 0, result.stderr);
		t.same(
			memoryOf(one),
			[limit, layout === "v1" ? swap : swap - limit].map((size) => `${size * MiB}`),
		);
	}
	const above = update(one, "--memory", "1G");
	t.equal(above.status, 1, "more memory than memory and swap");
	t.same(
		memoryOf(one),
		[16, layout === "v1" ? 512 : 496].map((size) => `${size * MiB}`),
	);
	t.equal(one.delete("--force").status, 0);
});

t.test("what docker and CRI send", { skip: oursOnly }, async (t) => {
	const one = made({ devices: [deny, loop], memory: { limit: 64 * MiB, swap: 96 * MiB }, pids: { limit: 20 } });
	const before = { memory: memoryOf(one), pids: pidsOf(one), record: recordOf(one) };
	const zeros = {
		memory: { limit: 0, reservation: 0, kernel: 0 },
		cpu: { shares: 0, quota: 0, period: 0 },
		blockIO: { weight: 0 },
	};
	t.equal(updateTo(one, zeros).status, 0);
	t.same({ memory: memoryOf(one), pids: pidsOf(one), record: recordOf(one) }, before);
	const whole = { devices: [deny], memory: { limit: 32 * MiB, swap: 64 * MiB }, cpu: { shares: 204, period: 100000 } };
	t.equal(updateTo(one, whole).status, 0);
	t.equal(memoryOf(one)[0], `${32 * MiB}`);
	if (layout === "v1") {
		t.match(controlFile("devices", `/${one.id}`, "devices.list"), /^c 10:237 r$/m, "the devices are left alone");
	}
	t.equal(one.delete("--force").status, 0);
});

t.test("a second update knows the first, and numbers above 2^53", { skip: oursOnly }, async (t) => {
	const one = made({ cpu: { quota: 20000, period: 50000 } });
	const cpu = () =>
		layout === "v1"
			? ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map((file) => controlFile("cpu", `/${one.id}`, file)).join(" ")
			: controlFile("cpu", `/${one.id}`, "cpu.max");
	t.equal(update(one, "--cpu-quota", "10000").status, 0);
	t.equal(update(one, "--cpu-period", "40000").status, 0);
	t.equal(cpu(), "10000 40000");
	t.equal(update(one, "--memory", "9223372036854771711").status, 0);
	// Whole pages.
	t.equal(memoryOf(one)[0], "9223372036854767616");
	t.match(recordOf(one), /"limit":"9223372036854771711"/);
	t.equal(update(one, "--memory-swap", "9223372036854771711").status, 0, "which needs the limit");
	t.equal(one.delete("--force").status, 0);
});

t.test("created, running, paused; not stopped", { skip: oursOnly }, async (t) => {
	const one = made({ pids: { limit: 20 } });
	t.equal(update(one, "--pids-limit", "21").status, 0);
	t.equal(one.start().status, 0);
	t.equal(update(one, "--pids-limit", "22").status, 0);
	const [directory, file, frozen, thawed] =
		layout === "v1"
			? [hierarchyOf("freezer"), "freezer.state", "FROZEN", "THAWED"]
			: [hierarchyOf(""), "cgroup.freeze", "1", "0"];
	writeFileSync(`${directory}/${one.id}/${file}`, `${frozen}`);
	await eventually(() => one.state().status === "paused", "it is paused");
	t.equal(update(one, "--pids-limit", "23").status, 0);
	t.equal(one.state().status, "paused");
	t.equal(pidsOf(one), "23");
	writeFileSync(`${directory}/${one.id}/${file}`, `${thawed}`);
	t.equal(one.kill("KILL").status, 0);
	await one.stopped();
	const stopped = update(one, "--pids-limit", "24");
	t.equal(stopped.status, 1);
	t.match(stopped.error, /^container not running$/);
	t.equal(one.delete().status, 0);
	t.match(update(one, "--pids-limit", "24").error, /^container does not exist$/);
});

t.test("a document with faults: all of them at once, and nothing is changed", { skip: oursOnly }, async (t) => {
	const one = made({ pids: { limit: 20 } });
	const faulty = updateTo(one, { pids: { limit: "many" }, memory: { swappiness: 101 }, cpu: { idle: 7, shares: -1 } });
	t.equal(faulty.status, 1);
	for (const place of ["/pids/limit", "/memory/swappiness", "/cpu/idle", "/cpu/shares"]) {
		t.match(faulty.error, `resources#${place}: `);
	}
	t.match(updateTo(one, []).error, /^resources: expected an object; found \[\]$/);
	const text = (input: string) => one.runtime.command(["update", "-r", "-", one.id], { input });
	t.match(text('{"pids":{"limit":5},"pids":{"limit":6}}').error, /duplicate name "pids" \(line 1, column 21\)/);
	t.match(text("{").error, /line 1, column 2/);
	t.match(update(one, "-r", "/nonexistent").error, /nonexistent: no such file or directory/);
	t.match(update(one, "-r", "-", "--memory", "5M").error, /--resources and --memory can't be given together/);
	const flags = update(one, "--memory", "5X", "--cpu-quota", "much", "--blkio-weight", "70000");
	t.equal(flags.status, 1);
	for (const words of [
		/memory: "5X" is no size, such as 512M, or -1 for no limit/,
		/cpu-quota: "much" is no number/,
		/blkio-weight: expected .* 65535/,
	]) {
		t.match(flags.error, words);
	}
	t.match(update(one, "--kernel-memory", "5M").error, /memory\.kernel: since Linux 5\.16/);
	t.match(update(one, "--l3-cache-schema", "L3:0=f").error, /Intel RDT\/CAT: l3 cache schema is not enabled/);
	t.match(update(one, "--mem-bw-schema", "MB:0=50").error, /Intel RDT\/MBA: memory bandwidth schema is not enabled/);
	t.equal(pidsOf(one), "20");
	const file = space.path("resources.json");
	writeFileSync(file, '{ "pids": { "limit": 30 }, "somethingNew": true, "memory": null }');
	t.equal(update(one, "--resources", file).status, 0, "unknown properties and nulls are no faults");
	t.equal(pidsOf(one), "30");
	t.equal(one.delete("--force").status, 0);
});

t.test("what this layout of cgroups can't do is refused with the value's name", { skip: oursOnly }, async (t) => {
	const one = made({ memory: { limit: 64 * MiB }, pids: { limit: 20 } });
	const cases: [unknown, string][] =
		layout === "v1"
			? [
					[{ unified: { "memory.high": "1" } }, "/unified"],
					[{ blockIO: { leafWeight: 10 } }, "/blockIO/leafWeight"],
					...(hierarchyOf("net_cls") === undefined
						? [[{ network: { classID: 5 } }, "/network/classID"] as [unknown, string]]
						: []),
				]
			: [
					[{ memory: { swappiness: 5 } }, "/memory/swappiness"],
					[{ memory: { swap: 5 } }, "/memory/swap"],
					[{ cpu: { realtimeRuntime: 5 } }, "/cpu/realtimeRuntime"],
					[{ blockIO: { weight: 1001 } }, "/blockIO/weight"],
					[{ unified: { "memory.nonsense": "1" } }, "/unified/memory.nonsense"],
				];
	for (const [resources, place] of cases) {
		const result = updateTo(one, { pids: { limit: 21 }, ...(resources as object) });
		t.equal(result.status, 1, place);
		t.match(result.error, `(resources#${place})`);
		t.equal(pidsOf(one), "20", "nothing else is changed");
	}
	t.equal(one.delete("--force").status, 0);
});

t.test("checkBeforeUpdate: a limit below what is in use is refused", { skip: oursOnly }, async (t) => {
	const one = container({ memory: { limit: 64 * MiB, checkBeforeUpdate: true } }, (config) => {
		config.process.args = [
			"/bin/sh",
			"-c",
			"dd if=/dev/zero of=/dev/shm/kept bs=1M count=24 2>/dev/null; echo kept; sleep 1000",
		];
	});
	t.equal(one.create().status, 0);
	t.equal(one.start().status, 0);
	await one.printed("kept");
	const before = memoryOf(one);
	const refused = update(one, "--memory", "4M");
	t.equal(refused.status, 1);
	t.match(refused.error, /rejecting memory limit 4194304/);
	t.same(memoryOf(one), before);
	t.equal(one.delete("--force").status, 0);
});

/** Runs `script` in a container with `before`, updates it to `after` when it says `ready`, and returns all that it said. */
async function across(before: Resources, after: Resources, script: string): Promise<string> {
	const flag = space.path(`flag-${Math.random().toString(36).slice(2)}`);
	mkdirSync(flag);
	const one = container(before, (config) => {
		config.mounts.push({ destination: "/flag", type: "bind", source: flag, options: ["bind"] });
		config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["dev"] });
		const wait = "ready() { echo ready; while ! [ -e /flag/go ]; do usleep 20000; done; }";
		config.process.args = ["/bin/sh", "-c", `${wait}\n${script}\necho done`];
	});
	if (one.create().status !== 0 || one.start().status !== 0) throw new Error("the container does not start");
	await one.printed("ready");
	const result = updateTo(one, after);
	if (result.status !== 0) throw new Error(result.stderr);
	writeFileSync(`${flag}/go`, "");
	await one.printed("done");
	const { output } = one;
	await one.stopped();
	one.delete();
	return output;
}

t.test("a new memory limit kills", { skip: oursOnly }, async (t) => {
	const said = await across(
		{ memory: { limit: 256 * MiB, swap: 256 * MiB } },
		{ memory: { limit: 16 * MiB, swap: 16 * MiB } },
		"probe touch 64; echo status $?; ready; probe touch 64; echo status $?",
	);
	t.match(said, /^ok 64\nstatus 0\nready\n(Killed\n)?status 137\ndone$/m);
});

t.test("a new pids limit refuses forks", { skip: oursOnly }, async (t) => {
	const forks = "sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1 | grep -c fork";
	const said = await across({ pids: { limit: 100 } }, { pids: { limit: 5 } }, `${forks}; ready; ${forks}`);
	t.match(said, /^0\nready\n[1-9]/m);
});

t.test("a new quota throttles", { skip: oursOnly }, async (t) => {
	const work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
	const one = container({}, (config) => {
		config.process.args = ["/bin/sh", "-c", `while :; do ${work}; done`];
	});
	t.equal(one.create().status, 0);
	t.equal(one.start().status, 0);
	const throttled = () => Number(/^nr_throttled (\d+)$/m.exec(controlFile("cpu", `/${one.id}`, "cpu.stat"))?.[1]);
	t.equal(throttled(), 0);
	t.equal(update(one, "--cpu-quota", "5000", "--cpu-period", "50000").status, 0);
	await eventually(() => throttled() > 2, "it is throttled");
	t.equal(one.delete("--force").status, 0);
});

t.test("a new cpuset moves processes", { skip: oursOnly }, async (t) => {
	const said = await across(
		{ cpu: { cpus: "0-1" } },
		{ cpu: { cpus: "1" } },
		"nproc; ready; nproc; grep Cpus_allowed_list /proc/self/status",
	);
	t.match(said, /^2\nready\n1\nCpus_allowed_list:\t1\ndone$/m);
});

t.test(
	"new device rules hold, those that stay hold all the time, and bare denial changes nothing",
	{ skip: oursOnly },
	async (t) => {
		const look =
			"probe open-read /tmp/loop; probe open-write /tmp/loop; probe open-read /tmp/fuse; probe open-write /dev/null";
		const nodes = "probe mknod /tmp/loop 10 237 >/dev/null; probe mknod /tmp/fuse 10 229 >/dev/null";
		const fuse = { ...loop, minor: 229, access: "rw" };
		const script = `${nodes}; ${look}; ready; ${look}`;
		const words = (text: string) =>
			text
				.trim()
				.split("\n")
				.map((line) => line.split(" ", 1)[0]);
		const less = words(await across({ devices: [deny, { ...loop, access: "rw" }] }, { devices: [deny, fuse] }, script));
		t.same(less, ["ok", "ok", "EPERM", "ok", "ready", "EPERM", "EPERM", "ok", "ok", "done"]);
		const same = words(await across({ devices: [deny, loop] }, { devices: [deny] }, script));
		t.same(same, ["ok", "EPERM", "EPERM", "ok", "ready", "ok", "EPERM", "EPERM", "ok", "done"]);
		const all = words(await across({ devices: [deny, loop] }, { devices: [{ allow: true, access: "rwm" }] }, script));
		t.same(all, ["ok", "EPERM", "EPERM", "ok", "ready", "ok", "ok", "ok", "ok", "done"]);
		const none = words(await across({ devices: [{ allow: true, access: "rwm" }] }, { devices: [deny, loop] }, script));
		t.same(none, ["ok", "ok", "ok", "ok", "ready", "ok", "EPERM", "EPERM", "ok", "done"]);

		// One that is in both lists is opened again and again while the rules go from one to the other.
		const one = container({ devices: [deny, loop] }, (config) => {
			config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["dev"] });
			config.process.args = [
				"/bin/sh",
				"-c",
				`${nodes}; echo ready; while probe open-read /tmp/loop >/dev/null; do :; done; echo refused; sleep 1000`,
			];
		});
		t.equal(one.create().status, 0);
		t.equal(one.start().status, 0);
		await one.printed("ready");
		for (let round = 0; round < 20; round++) {
			t.equal(updateTo(one, { devices: round % 2 === 0 ? [deny, loop, fuse] : [deny, loop] }).status, 0);
		}
		t.notMatch(one.output, /refused/);
		t.equal(updateTo(one, { devices: [deny, fuse] }).status, 0);
		await one.printed("refused");
		t.equal(one.delete("--force").status, 0);
	},
);

t.test(
	"updates at once: one after the other, the record has what the kernel has, and the container runs",
	{ skip: oursOnly },
	async (t) => {
		const one = container({ pids: { limit: 20 } });
		t.equal(one.run(["--detach"]).status, 0);
		const limits = [31, 32, 33, 34, 35, 36];
		const ended = async (args: string[]) => {
			const child = one.runtime.spawn(args, { stdio: ["ignore", "pipe", "inherit"] });
			let stdout = "";
			child.stdout?.on("data", (data: Buffer) => {
				stdout += data;
			});
			const [status] = (await once(child, "close")) as [number | null];
			return { status, stdout };
		};
		const updates = limits.map((limit) => ended(["update", "--pids-limit", `${limit}`, one.id]));
		const states = limits.map(() => ended(["state", one.id]));
		for (const { status } of await Promise.all(updates)) t.equal(status, 0);
		for (const { stdout } of await Promise.all(states)) t.equal(JSON.parse(stdout).status, "running");
		t.equal(JSON.parse(recordOf(one)).runtime_ts.resources.pids.limit, Number(pidsOf(one)));
		t.equal(one.delete("--force").status, 0);
	},
);

t.test("a hook of the create can't update its container, and is told at once", { skip: oursOnly }, async (t) => {
	const said = space.path("hook-said");
	const one = container({ pids: { limit: 20 } }, (config) => {
		const [file, ...words] = space.runtime.argv(
			["update", "--pids-limit", "30", config.linux.cgroupsPath.slice(1)],
			[],
		);
		const command = [file, ...words].map((word) => `'${word}'`).join(" ");
		config.hooks = {
			createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `${command} >${said} 2>&1; true`], timeout: 10 }],
		};
	});
	t.equal(one.create().status, 0);
	t.match(readFileSync(said, "utf8"), /^cannot update a container in the creating state\n/);
	t.equal(pidsOf(one), "20");
	t.equal(one.delete("--force").status, 0);
});

nothingLeft(t, space);
