/** What is wrong with a file, as the error that the caller sees. */
import { RuntimeError } from "../errors.js";
import { type Diagnostic, formatDiagnostic } from "./diagnostic.js";

/** One error that says everything: the only fault in one line, several ones each in its own below a first short line. */
export function configError(errors: [Diagnostic, ...Diagnostic[]], document = "config.json"): RuntimeError {
	const [first] = errors;
	const lines = errors.map((error) => formatDiagnostic(error, document));
	const message = lines.length === 1 ? lines[0] : [`${document} has ${lines.length} errors`, ...lines].join("\n  ");
	const code = errors.every((error) => error.code === first.code) ? first.code : undefined;
	return new RuntimeError(code ?? "config.invalid", message ?? "", { pointer: first.pointer });
}
