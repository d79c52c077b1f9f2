/** `validate`: everything that is wrong with a bundle, one line each. */
import type { Diagnostic } from "../../bundle/diagnostic.js";
import { formatDiagnostic } from "../../bundle/diagnostic.js";
import { loadBundle } from "../../bundle/load.js";
import { parseConfig } from "../../bundle/parse.js";
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { explainedPlan } from "../explained.js";
import type { Command } from "../session.js";
import type { GlobalOptions } from "../table.js";

export const validate: Command<"validate"> = ({ global, positionals }, { native }) => {
	const bundle = positionals[0] || ".";
	const diagnostics = diagnose(native, bundle, global);
	const errors = diagnostics.filter(({ severity }) => severity === "error").length;
	const lines = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic));
	const warnings = diagnostics.length - errors;
	const tally = warnings > 0 ? ` (${count(warnings, "warning")})` : "";
	lines.push(errors > 0 ? `${bundle}: ${count(errors, "error")}${tally}` : `${bundle}: ok${tally}`);
	native.print({ fd: 1, text: `${lines.join("\n")}\n` });
	return errors > 0 ? 1 : 0;
};

function diagnose(native: Native, path: string, global: GlobalOptions): Diagnostic[] {
	const text = readConfig(native, `${path}/config.json`);
	if (text !== undefined) {
		const { diagnostics } = parseConfig(text, { locate: true });
		if (diagnostics.some(({ severity }) => severity === "error")) return diagnostics;
	}
	const bundle = loadBundle(native, path);
	return [...bundle.warnings, ...refusals(() => explainedPlan(native, bundle, global))];
}

/** Undefined for what is not there or cannot be read: it fails again in loadBundle, which has the words for it. */
function readConfig(native: Native, path: string): string | undefined {
	try {
		return native.readText({ path });
	} catch (error) {
		if (error instanceof Error && "errno" in error) return undefined;
		throw error;
	}
}

/** What only the plan compiler refuses. What it misses on this host is no fault of the bundle. */
function refusals(compile: () => unknown): Diagnostic[] {
	try {
		compile();
	} catch (error) {
		if (!(error instanceof RuntimeError)) throw error;
		const { code, message, context } = error;
		if (code !== "config.invalid" && code !== "config.unsupported") return [];
		return [{ severity: "error", pointer: context.pointer ?? "", message }];
	}
	return [];
}

function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
