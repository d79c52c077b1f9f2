/** A document of resources, as `update --resources` takes it: linux.resources of a config.json by itself. */

import { RuntimeError } from "../errors.js";
import { validateResources } from "../generated/validate-resources.js";
import type { Diagnostic } from "./diagnostic.js";
import { withoutNulls } from "./document.js";
import { positionOf, readExactly } from "./exact-json.js";
import { diagnoseViolations } from "./messages.js";
import { salvageable } from "./rules/rules.js";
import { checkWhatFits } from "./rules/salvage.js";
import type { Resources } from "./spec.js";

const base = "/linux/resources";

/** Throws one error that says everything that is wrong with it. */
export function parseResources(text: string): Resources {
	const exact = readExactly(text);
	const faults = exact.faults.map(({ message, pointer, offset }) => line(pointer, message, positionOf(text, offset)));
	if (exact.value === undefined) throw refusal("config.syntax", faults);
	const document = withoutNulls(exact.value);
	const errors = [...faults, ...diagnose(document).map(({ pointer, message }) => line(pointer, message))];
	if (errors.length > 0) throw refusal(faults.length === errors.length ? "config.syntax" : "config.invalid", errors);
	return document as Resources;
}

/** What is wrong with values from anywhere, by pointers into the document. */
export function diagnose(document: unknown): Pick<Diagnostic, "pointer" | "message">[] {
	const violations = validateResources(document);
	const inConfig = violations.map((violation) => ({ ...violation, instancePath: base + violation.instancePath }));
	return [
		...diagnoseViolations(violations, document),
		...checkWhatFits({ linux: { resources: structuredClone(document) } }, inConfig, salvageable())
			.filter(({ severity, pointer }) => severity === "error" && pointer.startsWith(base))
			.map(({ pointer, message }) => ({ pointer: pointer.slice(base.length), message })),
	];
}

function line(pointer: string, message: string, position?: { line: number; column: number }): string {
	const place = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
	return `resources${pointer === "" ? "" : `#${pointer}`}: ${message}${place}`;
}

function refusal(code: "config.syntax" | "config.invalid", lines: string[]): RuntimeError {
	const message = lines.length === 1 ? lines[0] : [`the resources have ${lines.length} errors`, ...lines].join("\n  ");
	return new RuntimeError(code, message ?? "");
}
