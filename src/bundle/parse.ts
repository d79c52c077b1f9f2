/** config.json, from text to Spec: exact JSON, then the schema, then the rules that a schema cannot say. */
import { acceptConfig } from "../generated/accept-config.js";
import { validateConfig } from "../generated/validate-config.js";
import type { Diagnostic } from "./diagnostic.js";
import { hasError, locate, readDocument } from "./document.js";
import { readExactly } from "./exact-json.js";
import { readQuickly } from "./json.js";
import { diagnoseViolations } from "./messages.js";
import { checkRules, salvageable } from "./rules/rules.js";
import { checkWhatFits } from "./rules/salvage.js";
import type { Spec } from "./spec.js";

export interface ParsedConfig {
	/** Only to be used when no diagnostic is an error. */
	spec: Spec;
	diagnostics: Diagnostic[];
}

function parseExactly(text: string): ParsedConfig {
	const { document, exact, diagnostics } = readDocument(text);
	if (exact === undefined) return { spec: {} as Spec, diagnostics };
	const violations = validateConfig(document);
	diagnostics.push(
		...(violations.length > 0
			? [...diagnoseViolations(violations, document), ...checkWhatFits(document, violations, salvageable())]
			: checkRules(document as Spec)),
	);
	locate(diagnostics, text, exact);
	return { spec: document as Spec, diagnostics };
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
