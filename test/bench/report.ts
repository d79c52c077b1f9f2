/** The tables of the bench: plain text, one per question. */
import { cpus, release, totalmem } from "node:os";
import type { Runtime } from "./runtimes.js";
import type { Measurement, Memory, Sample } from "./schedule.js";
import { quantile, summarize } from "./statistics.js";

/** First column to the left, the others to the right. */
export function table(header: string[], rows: string[][]): string {
	const lines = [header, ...rows];
	const widths = header.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
	return lines
		.map((cells) =>
			cells
				.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
				.join("  ")
				.trimEnd(),
		)
		.join("\n");
}

const fixed = (value: number, digits = 2): string => value.toFixed(digits);
const median = (samples: Sample[], field: keyof Sample): number =>
	quantile(
		samples.map((sample) => sample[field]),
		0.5,
	);

export function machineFacts(runtimes: Runtime[]): string {
	const processors = cpus();
	return [
		`Linux ${release()}, ${processors.length} × ${processors[0]?.model.trim() ?? "unknown processor"}, ` +
			`${Math.round(totalmem() / 2 ** 30)} GiB`,
		runtimes.map((runtime) => `${runtime.name} ${runtime.version}`).join(", "),
	].join("\n");
}

/** Everyone's `run`, with the ratio of its median to that of each of `references`. */
export function runTable(measurement: Measurement, references: string[]): string {
	const medians = new Map([...measurement.samples].map(([name, samples]) => [name, median(samples, "wallMs")]));
	const known = references.filter((name) => medians.has(name));
	const rows = [...measurement.samples].map(([name, samples]) => {
		const wall = summarize(samples.map((sample) => sample.wallMs));
		return [
			name,
			...[wall.median, wall.min, wall.p90].map((value) => fixed(value)),
			fixed(median(samples, "cpuMs")),
			fixed(median(samples, "peakKiB") / 1024, 1),
			...known.map((reference) => fixed(wall.median / (medians.get(reference) ?? Number.NaN))),
		];
	});
	return table(["", "median ms", "min", "p90", "cpu ms", "peak MiB", ...known.map((name) => `/ ${name}`)], rows);
}

const verbs = ["create", "start", "delete", "state", "kill"];

/** Medians of each command for each runtime, and the ratio of the first runtime to the others. */
export function lifecycleTable(measurement: Measurement, runtimes: Runtime[]): string {
	const of = (runtime: Runtime, verb: string): number[] =>
		(measurement.samples.get(`${runtime.name} ${verb}`) ?? []).map((sample) => sample.wallMs);
	const total = (runtime: Runtime): number[] => {
		const [create, start, remove] = ["create", "start", "delete"].map((verb) => of(runtime, verb));
		return (create ?? []).map((value, round) => value + (start?.[round] ?? 0) + (remove?.[round] ?? 0));
	};
	const row = (label: string, samples: (runtime: Runtime) => number[]): string[] => {
		const medians = runtimes.map((runtime) => quantile(samples(runtime), 0.5));
		const [ours = Number.NaN, ...others] = medians;
		return [label, ...medians.map((value) => fixed(value)), ...others.map((value) => fixed(ours / value))];
	};
	const rows = verbs.map((verb) => row(verb, (runtime) => of(runtime, verb)));
	rows.splice(3, 0, row("the three together", total));
	return table(["median ms", ...comparison(runtimes)], rows);
}

/** Medians of wall and processor time (user and system) of exec, and the ratio of the first runtime to the others. */
export function execTable(measurement: Measurement, runtimes: Runtime[]): string {
	const row = (label: string, key: string, field: "wallMs" | "cpuMs"): string[] => {
		const medians = runtimes.map(({ name }) => median(measurement.samples.get(`${name} ${key}`) ?? [], field));
		const [ours = Number.NaN, ...others] = medians;
		return [label, ...medians.map((value) => fixed(value)), ...others.map((value) => fixed(ours / value))];
	};
	return table(
		["median ms", ...comparison(runtimes)],
		[
			row("exec /bin/true, wall", "exec", "wallMs"),
			row("exec /bin/true, processor", "exec", "cpuMs"),
			row("exec --process --detach, wall", "probe", "wallMs"),
			row("exec --process --detach, processor", "probe", "cpuMs"),
		],
	);
}

export function memoryTable(run: Measurement, created: Measurement, life: Measurement, runtimes: Runtime[]): string {
	const held = (runtime: Runtime, field: keyof Memory): number =>
		quantile(
			(created.memory.get(runtime.name) ?? []).map((memory) => memory[field]),
			0.5,
		);
	const peak = (measurement: Measurement, key: (runtime: Runtime) => string) => (runtime: Runtime) =>
		median(measurement.samples.get(key(runtime)) ?? [], "peakKiB");
	const row = (label: string, value: (runtime: Runtime) => number): string[] => {
		const [ours = Number.NaN, ...others] = runtimes.map(value);
		return [label, ...[ours, ...others].map((kib) => fixed(kib / 1024)), ...others.map((kib) => fixed(ours / kib))];
	};
	return table(
		["MiB", ...comparison(runtimes)],
		[
			row(
				"peak of run",
				peak(run, (runtime) => runtime.name),
			),
			row(
				"peak of create",
				peak(life, (runtime) => `${runtime.name} create`),
			),
			row("created init, private", (runtime) => held(runtime, "privateKiB")),
			row("created init, proportional", (runtime) => held(runtime, "proportionalKiB")),
		],
	);
}

function comparison(runtimes: Runtime[]): string[] {
	const [ours, ...others] = runtimes.map((runtime) => runtime.name);
	return [ours ?? "", ...others, ...others.map((name) => `${ours} / ${name}`)];
}
