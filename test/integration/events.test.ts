import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { hostMounts } from "../support/leaks.js";
import { failed, finished, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

if (runtimeName === "crun") {
	t.plan(0, "crun has no events");
	process.exit(0);
}
const space = workspace(t);
const deny = { allow: false, access: "rwm" };
const unified = hostMounts().some(({ type }) => type === "cgroup") ? "" : "/sys/fs/cgroup";
const megabyte = 1 << 20;
/** Takes memory until the kernel kills it. */
const glutton = `awk 'BEGIN { x = "x"; while (1) x = x x }'`;

interface Stats {
	type: string;
	id: string;
	data: {
		cpu: { usage: Record<string, number>; throttling: object; psi?: object };
		memory: { usage: Record<string, number>; swap: object; raw: Record<string, number>; psi?: object };
		pids: { current: number; limit?: number };
		blkio: object;
		hugetlb: object;
		intel_rdt: object;
		network_interfaces: unknown[] | null;
	};
}

function shell(script: string, edit: Edit = () => {}): Container {
	const container = space.container((config, bundle) => {
		config.process.args = ["/bin/sh", "-c", script];
		config.linux.resources = { devices: [deny], memory: { limit: 32 * megabyte }, pids: { limit: 50 } };
		edit(config, bundle);
	});
	const result = container.create();
	if (result.status !== 0) throw new Error(result.stderr);
	return container;
}

const once = (container: Container) => container.runtime.command(["events", "--stats", container.id]);

/** The stream, read while it runs. */
class Stream {
	readonly child: ChildProcess;
	text = "";

	constructor(container: Container, ...options: string[]) {
		this.child = container.runtime.spawn(["events", ...options, container.id], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		this.child.stdout?.on("data", (data: Buffer) => {
			this.text += data.toString();
		});
	}

	/** What is whole of it, as documents. */
	get events(): { type: string; id: string }[] {
		return this.text
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line));
	}

	get types(): string[] {
		return this.events.map(({ type }) => type);
	}
}

t.test("statistics, once: the kernel's own numbers", async (t) => {
	const container = shell("sleep 1000 & echo ready; wait");
	t.equal(container.start().status, 0);
	await container.printed("ready");
	const result = once(container);
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stderr, "");
	t.match(result.stdout, /^\{"type":"stats","id":"[^"]+","data":\{.*\}\}\n$/, "one line");
	const stats = JSON.parse(result.stdout) as Stats;
	t.equal(stats.id, container.id);
	const { cpu, memory, pids, ...rest } = stats.data;
	t.match(pids, { current: 2, limit: 50 });
	t.equal(memory.usage.limit, 32 * megabyte);
	t.ok((memory.usage.usage ?? 0) > 0 && (memory.usage.usage ?? 0) < 32 * megabyte);
	t.ok((cpu.usage.total ?? 0) > 0);
	t.match(rest, { blkio: {}, hugetlb: {}, intel_rdt: {}, network_interfaces: null });
	if (unified !== "") {
		t.match(cpu.psi, { some: { avg10: Number, total: Number }, full: { avg300: Number } });
		t.equal(memory.raw.file, readNumber(container, "memory.stat", "file"));
	}
	t.equal(container.delete("--force").status, 0);
});

function readNumber(container: Container, file: string, key: string): number {
	const text = readFileSync(`${unified}/${container.id}/${file}`, "utf8");
	return Number(new RegExp(`^${key} (\\d+)$`, "m").exec(text)?.[1]);
}

t.test("64-bit numbers are exact", async (t) => {
	const container = shell("exec sleep 1000", (config) => {
		config.linux.resources = { devices: [deny] };
	});
	const text = once(container).stdout;
	// No limit: the largest number of pages on v1, of bytes on v2; both are beyond what a double holds.
	const limit = unified === "" ? "9223372036854771712" : "18446744073709551615";
	t.match(text, new RegExp(`"memory":\\{("cache":\\d+,)?"usage":\\{"limit":${limit},`));
	t.equal(container.delete("--force").status, 0);
});

t.test("the network devices of the container", { skip: oursOnly }, async (t) => {
	const container = shell("exec sleep 1000");
	const { pid } = container.state();
	const inside = (...words: string[]) =>
		new Promise((resolve) =>
			spawn("nsenter", ["-t", `${pid}`, "-n", ...words], { stdio: "inherit" }).once("exit", resolve),
		);
	t.equal(await inside("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"), 0);
	t.match(JSON.parse(once(container).stdout), {
		data: {
			network_interfaces: [
				{ Name: "eth1", RxBytes: 0, TxErrors: 0 },
				{ Name: "eth0", TxBytes: 0 },
			],
		},
	});
	t.equal(container.delete("--force").status, 0);
});

