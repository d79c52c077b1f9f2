/**
 * A manual page: names, usage and options from the command table, everything else from the text beside this file that
 * has the command's name. What the two say together can't drift, since neither says what the other does.
 */

import { globalOptions, helpOption } from "../../src/cli/global-options.js";
import { groups } from "../../src/cli/groups.js";
import type { CommandSpec, OptionSpec } from "../../src/cli/table.js";
import { commands, programName } from "../../src/cli/table.js";
import type { Block, Text } from "./markdown.js";
import { blocks, filled, inline, literal, quoted, section, tagged } from "./roff.js";

export interface Edition {
	/** Of the program. */
	version: string;
	/** Year, month, day. */
	date: string;
}

/** Sections whose place is fixed; the others come in the text's order, behind the options. */
const optionsTitle = "Options";
const synopsisOfAll = "[\\fIglobal options\\fR]";

export function pageName(command?: string): string {
	return command === undefined ? programName : `${programName}-${command}`;
}

export function programPage(text: Text, edition: Edition): string {
	const commandLines = groups(commands()).flatMap(({ title, members }) => [
		`.SS ${quoted(title)}`,
		...members.flatMap(({ name, summary }) => tagged(`\\fB${literal(pageName(name))}\\fR(8)`, sentence(summary))),
	]);
	return assemble(pageName(), "runs containers from OCI bundles", edition, [
		...section("Synopsis", [
			`\\fB${literal(programName)}\\fR ${synopsisOfAll} \\fICOMMAND\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]`,
		]),
		...section("Description", blocks(text.description)),
		...section("Commands", commandLines),
		...section("Global options", options(globalOptions(), text)),
		...otherSections(text),
	]);
}

export function commandPage(command: CommandSpec, text: Text, edition: Edition): string {
	const { name, summary, usage } = command;
	const words = [
		`\\fB${literal(programName)}\\fR ${synopsisOfAll} \\fB${literal(name)}\\fR [\\fIoptions\\fR]`,
		...usage.split(/([A-Za-z]+)/).map((part, index) => (index % 2 === 0 ? literal(part) : `\\fI${part}\\fR`)),
	];
	const synopsis = `${words[0]} ${words.slice(1).join("")}`.trimEnd();
	return assemble(pageName(name), summary, edition, [
		...section("Synopsis", [synopsis]),
		...section("Description", blocks(text.description)),
		...section("Options", [
			...options([...command.options, helpOption()], text),
			".PP",
			...filled(`The global options, which stand before the command, are those of ${inline(`\`${programName}(8)\``)}.`),
		]),
		...otherSections(text),
	]);
}

function assemble(name: string, summary: string, { version, date }: Edition, body: string[]): string {
	const lines = [
		'.\\" Made from the command table and docs/man; change those.',
		`.TH ${quoted(literal(name.toUpperCase()))} 8 ${quoted(date)} ${quoted(`${programName} ${version}`)} ${quoted("System Administration")}`,
		// English hyphenation would break the names of options and files; ragged lines have no wide gaps.
		".nh",
		".ad l",
		...section("Name", filled(`${literal(name)} \\- ${inline(summary)}`)),
		...body,
	];
	return `${lines.join("\n")}\n`;
}

function otherSections(text: Text): string[] {
	return text.sections
		.filter(({ title }) => title !== optionsTitle)
		.flatMap(({ title, blocks: list }) => section(title, blocks(list)));
}

/** What the text adds to the summary of an option, by the option's name. */
export function remarks(text: Text): Map<string, string> {
	const list = text.sections.find(({ title }) => title === optionsTitle)?.blocks ?? [];
	return new Map(list.flatMap((block: Block) => (block.kind === "item" && block.tag ? [[block.tag, block.text]] : [])));
}

function options(list: readonly OptionSpec[], text: Text): string[] {
	const more = remarks(text);
	return list.flatMap((option) => {
		const { name, alias, summary } = option;
		const spellings = [...(alias === undefined ? [] : [`-${alias}`]), `--${name}`];
		const value = valueName(option);
		const tag = spellings.map((spelling) => `\\fB${literal(spelling)}\\fR`).join(", ");
		const remark = more.get(`\`--${name}\``);
		return tagged(
			value === undefined ? tag : `${tag} ${value}`,
			sentence(summary) + (remark === undefined ? "" : ` ${inline(remark)}`),
		);
	});
}

/** Roff for what follows the option; undefined for a flag. */
function valueName({ kind, choices, placeholder }: OptionSpec): string | undefined {
	if (kind === "flag") return undefined;
	if (choices) return choices.map((choice) => `\\fB${literal(choice)}\\fR`).join("|");
	return `\\fI${literal(placeholder ?? "VALUE")}\\fR`;
}

/** A summary of the table, which has no capital and no period. */
function sentence(summary: string): string {
	const roff = inline(summary);
	return `${roff[0]?.toUpperCase()}${roff.slice(1)}.`;
}
