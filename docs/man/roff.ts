/** Blocks of text as man(7) macros, for groff and for mandoc. */
import type { Block } from "./markdown.js";
import { readSpans } from "./markdown.js";

/** Characters that groff prints as something else than what is typed (groff_char(7)). */
const special: Record<string, string> = {
	"\\": "\\e",
	"-": "\\-",
	"'": "\\(aq",
	"`": "\\(ga",
	"^": "\\(ha",
	"~": "\\(ti",
};

/** What a reader copies: every character is itself. Throws for one outside ASCII, which not every terminal has. */
export function literal(text: string): string {
	const odd = /[^ -~\t]/.exec(text);
	if (odd) throw new Error(`a manual page is written in ASCII, and ${JSON.stringify(odd[0])} is not: ${text}`);
	return text.replace(/[\\\-'`^~]/g, (character) => special[character] ?? character);
}

/** Prose: a dash is a hyphen, an apostrophe an apostrophe. */
function prose(text: string): string {
	literal(text);
	return text.replaceAll("\\", "\\e").replaceAll("'", "\\(cq");
}

/** Words of one line, `code` and **strong** in bold, *emphasis* (what the reader replaces) underlined. */
export function inline(text: string): string {
	return readSpans(text)
		.map((span) => {
			if (span.kind === "plain") return prose(span.text);
			if (span.kind === "code" && isPage(span.text)) return reference(span.text);
			return span.kind === "emphasis" ? `\\fI${literal(span.text)}\\fR` : `\\fB${literal(span.text)}\\fR`;
		})
		.join("");
}

function isPage(text: string): boolean {
	return /^[\w.-]+\(\d\)$/.test(text);
}

/** `name(8)`, another manual page: the name in bold. */
function reference(page: string): string {
	return `\\fB${literal(page.slice(0, -3))}\\fR${page.slice(-3)}`;
}

/** A line of the text must not be taken for a request. */
export function guarded(line: string): string {
	return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Roff in lines of 80 columns at most, as mandoc wants them. */
export function filled(text: string): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		if (line !== "" && line.length + 1 + word.length > 78) {
			lines.push(guarded(line));
			line = word;
		} else {
			line = line === "" ? word : `${line} ${word}`;
		}
	}
	return [...lines, guarded(line)];
}

/** A paragraph with its term before it. Both are roff. */
export function tagged(tag: string, text: string): string[] {
	return [".TP", guarded(tag), ...filled(text)];
}

export function blocks(list: readonly Block[]): string[] {
	return list.flatMap(block);
}

function block(part: Block): string[] {
	switch (part.kind) {
		case "heading":
			return [`.SS ${quoted(prose(part.text))}`];
		case "paragraph":
			return [".PP", ...filled(inline(part.text))];
		case "item":
			return part.tag === undefined
				? [".IP \\(bu 2", ...filled(inline(part.text))]
				: tagged(inline(part.tag), inline(part.text));
		case "code":
			return [".PP", ".RS 4", ".nf", ...part.lines.map((line) => guarded(literal(line))), ".fi", ".RE"];
	}
}

export function section(title: string, lines: readonly string[]): string[] {
	// .PP right behind a heading has no effect, which mandoc notes.
	const first = lines[0] === ".PP" ? 1 : 0;
	return [`.SH ${quoted(prose(title.toUpperCase()))}`, ...lines.slice(first)];
}

/** An argument of a macro. */
export function quoted(text: string): string {
	return `"${text.replaceAll('"', '""')}"`;
}
