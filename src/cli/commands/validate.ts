/** `validate`: everything that is wrong with a bundle, one line each. */
import type { Diagnostic } from "../../bundle/diagnostic.js";
import { formatDiagnostic } from "../../bundle/diagnostic.js";
import { loadBundle } from "../../bundle/load.js";
import { parseConfig } from "../../bundle/parse.js";
import type { Native } from "../../native/api.js";
import type { Command } from "../session.js";

export const validate: Command<"validate"> = ({ positionals }, { native }) => {
	const bundle = positionals[0] || ".";
	const diagnostics = diagnose(native, bundle);
	const errors = diagnostics.filter(({ severity }) => severity === "error").length;
	const lines = diagnostics.map(formatDiagnostic);
	const warnings = diagnostics.length - errors;
	const tally = warnings > 0 ? ` (${count(warnings, "warning")})` : "";
	lines.push(errors > 0 ? `${bundle}: ${count(errors, "error")}${tally}` : `${bundle}: ok${tally}`);
	native.print({ fd: 1, text: `${lines.join("\n")}\n` });
	return errors > 0 ? 1 : 0;
};

function diagnose(native: Native, bundle: string): Diagnostic[] {
	const path = `${bundle}/config.json`;
	// A bundle that is not there, or cannot be read, fails in loadBundle, which has the words for it.
	if (native.stat({ path })?.type !== "file") return loadBundle(native, bundle).warnings;
	const { diagnostics } = parseConfig(native.readText({ path }), { locate: true });
	// With a good config.json what is left to check is the root filesystem.
	if (!diagnostics.some(({ severity }) => severity === "error")) loadBundle(native, bundle);
	return diagnostics;
}

function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
