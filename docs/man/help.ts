/** What `--help` takes from a text: the first paragraph, and the first examples. */
import type { HelpExample, HelpText } from "../../src/cli/help.js";
import type { Text } from "./markdown.js";
import { plain } from "./markdown.js";

const mostExamples = 4;

/** Throws for a text without a description. */
export function helpOf(text: Text): HelpText {
	const [first] = text.description;
	if (first?.kind !== "paragraph") throw new Error(`${text.title} begins with a paragraph that --help shows`);
	return { description: plain(first.text), examples: examplesOf(text).slice(0, mostExamples) };
}

/** Each block of code below "Examples" with the paragraph before it. */
export function examplesOf(text: Text): HelpExample[] {
	const blocks = text.sections.find(({ title }) => title === "Examples")?.blocks ?? [];
	return blocks.flatMap((block, index) => {
		const before = blocks[index - 1];
		if (block.kind !== "code") return [];
		if (before?.kind !== "paragraph") throw new Error(`${text.title}: an example has a sentence before it`);
		return [{ says: plain(before.text), lines: block.lines }];
	});
}
