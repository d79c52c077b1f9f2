/** What `--help` prints. Made from the table and from the texts of docs/man, of which the build takes the first lines. */
import { helpTexts } from "../generated/help.js";
import { globalOptions, helpOption } from "./global-options.js";
import { groups } from "./groups.js";
import type { CommandSpec, OptionSpec } from "./table.js";
import { commands, programName } from "./table.js";

export interface HelpExample {
	/** One sentence, which ends with a colon. */
	says: string;
	lines: string[];
}

export interface HelpText {
	description: string;
	examples: HelpExample[];
}

/** Columns of the narrowest terminal that people use. */
const width = 80;
/** Left of the text that explains a word; a longer word has a line of its own. */
const widestTerm = 28;

/** The program's usage line, or the command's. */
export function usageText(command?: CommandSpec): string {
	if (!command) return `Usage: ${programName} [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n`;
	return `Usage: ${programName} ${command.name} [OPTIONS] ${command.usage}`.trimEnd().concat("\n");
}

export function helpText(command?: CommandSpec): string {
	return command ? commandHelp(command) : programHelp();
}

function programHelp(): string {
	const parts = [usageText(), "Runs containers from OCI bundles, as runc and crun do.\n"];
	for (const { title, members } of groups(commands())) {
		parts.push(`${title}:\n${terms(members.map(({ name, summary }) => [`  ${name}`, summary]))}`);
	}
	parts.push(
		`Global options, which stand before the command:\n${optionTerms(globalOptions())}`,
		`\`${programName} COMMAND --help\` is about one command, \`man ${programName}\` about all.\n`,
	);
	return parts.join("\n");
}

function commandHelp(command: CommandSpec): string {
	const text = helpTexts[command.name];
	const parts = [usageText(command), fold(text?.description ?? command.summary, "")];
	parts.push(`Options:\n${optionTerms([...command.options, helpOption()])}`);
	if (text && text.examples.length > 0) {
		const examples = text.examples.map(
			({ says, lines }) => fold(says, "  ") + lines.map((line) => `      ${line}\n`).join(""),
		);
		parts.push(`Examples:\n${examples.join("")}`);
	}
	parts.push(`\`${programName} --help\` has the global options, \`man ${programName}-${command.name}\` more.\n`);
	return parts.join("\n");
}

function optionTerms(options: readonly OptionSpec[]): string {
	return terms(options.map((option) => [optionTerm(option), option.summary]));
}

/** `  -b, --bundle DIR` */
function optionTerm({ name, alias, kind, choices, placeholder = "VALUE" }: OptionSpec): string {
	const value = kind === "flag" ? "" : ` ${choices ? choices.join("|") : placeholder}`;
	return `  ${alias === undefined ? "    " : `-${alias}, `}--${name}${value}`;
}

/** Two columns, the right one folded. */
function terms(rows: readonly (readonly [term: string, text: string])[]): string {
	const column = Math.min(widestTerm, Math.max(...rows.map(([term]) => term.length))) + 2;
	const indent = " ".repeat(column);
	return rows
		.map(([term, text]) => {
			const folded = fold(text, indent);
			return term.length + 2 > column ? `${term}\n${folded}` : term.padEnd(column) + folded.slice(column);
		})
		.join("");
}

/** Lines of at most `width` columns that begin with `indent`. */
function fold(text: string, indent: string): string {
	let out = "";
	let line = indent;
	for (const word of text.split(" ")) {
		if (line.length > indent.length && line.length + 1 + word.length > width) {
			out += `${line}\n`;
			line = indent;
		}
		line += line.length > indent.length ? ` ${word}` : word;
	}
	return `${out}${line}\n`;
}
