/** The schedules that time.c runs, and its answers. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, type Runtime, sleepingId } from "./runtimes.js";
import { rotate } from "./statistics.js";

export interface Sample {
	wallMs: number;
	cpuMs: number;
	peakKiB: number;
}
export interface Memory {
	privateKiB: number;
	proportionalKiB: number;
}
export interface Measurement {
	samples: Map<string, Sample[]>;
	memory: Map<string, Memory[]>;
}

/** Something that `run` is compared with: a runtime, the floor, the empty process. */
export interface Contender {
	name: string;
	command: (id: string) => string[];
}

const line = (...words: string[]): string => words.join("\t");

export function runContender(runtime: Runtime): Contender {
	return {
		name: runtime.name,
		command: (id) => [runtime.path, "--root", runtime.root, "run", "--bundle", runtime.bundle, id],
	};
}

/** `run` of everyone, round by round, with `gapMs` of idle machine before each. */
export function runSchedule(contenders: Contender[], rounds: number, gapMs: number): string[] {
	const lines: string[] = [];
	for (let round = 0; round < rounds; round++) {
		for (const { name, command } of rotate(contenders, round)) {
			if (gapMs > 0) lines.push(line("!sleep", String(gapMs)));
			lines.push(line(name, ...command(`bench-${round}`)));
		}
	}
	return lines;
}

/** create, state, start, (end of /bin/true), delete; keys are `runtime command`. */
export function lifecycleSchedule(runtimes: Runtime[], rounds: number): string[] {
	const lines: string[] = [];
	for (let round = 0; round < rounds; round++) {
		for (const { name, path, root, bundle } of rotate(runtimes, round)) {
			const id = `bench-life-${round}`;
			const pidFile = join(bundle, "pid");
			const command = (verb: string, ...rest: string[]) =>
				line(`${name} ${verb}`, path, "--root", root, verb, ...rest, id);
			lines.push(
				command("create", "--bundle", bundle, "--pid-file", pidFile),
				command("state"),
				command("start"),
				line("!reap", pidFile),
				command("delete"),
			);
		}
	}
	return lines;
}

/**
 * /bin/true in a container that runs: as a person calls it, and as containerd does for each probe of Kubernetes (the process
 * in a file, detached, a pid file). Keys are `runtime exec` and `runtime probe`.
 */
export function execSchedule(runtimes: Runtime[], rounds: number, gapMs: number): string[] {
	const lines: string[] = [];
	for (let round = 0; round < rounds; round++) {
		for (const { name, path, root, sleepingBundle } of rotate(runtimes, round)) {
			const pidFile = join(sleepingBundle, "pid");
			const file = join(sleepingBundle, "process.json");
			const command = (key: string, ...rest: string[]) => {
				if (gapMs > 0) lines.push(line("!sleep", String(gapMs)));
				lines.push(line(`${name} ${key}`, path, "--root", root, "exec", ...rest));
			};
			command("exec", sleepingId, "/bin/true");
			command("probe", "--process", file, "--detach", "--pid-file", pidFile, sleepingId);
			lines.push(line("!reap", pidFile));
		}
	}
	return lines;
}

/** What a created container holds while it waits for `start`; it is killed then. */
export function memorySchedule(runtimes: Runtime[], rounds: number): string[] {
	const lines: string[] = [];
	for (let round = 0; round < rounds; round++) {
		for (const { name, path, root, bundle } of rotate(runtimes, round)) {
			const id = `bench-memory-${round}`;
			const pidFile = join(bundle, "pid");
			lines.push(
				line("-", path, "--root", root, "create", "--bundle", bundle, "--pid-file", pidFile, id),
				line("!show", name, pidFile),
				line(`${name} kill`, path, "--root", root, "kill", id, "KILL"),
				line("!reap", pidFile),
				line("-", path, "--root", root, "delete", id),
			);
		}
	}
	return lines;
}

/** Runs a schedule. A command that fails ends the bench: figures of a runtime that fails mean nothing. */
export function measure(timer: string, work: string, schedule: string[]): Measurement {
	const file = join(work, "schedule");
	const stderr = join(work, "stderr");
	writeFileSync(file, `${schedule.join("\n")}\n`);
	writeFileSync(stderr, "");
	const answer = spawnSync(timer, [file, stderr], { encoding: "utf8", env: environment, maxBuffer: 64 << 20 });
	const lines = answer.stdout.split("\n").filter((text) => text !== "");
	if (answer.status !== 0) {
		const said = existsSync(stderr) ? readFileSync(stderr, "utf8").trim() : "";
		throw new Error(`a measured command failed: ${lines.at(-1) ?? ""}\n${said}${answer.stderr}`);
	}
	return parse(lines);
}

function parse(lines: string[]): Measurement {
	const result: Measurement = { samples: new Map(), memory: new Map() };
	for (const text of lines) {
		const [key = "", ...fields] = text.split("\t");
		const [first = 0, second = 0, third = 0] = fields.map(Number);
		if (fields.length === 2) {
			append(result.memory, key, { privateKiB: first, proportionalKiB: second });
		} else {
			append(result.samples, key, { wallMs: first / 1e6, cpuMs: second / 1e3, peakKiB: third });
		}
	}
	return result;
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
	const list = map.get(key);
	if (list === undefined) map.set(key, [value]);
	else list.push(value);
}
