/**
 * The Markdown that the texts of this folder are written in, which is a small part of the language: headings,
 * paragraphs, lists with a dash, blocks of code indented by four blanks; `code`, **strong** and *emphasis* within a
 * line. Whatever else there is stands as it is, so a text that uses more looks wrong and is noticed.
 */

/** What a text is made of. `item`: of a list; `tag` is the code that it begins with, as in "- `-a`, `-b`: both". */
export type Block =
	| { kind: "heading"; level: number; text: string }
	| { kind: "paragraph"; text: string }
	| { kind: "item"; tag?: string; text: string }
	| { kind: "code"; lines: string[] };

export interface Section {
	title: string;
	blocks: Block[];
}

/** A text: its first heading, what stands below it, and a section for each heading of the second level. */
export interface Text {
	title: string;
	description: Block[];
	sections: Section[];
}

export function readBlocks(source: string): Block[] {
	const blocks: Block[] = [];
	for (const part of source.trim().split(/\n(?:[ \t]*\n)+/)) blocks.push(...readPart(part));
	return joinCode(blocks);
}

function readPart(part: string): Block[] {
	const heading = /^(#+) +(.*)$/.exec(part);
	if (heading) return [{ kind: "heading", level: heading[1]?.length ?? 1, text: heading[2] ?? "" }];
	const lines = part.split("\n");
	if (lines.every((line) => line.startsWith("    "))) return [{ kind: "code", lines: lines.map((l) => l.slice(4)) }];
	if (!part.startsWith("- ")) return [{ kind: "paragraph", text: lines.map((line) => line.trim()).join(" ") }];
	return part
		.slice(2)
		.split(/\n- /)
		.map((item) => readItem(item.replace(/\s+/g, " ")));
}

function readItem(text: string): Block {
	const tagged = /^((?:`[^`]+`(?:, )?)+): (.*)$/.exec(text);
	return tagged ? { kind: "item", tag: tagged[1] as string, text: tagged[2] as string } : { kind: "item", text };
}

/** An empty line does not end a block of code. */
function joinCode(blocks: readonly Block[]): Block[] {
	const joined: Block[] = [];
	for (const block of blocks) {
		const last = joined.at(-1);
		if (block.kind === "code" && last?.kind === "code") last.lines.push("", ...block.lines);
		else joined.push(block);
	}
	return joined;
}

/** Throws where the text does not begin with a heading. */
export function readText(source: string): Text {
	const [title, ...rest] = readBlocks(source);
	if (title?.kind !== "heading" || title.level !== 1)
		throw new Error("a text begins with a heading of the first level");
	const description: Block[] = [];
	const sections: Section[] = [];
	for (const block of rest) {
		if (block.kind === "heading" && block.level === 2) sections.push({ title: block.text, blocks: [] });
		else (sections.at(-1)?.blocks ?? description).push(block);
	}
	return { title: title.text, description, sections };
}

export type Span = { kind: "plain" | "code" | "strong" | "emphasis"; text: string };

/** The parts of a line. */
export function readSpans(text: string): Span[] {
	const spans: Span[] = [];
	let end = 0;
	for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*/g)) {
		if (match.index > end) spans.push({ kind: "plain", text: text.slice(end, match.index) });
		const [all, code, strong, emphasis] = match;
		if (code !== undefined) spans.push({ kind: "code", text: code });
		else if (strong !== undefined) spans.push({ kind: "strong", text: strong });
		else spans.push({ kind: "emphasis", text: emphasis ?? "" });
		end = match.index + all.length;
	}
	if (end < text.length) spans.push({ kind: "plain", text: text.slice(end) });
	return spans;
}

/** A line without its marks, for a terminal. */
export function plain(text: string): string {
	return readSpans(text)
		.map((span) => span.text)
		.join("");
}