t.test("the stream: an event each interval, and it ends with the container", async (t) => {
	const container = shell("exec sleep 1000");
	t.equal(container.start().status, 0);
	const started = Date.now();
	const stream = new Stream(container, "--interval", "200ms");
	await eventually(() => stream.events.length >= 3, "three events came");
	t.ok(Date.now() - started >= 600, "not earlier than they should");
	t.same([...new Set(stream.types)], ["stats"]);
	t.ok(stream.events.every(({ id }) => id === container.id));
	t.equal(container.kill("KILL").status, 0);
	if (runtimeName === "runtime-ts") t.equal(await finished(stream.child), 0);
	t.equal(container.delete().status, 0);
	t.equal(await finished(stream.child), 0);
});

t.test("in the next five seconds nothing is printed by default", { skip: oursOnly }, async (t) => {
	const container = shell("exec sleep 1000");
	const stream = new Stream(container);
	await delay(700);
	t.equal(stream.text, "");
	t.equal(container.delete("--force").status, 0);
	t.equal(await finished(stream.child), 0);
});

t.test("a child is killed for its memory: oom, and the container goes on", async (t) => {
	const container = shell(`read x; ${glutton}; echo survived; exec sleep 1000`);
	const stream = await killing(container);
	await eventually(() => stream.types.includes("oom"), "the OOM event comes");
	await container.printed("survived");
	t.match(
		stream.events.find(({ type }) => type === "oom"),
		{ type: "oom", id: container.id },
	);
	t.notOk("data" in (stream.events.find(({ type }) => type === "oom") ?? {}));
	const { data } = JSON.parse(once(container).stdout) as Stats;
	if (unified === "") t.ok((data.memory.usage.failcnt ?? 0) > 0, "the limit was hit");
	t.equal(container.delete("--force").status, 0);
	t.equal(await finished(stream.child), 0);
	if (runtimeName === "runtime-ts") t.equal(stream.types.filter((type) => type === "oom").length, 1, "and only once");
});

t.test(
	"the first process itself is killed: oom is the last word",
	{ skip: unlessPeer({ runc: "may end before it has told" }) },
	async (t) => {
		const container = shell(`exec ${glutton}`);
		const stream = await killing(container);
		await container.stopped();
		t.equal(await finished(stream.child), 0);
		t.same(stream.types, ["oom"]);
		t.equal(container.delete().status, 0);
	},
);

/** Starts the stream first, then the container, whose program waits for nobody. */
async function killing(container: Container): Promise<Stream> {
	const stream = new Stream(container, "--interval", "1h");
	// It listens when it sleeps in poll(2): 7 on x86-64, ppoll(2), 73, on Arm. Before that it could miss the event.
	await eventually(() => {
		const call = readFileSync(`/proc/${stream.child.pid}/syscall`, "utf8").split(" ")[0] ?? "";
		return ["7", "73"].includes(call) || runtimeName === "runc";
	}, "it listens");
	if (runtimeName === "runc") await delay(300);
	const result = container.start();
	if (result.status !== 0) throw new Error(result.stderr);
	return stream;
}

t.test("nobody reads the stream any more: it ends", { skip: oursOnly }, async (t) => {
	const container = shell("exec sleep 1000");
	const stream = new Stream(container, "--interval", "1h");
	await delay(300);
	t.equal(stream.child.exitCode, null);
	stream.child.stdout?.destroy();
	t.equal(await finished(stream.child), 0);
	t.equal(container.delete("--force").status, 0);
});

t.test("a paused container has statistics", async (t) => {
	const container = shell("exec sleep 1000");
	t.equal(container.start().status, 0);
	t.equal(container.runtime.command(["pause", container.id]).status, 0);
	t.match(JSON.parse(once(container).stdout), { type: "stats", data: { pids: { current: 1 } } });
	t.equal(container.delete("--force").status, 0);
});

t.test("refused: a stopped container, an unknown one, a bad interval", async (t) => {
	const container = shell("exec sleep 1000");
	const interval = (text: string) => container.runtime.command(["events", "--interval", text, container.id]);
	for (const text of ["0", "0s", "-1s"]) {
		const result = interval(text);
		t.ok(failed(result));
		t.match(result.error, "duration interval must be greater than 0");
	}
	const bad = interval("soon");
	t.ok(failed(bad));
	t.match(bad.stderr, 'invalid value "soon" for flag -interval');
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	for (const result of [once(container), interval("1s")]) {
		t.ok(failed(result));
		t.match(result.error, `container with id ${container.id} is not running`);
	}
	t.equal(container.delete().status, 0);
	const unknown = once(container);
	t.ok(failed(unknown));
	t.match(unknown.error, "container does not exist");
});

nothingLeft(t, space);
