/** A JSON file of the specification (config.json, process.json), as far as the schema does not matter. */
import type { Diagnostic } from "./diagnostic.js";
import { type ExactJson, positionOf, readExactly } from "./exact-json.js";

/** A null is the same as nothing: that is what Go's decoder, and so runc, makes of it. Arrays keep theirs, to be refused. */
export function withoutNulls(value: unknown): unknown {
	if (Array.isArray(value)) return value.map((entry) => withoutNulls(entry));
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.filter(([, entry]) => entry !== null)
			.map(([name, entry]) => [name, withoutNulls(entry)]),
	);
}

/** Adds line and column; a value that is missing has the position of the object that lacks it. */
export function locate(diagnostics: Diagnostic[], text: string, { offsets }: ExactJson): void {
	for (const diagnostic of diagnostics) {
		if (diagnostic.line !== undefined) continue;
		let { pointer } = diagnostic;
		while (pointer !== "" && !offsets.has(pointer)) pointer = pointer.slice(0, pointer.lastIndexOf("/"));
		Object.assign(diagnostic, positionOf(text, offsets.get(pointer) ?? 0));
	}
}

/** The value of a text that JSON.parse cannot vouch for, and what is wrong with it as JSON; undefined when it is none. */
export function readDocument(text: string): { document?: unknown; exact?: ExactJson; diagnostics: Diagnostic[] } {
	if (text.startsWith("\uFEFF")) {
		const message = "the file starts with a byte order mark; expected UTF-8 without one";
		return {
			diagnostics: [{ severity: "error", code: "config.syntax", pointer: "", message, line: 1, column: 1 }],
		};
	}
	const exact = readExactly(text);
	const diagnostics: Diagnostic[] = exact.faults.map(({ message, pointer, offset }) => ({
		severity: "error",
		code: "config.syntax",
		pointer,
		message,
		...positionOf(text, offset),
	}));
	return exact.value === undefined ? { diagnostics } : { document: withoutNulls(exact.value), exact, diagnostics };
}

export function hasError(diagnostics: Diagnostic[]): boolean {
	return diagnostics.length > 0 && diagnostics.some(({ severity }) => severity === "error");
}
