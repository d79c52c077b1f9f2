/** Reads what a program of the suite prints: TAP 13, as Go's tap package writes it. */

export interface Assertion {
	ok: boolean;
	/** Undefined for a test that ran; the reason of a skip (or a todo, which counts as one) otherwise. */
	skip: string | undefined;
	text: string;
	/** What follows the line until the next: a YAML block or comments. */
	detail: string;
}

export interface Tap {
	assertions: Assertion[];
	/** Number of tests that the program announced; undefined without a plan. */
	plan: number | undefined;
	bailOut: string | undefined;
	/** What comes before the first test: programs that announce none (`1..0`) say there what went wrong. */
	preface: string;
}

const POINT = /^(not )?ok\b ?(\d+)?(?: - ?| )?(.*?)(?: ?# (SKIP|TODO)\b ?(.*))?$/i;

/**
 * Numbers are not checked: programs of this suite that start one container after the other print one sequence for each.
 * So plans add up, too, and a line counts where it begins in the first column: a container's own TAP is in YAML below.
 */
export function parseTap(text: string): Tap {
	const tap: Tap = { assertions: [], plan: undefined, bailOut: undefined, preface: "" };
	for (const line of text.split("\n")) {
		const plan = /^1\.\.(\d+)/.exec(line);
		const bail = /^Bail out!\s*(.*)$/.exec(line);
		const point = POINT.exec(line);
		if (plan) tap.plan = (tap.plan ?? 0) + Number(plan[1]);
		else if (bail) tap.bailOut ??= bail[1] || "no reason given";
		else if (point) {
			const [, not, , description = "", directive, reason] = point;
			tap.assertions.push({
				ok: not === undefined,
				skip: directive === undefined ? undefined : reason || description || "no reason given",
				text: description || reason || "",
				detail: "",
			});
		} else {
			const last = tap.assertions.at(-1);
			if (last) last.detail += `${line}\n`;
			else tap.preface += `${line}\n`;
		}
	}
	return tap;
}
