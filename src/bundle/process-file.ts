/**
 * process.json, which `exec --process` takes: the process object of a config.json in a file of its own, held to the same
 * schema and the same rules. Pointers of the diagnostics are into this file.
 */
import { acceptProcess } from "../generated/accept-process.js";
import { validateProcess } from "../generated/validate-process.js";
import type { Diagnostic } from "./diagnostic.js";
import { hasError, locate, readDocument } from "./document.js";
import { readExactly } from "./exact-json.js";
import { readQuickly } from "./json.js";
import { diagnoseViolations } from "./messages.js";
import { checkProcess } from "./rules/process.js";
import { Report } from "./rules/report.js";
import { checkWhatFits } from "./rules/salvage.js";
import { checkScheduling, schedulingReads } from "./rules/scheduling.js";
import type { Process, Spec } from "./spec.js";

export interface ParsedProcess {
	/** Only to be used when no diagnostic is an error. */
	process: Process;
	diagnostics: Diagnostic[];
}

export function parseProcess(text: string): ParsedProcess {
	const document = readQuickly(text);
	if (document === undefined || !acceptProcess(document)) return parseExactly(text);
	const process = document as Process;
	const diagnostics = checkRules(process);
	if (hasError(diagnostics)) locate(diagnostics, text, readExactly(text));
	return { process, diagnostics };
}

function parseExactly(text: string): ParsedProcess {
	const { document, exact, diagnostics } = readDocument(text);
	const process = document as Process;
	if (exact === undefined) return { process, diagnostics };
	const violations = validateProcess(document).map((violation) => ({
		...violation,
		instancePath: `${prefix}${violation.instancePath}`,
	}));
	if (violations.length === 0) {
		diagnostics.push(...checkRules(process));
	} else {
		const whole = { process: document };
		const found = [
			...diagnoseViolations(violations, whole),
			...checkWhatFits(whole, violations, [{ rule: checkProcess }, { rule: checkScheduling, reads: schedulingReads }]),
		];
		diagnostics.push(...withoutPrefix(found));
	}
	locate(diagnostics, text, exact);
	return { process, diagnostics };
}

/** Of the rules and runc's words, which know the process as a part of config.json. */
const prefix = "/process";

function checkRules(process: Process): Diagnostic[] {
	const spec = { process } as Spec;
	const report = new Report();
	checkProcess(spec, report);
	checkScheduling(spec, report);
	return report.diagnostics.length === 0 ? report.diagnostics : withoutPrefix(report.diagnostics);
}

function withoutPrefix(diagnostics: readonly Diagnostic[]): Diagnostic[] {
	return diagnostics.map((diagnostic) => ({ ...diagnostic, pointer: diagnostic.pointer.slice(prefix.length) }));
}
