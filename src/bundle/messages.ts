/** From what a validator reports to a sentence: what was expected, what was found. */

import { type Diagnostic, describeValue, pointerToken } from "./diagnostic.js";
import type { Violation } from "./violation.js";

const typeTexts = (): Record<string, string> => ({
	object: "an object",
	array: "an array",
	string: "a string",
	boolean: "true or false",
	null: "null",
});

const patternTexts = (): Record<string, string> => ({
	"^/": "an absolute path",
	"^(/|$)": "an absolute path",
	"^RLIMIT_[A-Z]+$": "a name like RLIMIT_NOFILE",
	"^[rwm]*$": "letters out of r, w and m",
	"^[1-9][0-9]*[KMG]B$": "a page size like 2MB or 1GB",
	"^[0-9, -]*$": "a list like 0-3,7",
	"^MB:[^\\n]*$": "one line that starts with MB:",
	"^[^\\n]*$": "a single line",
});

/** runc's words where it checks the same; conmon and Podman show them to users, and scripts look for them. */
const runcWords = (): { pointer: string; keyword: string; message: string }[] => [
	{ pointer: "/process", keyword: "required", message: "process property must not be empty" },
	{ pointer: "/process/cwd", keyword: "required", message: "Cwd property must not be empty" },
	{ pointer: "/process/cwd", keyword: "text", message: "Cwd must be an absolute path" },
	{ pointer: "/process/args", keyword: "required", message: "args must not be empty" },
	{ pointer: "/process/args", keyword: "minItems", message: "args must not be empty" },
	{ pointer: "/root", keyword: "required", message: "root must be specified" },
];

const integerTexts = (): Record<string, string> => ({
	"0..18446744073709551615": "an unsigned 64-bit integer",
	"-9223372036854775808..9223372036854775807": "a signed 64-bit integer",
	"0..4294967295": "an unsigned 32-bit integer",
	"-2147483648..2147483647": "a signed 32-bit integer",
});

const wideRanges = (): Record<string, string> => ({
	uint64: "0..18446744073709551615",
	int64: "-9223372036854775808..9223372036854775807",
});

function integer({ format = "", minimum, maximum }: Violation["params"]): string {
	const range = wideRanges()[format] ?? `${minimum}..${maximum}`;
	return integerTexts()[range] ?? `an integer from ${minimum} to ${maximum}`;
}

function expectation({ keyword, params }: Violation): string {
	switch (keyword) {
		case "type": {
			const types = Array.isArray(params.type) ? params.type : [params.type ?? ""];
			return types.map((type) => typeTexts()[type] ?? type).join(" or ");
		}
		case "integer":
			return integer(params);
		case "enum":
			return `one of ${(params.allowedValues ?? []).filter((value) => value !== "").join(", ")}`;
		case "text":
			return patternTexts()[params.pattern ?? ""] ?? `a string that matches ${params.pattern}`;
		case "minLength":
			return "a string that is not empty";
		case "minItems":
			return "at least one entry";
		default:
			return `a value that is good by the rule "${keyword}"`;
	}
}

/** The value that a JSON pointer names. */
export function valueAt(document: unknown, pointer: string): unknown {
	let value = document;
	for (const token of pointer.split("/").slice(1)) {
		if (typeof value !== "object" || value === null) return undefined;
		value = (value as Record<string, unknown>)[token.replaceAll("~1", "/").replaceAll("~0", "~")];
	}
	return value;
}

function diagnose(violation: Violation, document: unknown): Diagnostic {
	const { instancePath, keyword, params } = violation;
	const missing = params.missingProperty;
	const pointer = missing === undefined ? instancePath : `${instancePath}/${pointerToken(missing)}`;
	const runc = runcWords().find((words) => words.pointer === pointer && words.keyword === keyword)?.message;
	if (missing !== undefined) {
		return {
			severity: "error",
			pointer,
			message: runc ?? "is required, but missing",
			expected: "a value",
			found: "nothing",
		};
	}
	if (violation.propertyName !== undefined) {
		return { severity: "error", pointer, message: "names must not be empty", expected: "a name", found: '""' };
	}
	const expected = expectation(violation);
	const found = describeValue(valueAt(document, pointer));
	return { severity: "error", pointer, message: `${runc ?? `expected ${expected}`}; found ${found}`, expected, found };
}

/** One diagnostic for each fault, in the order of the document's schema. */
export function diagnoseViolations(violations: Violation[], document: unknown): Diagnostic[] {
	// propertyNames, if and anyOf only repeat what the violations inside them say.
	return violations
		.filter(({ keyword }) => keyword !== "propertyNames" && keyword !== "if")
		.map((violation) => diagnose(violation, document));
}
