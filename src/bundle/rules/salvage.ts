/**
 * The rules on a document that does not fit the schema, so that a file's errors come in one go. Runs only for a file
 * that is refused anyway: its cost does not matter, but what it says must be true.
 *
 * Rules expect a Spec that fits. So values with a fault are taken out first; a rule that reads what was taken out is left
 * out itself, or it would find missing what is only misspelt; and one that stumbles over a hole says what it had until then.
 */

import { type Diagnostic, pointerToken } from "../diagnostic.js";
import type { Spec } from "../spec.js";
import type { Violation } from "../violation.js";
import { Report } from "./report.js";
import type { Rule } from "./rules.js";

export interface Salvageable {
	rule: Rule;
	/** Pointers of what it concludes from beside the value that it speaks of. */
	reads?: readonly string[];
}

/** `document` is changed. */
export function checkWhatFits(
	document: unknown,
	violations: readonly Violation[],
	rules: readonly Salvageable[],
): Diagnostic[] {
	const faults = violations.map(pointerOf);
	for (const pointer of faults) takeOut(document, pointer);
	const report = new Report();
	for (const { rule, reads = [] } of rules) {
		if (!reads.some((pointer) => touches(pointer, faults))) attempt(rule, document as Spec, report);
	}
	// About a value that the schema speaks of there is nothing to add.
	return report.diagnostics.filter(({ pointer }) => !touches(pointer, faults));
}

function pointerOf({ instancePath, params }: Violation): string {
	const { missingProperty } = params;
	return missingProperty === undefined ? instancePath : `${instancePath}/${pointerToken(missingProperty)}`;
}

function attempt(rule: Rule, spec: Spec, report: Report): void {
	try {
		rule(spec, report);
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
	}
}

/** True when one of the faults is at `pointer`, in it, or around it. */
function touches(pointer: string, faults: readonly string[]): boolean {
	return faults.some((fault) => `${fault}/`.startsWith(`${pointer}/`) || `${pointer}/`.startsWith(`${fault}/`));
}

/** Removes a property. An entry of a list leaves a hole, so that the others keep their numbers. */
function takeOut(document: unknown, pointer: string): void {
	const names = pointer
		.split("/")
		.slice(1)
		.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
	const last = names.pop();
	let holder = document;
	for (const name of names) holder = isContainer(holder) ? holder[name] : undefined;
	if (isContainer(holder) && last !== undefined) delete holder[last];
}

function isContainer(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null;
}
