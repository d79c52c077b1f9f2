/**
 * Run by `make`.
 *
 *   generate.ts help FILE                        the part of the texts that --help shows, as a module
 *   generate.ts pages DIRECTORY VERSION DATE     a manual page for the program and for each command of the table
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { commands } from "../../src/cli/table.js";
import { helpOf } from "./help.js";
import { commandPage, pageName, programPage } from "./page.js";
import { readTextOf } from "./texts.js";

const [what, output = "", version = "", date = ""] = process.argv.slice(2);

if (what === "help") {
	const help = Object.fromEntries(commands().map(({ name }) => [name, helpOf(readTextOf(name))]));
	const type = 'import type { HelpText } from "../cli/help.js";';
	const text = `// Made by docs/man/generate.ts.\n${type}\nexport const helpTexts: Record<string, HelpText> = ${JSON.stringify(help, null, "\t")};\n`;
	writeFileSync(output, text);
} else if (what === "pages") {
	rmSync(output, { recursive: true, force: true });
	mkdirSync(output, { recursive: true });
	const write = (command: string | undefined, page: string): void =>
		writeFileSync(`${output}/${pageName(command)}.8`, page);
	write(undefined, programPage(readTextOf(), { version, date }));
	for (const command of commands())
		write(command.name, commandPage(command, readTextOf(command.name), { version, date }));
} else {
	throw new Error(`what is ${what}? help or pages`);
}
