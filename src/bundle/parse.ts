/** config.json, from text to Spec: exact JSON, then the schema, then the rules that a schema cannot say. */
import { acceptConfig } from "../generated/accept-config.js";
import { validateConfig } from "../generated/validate-config.js";
import type { Diagnostic } from "./diagnostic.js";
import { type ExactJson, positionOf, readExactly } from "./exact-json.js";
import { readQuickly } from "./json.js";
import { diagnoseViolations } from "./messages.js";
import { checkRules } from "./rules/rules.js";
import { checkWhatFits } from "./rules/salvage.js";
import type { Spec } from "./spec.js";

export interface ParsedConfig {
	/** Only to be used when no diagnostic is an error. */
	spec: Spec;
	diagnostics: Diagnostic[];
}

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

function parseExactly(text: string): ParsedConfig {
	const { document, exact, diagnostics } = readDocument(text);
	if (exact === undefined) return { spec: {} as Spec, diagnostics };
	const violations = validateConfig(document);
	diagnostics.push(
		...(violations.length > 0
			? [...diagnoseViolations(violations, document), ...checkWhatFits(document, violations)]
			: checkRules(document as Spec)),
	);
	locate(diagnostics, text, exact);
	return { spec: document as Spec, diagnostics };
}

export function hasError(diagnostics: Diagnostic[]): boolean {
	return diagnostics.length > 0 && diagnostics.some(({ severity }) => severity === "error");
}

/**
 * Parses and checks a config.json. Diagnostics come in the order errors of JSON, of the schema, of the rules, each with
 * its position when there is an error among them or `locate` asks for it. Where a document does not fit the schema, the
 * rules are tried on the rest of it.
 */
export function parseConfig(text: string, options: { locate?: boolean } = {}): ParsedConfig {
	const document = readQuickly(text);
	if (document === undefined || !acceptConfig(document)) return parseExactly(text);
	const diagnostics = checkRules(document as Spec);
	if (options.locate || hasError(diagnostics)) {
		locate(diagnostics, text, readExactly(text));
	}
	return { spec: document as Spec, diagnostics };
}
