/**
 * Measures runtime-ts against crun and runc, interleaved in one run, and against the kernel-work floor (floor.c).
 *
 * Two pacings of `run`: back to back, and with the machine idle before each. The second is what a person or an engine
 * sees: moving a process between v1 cgroups waits for an RCU grace period that a busy machine has in hand anyway.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { makeRootfs } from "./bundle.js";
import { type BenchOptions, parseOptions, usage } from "./options.js";
import { execTable, lifecycleTable, machineFacts, memoryTable, runTable } from "./report.js";
import { endSleeping, environment, preflight, prepare, type Runtime, startSleeping, sweep } from "./runtimes.js";
import {
	execSchedule,
	lifecycleSchedule,
	type Measurement,
	measure,
	memorySchedule,
	runContender,
	runSchedule,
} from "./schedule.js";

const here = dirname(fileURLToPath(import.meta.url));

/** Compiles NAME.c to build/bench/NAME when that is missing or older. */
function compile(name: string): string {
	const source = join(here, `${name}.c`);
	const target = resolve("build/bench", name);
	if (existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs) return target;
	mkdirSync(dirname(target), { recursive: true });
	execFileSync("cc", ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-static", "-o", target, source], { stdio: "inherit" });
	return target;
}

function bench(options: BenchOptions, work: string, state: string): number {
	const timer = compile("time");
	const floor = compile("floor");
	const rootfs = join(work, "rootfs");
	makeRootfs(rootfs);
	const places = { work, state, rootfs };
	const wanted: [string, string][] = [
		["runtime-ts", resolve(options.runtime)],
		["crun", "crun"],
		["runc", "runc"],
	];
	const runtimes: Runtime[] = [];
	const problems: string[] = [];
	for (const [name, command] of wanted) {
		const runtime = prepare(name, command, places);
		const problem = runtime === undefined ? `${name}: ${command} is not installed` : preflight(runtime);
		if (runtime !== undefined && problem === undefined) runtimes.push(runtime);
		else problems.push(problem ?? "");
		if (runtime !== undefined && problem !== undefined) sweep(runtime);
	}
	for (const problem of problems) console.error(`left out: ${problem}`);
	if (runtimes.length === 0) return 1;

	try {
		const contenders = [
			...runtimes.map(runContender),
			{ name: "floor", command: () => [floor, rootfs] },
			{ name: "empty process", command: () => [timer, "--exit"] },
		];
		const warm = (schedule: string[]) => measure(timer, work, schedule);
		warm(runSchedule(contenders, 2, 0));
		const run = measure(timer, work, runSchedule(contenders, options.rounds, 0));
		const idle = measure(timer, work, runSchedule(contenders, options.rounds, options.gapMs));
		const life = measure(timer, work, lifecycleSchedule(runtimes, options.rounds));
		const created = measure(timer, work, memorySchedule(runtimes, Math.min(options.rounds, 10)));
		for (const [key, samples] of created.samples) if (key !== "-") life.samples.set(key, samples);
		for (const runtime of runtimes) startSleeping(runtime);
		const exec = measure(timer, work, execSchedule(runtimes, options.rounds, 0));
		const idleExec = measure(timer, work, execSchedule(runtimes, options.rounds, options.gapMs));
		const measurements = { run, idle, life, created, exec, idleExec };
		if (options.json) printJson(options, runtimes, measurements);
		else printTables(options, runtimes, measurements);
		const [first] = runtimes;
		if (options.trace && first?.name === "runtime-ts") printTraces(first, floor, rootfs);
	} finally {
		for (const runtime of runtimes) {
			endSleeping(runtime);
			clean(runtime);
		}
	}
	return runtimes[0]?.name === "runtime-ts" ? 0 : 1;
}

interface Measurements {
	run: Measurement;
	idle: Measurement;
	life: Measurement;
	created: Measurement;
	exec: Measurement;
	idleExec: Measurement;
}

function printTables(options: BenchOptions, runtimes: Runtime[], measurements: Measurements): void {
	const { run, idle, life, created, exec, idleExec } = measurements;
	const references = ["crun", "runc", "floor"];
	console.log(machineFacts(runtimes));
	console.log(`${options.rounds} rounds of each, everyone in every round, order rotated`);
	console.log(`\nrun of /bin/true, back to back\n\n${runTable(run, references)}`);
	console.log(`\nrun of /bin/true, ${options.gapMs} ms idle before each\n\n${runTable(idle, references)}`);
	console.log(`\none container's life\n\n${lifecycleTable(life, runtimes)}`);
	console.log(`\nanother process in it, back to back\n\n${execTable(exec, runtimes)}`);
	console.log(`\nanother process in it, ${options.gapMs} ms idle before each\n\n${execTable(idleExec, runtimes)}`);
	console.log(`\nmemory\n\n${memoryTable(run, created, life, runtimes)}`);
	console.log("\nfloor: a static C program that makes the same system calls and decides nothing (test/bench/floor.c)");
}

function printJson(options: BenchOptions, runtimes: Runtime[], measurements: Measurements): void {
	const plain = Object.entries(measurements).map(([name, { samples, memory }]: [string, Measurement]) => [
		name,
		{ samples: Object.fromEntries(samples), memory: Object.fromEntries(memory) },
	]);
	const machine = machineFacts(runtimes);
	console.log(JSON.stringify({ machine, options, runtimes, ...Object.fromEntries(plain) }, undefined, "\t"));
}

function printTraces(runtime: Runtime, floor: string, rootfs: string): void {
	console.log(`\nwhere the time of one run goes: ${runtime.name}\n`);
	const { path, root, bundle } = runtime;
	spawnSync(path, ["--root", root, "--trace", "run", "--bundle", bundle, "traced"], {
		env: environment,
		stdio: "inherit",
	});
	console.log("\nwhere the time of one run goes: floor\n");
	spawnSync(floor, ["--trace", rootfs], { env: environment, stdio: "inherit" });
}

/** Containers and cgroups that a failed round left; a runtime that leaks is named. */
function clean(runtime: Runtime): void {
	for (const id of sweep(runtime)) console.error(`${runtime.name} left container ${id}`);
	const hierarchies = readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name));
	for (const directory of ["/sys/fs/cgroup", ...hierarchies].map((parent) => join(parent, runtime.cgroup))) {
		if (!existsSync(directory)) continue;
		console.error(`${runtime.name} left ${directory}`);
		rmdirSync(directory);
	}
}

function main(argv: string[]): number {
	const options = parseOptions(argv);
	if (options === "help") {
		console.log(usage);
		return 0;
	}
	if (process.geteuid?.() !== 0) throw new Error("containers need root here: sudo make bench");
	if (!existsSync("/bin/busybox")) throw new Error("needs /bin/busybox (Debian: busybox-static)");
	const work = mkdtempSync(join(tmpdir(), "runtime-ts-bench-"));
	// State belongs on a tmpfs, where every engine has it.
	const state = mkdtempSync("/run/runtime-ts-bench-");
	try {
		return bench(options, work, state);
	} finally {
		rmSync(work, { recursive: true, force: true });
		rmSync(state, { recursive: true, force: true });
	}
}

try {
	process.exitCode = main(process.argv.slice(2));
} catch (error) {
	console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
}
