/** Whether a run of one program went as it should. */
import type { KnownFailure } from "./known.js";
import type { Run } from "./suite.js";
import { parseTap } from "./tap.js";

export interface Verdict {
	passed: boolean;
	/** What went wrong, one line each. */
	problems: string[];
}

/**
 * The suite's own rule is the TAP alone. It lets through what some of its programs only say beside it: those that end
 * with an error status, and those that announce no test and print an error.
 */
export function judge({ status, timedOut, stdout, stderr }: Run, limitMs: number): Verdict {
	const tap = parseTap(stdout);
	const problems = tap.assertions.filter(({ ok, skip }) => !ok && skip === undefined).map(({ text }) => text);
	if (timedOut) problems.push(`hangs: ended after ${limitMs / 1000} s`);
	else if (status !== 0) problems.push(`ends with status ${status}: ${oneLine(stderr)}`);
	if (tap.bailOut !== undefined) problems.push(`bails out: ${tap.bailOut}`);
	if (tap.plan !== undefined && tap.plan !== tap.assertions.length) {
		problems.push(`announces ${tap.plan} tests and runs ${tap.assertions.length}`);
	}
	const said = /"error": "(.*)"/.exec(tap.preface)?.[1];
	if (tap.assertions.length === 0 && said) problems.push(said.replaceAll("\\n", " "));
	return { passed: problems.length === 0, problems };
}

const oneLine = (text: string): string => text.trim().split(/\n+/).join(" | ").slice(0, 300);

/** Undefined where the verdict is the expected one; otherwise why it makes the command fail. */
export function unexpected(
	run: Run,
	{ passed, problems }: Verdict,
	known: KnownFailure | undefined,
): string | undefined {
	if (known === undefined) return passed ? undefined : problems.join("; ");
	if (passed) return known.races ? undefined : "passes, although the list has a reason why it fails";
	const other = problems.filter((problem) => !known.fails.test(problem));
	if (other.length > 0) return `fails for more than the listed reason: ${other.join("; ")}`;
	if (known.says && !known.says.test(run.stderr + run.stdout)) return `fails, but does not say ${known.says}`;
	return undefined;
}
