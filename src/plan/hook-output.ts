/**
 * What a hook printed, as the error message has it. Engines show the message and nothing else, and a program that
 * fails says why at its end: so the last lines, on one line, as many as fit.
 *
 * runc has `stdout: …, stderr: …`, each with its line breaks. Here both go through one pipe, which keeps them in the order in
 * which they were written.
 */
const LONGEST = 1024;

/** `, output: …`, or nothing when there was none. */
export function outputClause(output: string): string {
	const said = lastLines(output);
	return said === "" ? "" : `, output: ${said}`;
}

function lastLines(output: string): string {
	const lines = output
		.split("\n")
		// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and carriage returns are for terminals
		.map((line) => line.replace(/\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u001f\u007f]+/g, " ").trim())
		.filter((line) => line !== "");
	let text = "";
	for (let index = lines.length - 1; index >= 0; index--) {
		const line = lines[index] ?? "";
		const longer = text === "" ? line : `${line}; ${text}`;
		if (longer.length > LONGEST) return text === "" ? `… ${line.slice(-LONGEST)}` : `… ${text}`;
		text = longer;
	}
	return text;
}
