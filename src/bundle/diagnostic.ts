/** One thing to say about a config.json, and how it reads. */

export interface Diagnostic {
	severity: "error" | "warning";
	/** JSON pointer into config.json; empty for the document as a whole. */
	pointer: string;
	/** What is wrong, without the pointer and the position. */
	message: string;
	expected?: string;
	found?: string;
	/** Position of the value in the file, counted from 1. */
	line?: number;
	column?: number;
	/** Kind of the error, where it is not config.invalid: no JSON. */
	code?: "config.syntax";
}

/** `config.json#/linux/namespaces/2/type: expected one of …; found "pidd" (line 40, column 13)` */
export function formatDiagnostic(diagnostic: Diagnostic, document = "config.json"): string {
	const { severity, pointer, message, line, column } = diagnostic;
	const place = pointer === "" ? document : `${document}#${pointer}`;
	const position = line === undefined ? "" : ` (line ${line}, column ${column})`;
	return `${severity === "warning" ? "warning: " : ""}${place}: ${message}${position}`;
}

/** RFC 6901: the token of a property name in a JSON pointer. */
export function pointerToken(name: string): string {
	return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

const LONGEST = 60;

/** A value as a diagnostic shows it: JSON, cut short. */
export function describeValue(value: unknown): string {
	if (value === undefined) return "nothing";
	if (typeof value === "bigint" || typeof value === "number") return String(value);
	if (Array.isArray(value) && value.length > 0) return `an array of ${value.length}`;
	if (typeof value === "object" && value !== null && Object.keys(value).length > 0) return "an object";
	const text = JSON.stringify(value);
	return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
