/** The texts of this folder. */
import { readdirSync, readFileSync } from "node:fs";
import { programName } from "../../src/cli/table.js";
import { readText, type Text } from "./markdown.js";

/** The name of a command, or of the program. */
export const textNames: readonly string[] = readdirSync(import.meta.dirname)
	.filter((file) => file.endsWith(".md"))
	.map((file) => file.slice(0, -".md".length));

/** Markdown; that of the program itself without `command`. */
export function sourceOf(command: string = programName): string {
	return readFileSync(`${import.meta.dirname}/${command}.md`, "utf8");
}

export function readTextOf(command?: string): Text {
	try {
		return readText(sourceOf(command));
	} catch (error) {
		throw new Error(`docs/man/${command ?? programName}.md: ${(error as Error).message}`);
	}
}
