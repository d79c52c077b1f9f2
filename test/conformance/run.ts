/**
 * Runs the programs of the OCI runtime-tools suite against the standalone binary, and prints a table:
 *
 *     make conformance VALIDATION=<folder of built programs> [PEERS="crun runc"] [ONLY=<regular expression>]
 *
 * The suite is github.com/opencontainers/runtime-tools, its folder validation/. Commit 260e151 is the last that the Go of
 * Debian 12 (golang-go, 1.19) builds; outside of this repository:
 *
 *     git clone https://github.com/opencontainers/runtime-tools && cd runtime-tools && git checkout 260e151
 *     make -j4 GOFLAGS=-mod=vendor runtimetest validation-executables
 *
 * and then VALIDATION=runtime-tools/validation. Root only. A program that fails has to have a reason in known.ts and to
 * fail for it alone; one that passes must have none; nothing may be left of either. Anything else is status 1. Programs
 * that take longer than 60 seconds are ended with all that they started. PEERS are run for comparison: nothing is expected
 * of them. ONLY selects programs by name.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { knownFailure, knownFailures } from "./known.js";
import { findSuite, nameOf, type Run, runProgram, type Suite } from "./suite.js";
import { judge, unexpected, type Verdict } from "./verdict.js";

const LIMIT_MS = 60_000;
const TRIES = 5;

interface Outcome extends Verdict {
	run: Run;
}

async function attempt(suite: Suite, program: string, runtime: string): Promise<Outcome> {
	const run = await runProgram(suite, program, runtime, LIMIT_MS);
	return { run, ...judge(run, LIMIT_MS) };
}

/** Again, for a program that loses a race; the last run counts. */
async function attempts(suite: Suite, program: string, runtime: string): Promise<Outcome> {
	const tries = knownFailure(nameOf(program))?.races ? TRIES : 1;
	let outcome = await attempt(suite, program, runtime);
	for (let count = 1; count < tries && !outcome.passed && outcome.run.leaks.length === 0; count++) {
		outcome = await attempt(suite, program, runtime);
	}
	return outcome;
}

/** Why this outcome makes the command fail. */
function complaints(program: string, { run, ...verdict }: Outcome): string[] {
	const known = knownFailure(program);
	const complaint = unexpected(run, verdict, known);
	const lost = known?.races && !verdict.passed ? [`lost its race ${TRIES} times in a row`] : [];
	return [...(complaint === undefined ? [] : [complaint]), ...lost, ...run.leaks.map((leak) => `left behind: ${leak}`)];
}

async function main(): Promise<number> {
	const { values, positionals } = parseArgs({
		options: {
			runtime: { type: "string", default: "build/runtime-ts" },
			peer: { type: "string", multiple: true, default: [] },
			only: { type: "string", default: "" },
		},
		allowPositionals: true,
	});
	const [validation] = positionals;
	if (!validation) throw new Error("VALIDATION is not set: the folder of the suite's built programs");
	if (process.getuid?.() !== 0) throw new Error("the suite makes containers, which takes root");
	const suite = findSuite(resolve(validation));
	const all = suite.programs.map(nameOf);
	const stale = Object.keys(knownFailures).filter((name) => !all.includes(name));
	const programs = suite.programs.filter((program) => new RegExp(values.only).test(nameOf(program)));

	const width = Math.max(...all.map((name) => name.length));
	const columns = ["runtime-ts", ...values.peer];
	console.log(`${"program".padEnd(width)}  ${columns.map((name) => name.padEnd(10)).join("  ")}  reason`);
	const passed = columns.map(() => 0);
	const wrong: string[] = [];
	for (const program of programs) {
		const name = nameOf(program);
		const own = await attempts(suite, program, resolve(values.runtime));
		const outcomes = [own];
		for (const peer of values.peer) outcomes.push(await attempts(suite, program, peer));
		for (const [index, outcome] of outcomes.entries()) if (outcome.passed) passed[index] = (passed[index] ?? 0) + 1;
		const cells = outcomes.map((outcome) => (outcome.passed ? "pass" : "fail").padEnd(10));
		const reason = own.passed ? "" : (knownFailure(name)?.reason ?? "");
		console.log(`${name.padEnd(width)}  ${cells.join("  ")}  ${reason}`.trimEnd());
		for (const complaint of complaints(name, own)) {
			wrong.push(name);
			console.log(`    ${complaint}`);
		}
	}
	const totals = columns.map((name, index) => `${name} ${passed[index]}`).join(", ");
	console.log(`\nof ${programs.length} programs pass: ${totals}`);
	for (const name of stale) console.log(`known.ts has a reason for ${name}, which is no program of this suite`);
	if (wrong.length > 0) console.log(`unexpected: ${[...new Set(wrong)].join(", ")}`);
	return wrong.length + stale.length > 0 ? 1 : 0;
}

process.exitCode = await main().catch((error: Error) => {
	console.error(`conformance: ${error.message}`);
	return 1;
});
