/** Command line of the bench. */
import { parseArgs } from "node:util";

export interface BenchOptions {
	rounds: number;
	gapMs: number;
	runtime: string;
	json: boolean;
	trace: boolean;
}

export const usage = `usage: bench [--rounds N] [--quick] [--gap MS] [--runtime PATH] [--trace] [--json]
  --rounds N      rounds of each measurement (default 40)
  --quick         10 rounds
  --gap MS        idle time before each run of the second table (default 100)
  --runtime PATH  the runtime to measure (default build/runtime-ts)
  --trace         where the time of one run goes, step by step
  --json          all samples as JSON instead of tables`;

/** Throws an Error whose message can be shown when the arguments are not understood. */
export function parseOptions(argv: string[]): BenchOptions | "help" {
	const { values } = parseArgs({
		args: argv,
		options: {
			rounds: { type: "string" },
			quick: { type: "boolean", default: false },
			gap: { type: "string", default: "100" },
			runtime: { type: "string", default: "build/runtime-ts" },
			trace: { type: "boolean", default: false },
			json: { type: "boolean", default: false },
			help: { type: "boolean", short: "h", default: false },
		},
	});
	if (values.help) return "help";
	return {
		rounds: count("--rounds", values.rounds ?? (values.quick ? "10" : "40"), 1),
		gapMs: count("--gap", values.gap, 0),
		runtime: values.runtime,
		json: values.json,
		trace: values.trace,
	};
}

function count(option: string, text: string, least: number): number {
	const value = Number(text);
	if (!Number.isInteger(value) || value < least)
		throw new Error(`${option}: want a whole number from ${least}, got ${text}`);
	return value;
}
