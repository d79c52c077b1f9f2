/**
 * The quick way to read a config.json: JSON.parse, and a proof that it lost nothing.
 *
 * The proof is to write the value again and compare: engines write config.json with Go's encoder, whose output
 * JSON.stringify reproduces byte for byte, and a duplicate name, a rounded number or anything else that JSON.parse
 * passes over in silence makes a difference. It costs a fifth of what reading the text with our own parser would, all of
 * it in the engine's native code. Two things survive the comparison: a large number that happens to be written the way
 * JavaScript prints its rounding (the validator refuses every number above 2^53), and strings that are checked here.
 */

/** Indentation of the first line inside the outermost braces; empty for compact text. */
function indentation(text: string): string {
	if (text.charCodeAt(1) !== 10) return "";
	let end = 2;
	while (text[end] === "\t" || text[end] === " ") end++;
	return text.slice(2, end);
}

/** Go writes these three as escapes, so that JSON can stand in HTML. */
function escapedForHtml(text: string): string {
	return text.replaceAll("&", "\\u0026").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e");
}

/** The value of a text that is free of surprises; undefined when it must be read exactly, malformed text included. */
export function readQuickly(text: string): unknown {
	let value: unknown;
	let again: string;
	try {
		value = JSON.parse(text);
		// Nested ten thousand deep, it exhausts the stack, which JSON.parse does not.
		again = JSON.stringify(value, null, indentation(text));
	} catch {
		return undefined;
	}
	if (text.includes("\\u00")) {
		again = escapedForHtml(again);
		if (text.includes("\\u0000")) return undefined;
	}
	// A surrogate half in a string: no UTF-8 can hold it.
	if (text.includes("\\ud") || text.includes("\\uD")) return undefined;
	return text === again || text === `${again}\n` ? value : undefined;
}
