/**
 * The whole command line, by yargs: help, usage errors in runc's words, suggestions. Loaded only when the
 * hot parser has given up on a line; on a line that both can read they agree (test/cli/parse.test.ts).
 *
 * A line is read in two rounds, because an option may mean one thing before the command and another behind it
 * (`--rootless` of runtime-ts and of `spec`): the global options up to the first word, then the command's own.
 */
import type { Argv } from "yargs";
import yargs from "yargs";
import { globalOptions, helpOption } from "./global-options.js";
import { helpText, usageText } from "./help.js";
import { hintForCommand, hintForOption } from "./hints.js";
import type { OptionValues, Parsed } from "./parse.js";
import { findOption, readBoolean, readNumber, readToken } from "./parse.js";
import type { CommandSpec, GlobalOptions, Invocation, OptionSpec } from "./table.js";
import { commands, findCommand, programName, wrongCount } from "./table.js";

export type Outcome =
	| { kind: "parsed"; parsed: Parsed }
	| { kind: "help"; text: string }
	| { kind: "misuse"; global: GlobalOptions; message: string; hint?: string; usage?: string; status?: number };

/** urfave/cli's, which runc has from it. */
const unknownCommandStatus = 3;

class Misuse extends Error {
	readonly hint: string | undefined;
	constructor(message: string, hint?: string) {
		super(message);
		this.hint = hint;
	}
}

/** A yargs that prints nothing, exits never, and throws what it has to say. */
function quiet(): Argv {
	// The directory in which yargs would look for a package.json: it asks for the working directory otherwise.
	return yargs([], "/")
		.scriptName(programName)
		.detectLocale(false)
		.locale("en")
		.exitProcess(false)
		.showHelpOnFail(false)
		.fail(false as never)
		.help(false)
		.version(false);
}

/** Go's rules, as far as yargs-parser has a switch for them. */
const goRules = {
	"boolean-negation": false,
	"camel-case-expansion": false,
	"dot-notation": false,
	// The last one counts, but of a list.
	"duplicate-arguments-array": true,
	"nargs-eats-options": true,
	"parse-numbers": false,
	"parse-positional-numbers": false,
	"unknown-options-as-args": true,
};

function withOptions(parser: Argv, options: readonly OptionSpec[]): Argv {
	for (const option of options) {
		parser.option(option.name, {
			...(option.choices === undefined ? {} : { choices: option.choices }),
			...(option.kind === "flag"
				? { type: "boolean" as const }
				: { type: "string" as const, nargs: 1, requiresArg: true }),
		});
	}
	return parser;
}

/**
 * Writes each option as `--name` or `--name=value`. yargs has no Go syntax: a word `true` behind a bare flag is its
 * value there, `-bundle` is six flags, and `-qf` is two.
 */
function spellOut(
	argv: readonly string[],
	options: readonly OptionSpec[],
	untilWord: boolean,
): { spelled: string[]; rest: string[] } {
	const out: string[] = [];
	for (let index = 0; index < argv.length; index++) {
		const argument = argv[index] as string;
		const token = readToken(argument);
		const option = token && findOption(options, token.name);
		// yargs-parser halts at a word, too, but not at a lone dash, which is one to Go.
		if (untilWord && (argument === "-" || !argument.startsWith("-"))) return { spelled: out, rest: argv.slice(index) };
		if (argument === "--") {
			if (untilWord) return { spelled: out, rest: argv.slice(index + 1) };
			return { spelled: [...out, ...argv.slice(index)], rest: [] };
		}
		if (!token || !option) {
			out.push(argument);
		} else if (option.kind === "flag") {
			const value = token.value === undefined ? true : readBoolean(token.value);
			if (value === undefined) {
				throw new Misuse(`invalid boolean value "${token.value}" for -${token.name}: parse error`);
			}
			out.push(`--${option.name}=${value}`);
		} else {
			const value = token.value ?? argv[++index];
			out.push(value === undefined ? `--${option.name}` : `--${option.name}=${value}`);
		}
	}
	return { spelled: out, rest: [] };
}

/** The word of `words` that was meant, in yargs's opinion. */
function suggest(word: string, words: readonly string[]): string | undefined {
	const parser = quiet().strictCommands().recommendCommands();
	// yargs alone finds --all close to -9.
	for (const candidate of words) if (candidate[0] === word[0]) parser.command(candidate, "", {}, () => {});
	try {
		parser.parseSync([word]);
	} catch (error) {
		return /^Did you mean (.+)\?$/.exec((error as Error).message)?.[1];
	}
	return undefined;
}

function unknownOption(argument: string, options: readonly OptionSpec[]): Misuse {
	const token = readToken(argument);
	if (!token) return new Misuse(`bad flag syntax: ${argument}`);
	const names = options.map((option) => option.name);
	return new Misuse(
		`flag provided but not defined: -${token.name}`,
		hintForOption(token.name, options, suggest(token.name, names)),
	);
}

/** One round: the options' values and what is left. Throws Misuse. */
function round(
	argv: readonly string[],
	options: readonly OptionSpec[],
	untilWord: boolean,
): { values: OptionValues; words: string[] } {
	const parser = withOptions(quiet(), options).parserConfiguration({
		...goRules,
		"populate--": true,
	});
	const { spelled, rest } = spellOut(argv, options, untilWord);
	let result: Record<string, unknown>;
	try {
		result = parser.parseSync(spelled) as Record<string, unknown>;
	} catch (error) {
		throw error instanceof Misuse ? error : inGoWords(error as Error, options);
	}
	const { _: before, "--": after, $0: _program, ...found } = result;
	const stray = Object.keys(found).find((name) => !findOption(options, name));
	if (stray !== undefined) {
		const known = (argument: string) => findOption(options, readToken(argument)?.name ?? "") !== undefined;
		throw unknownOption(argv.find((argument) => readToken(argument) && !known(argument)) ?? stray, options);
	}
	const words = (before as string[]).map(String);
	const first = words[0];
	// Go stops at the first word: a dash before it is a mistake, behind it an argument (`kill ID -9`).
	if (first?.startsWith("-") && first !== "-") throw unknownOption(first, options);
	words.push(...((after as string[] | undefined) ?? []).map(String), ...rest);

	const values: OptionValues = {};
	for (const option of options) {
		const given = found[option.name];
		if (given === undefined) continue;
		if (option.kind === "list") {
			values[option.name] = Array.isArray(given) ? given : [given as string];
			continue;
		}
		const value: unknown = Array.isArray(given) ? given.at(-1) : given;
		if (option.kind !== "number") {
			values[option.name] = value as string | boolean;
			continue;
		}
		const number = readNumber(String(value));
		if (number === undefined) throw new Misuse(`invalid value "${value}" for flag -${option.name}: parse error`);
		values[option.name] = number;
	}
	return { values, words };
}

/** yargs's complaint in the words of Go's flag package, which callers match (podman: "flag needs an argument"). */
function inGoWords(error: Error, options: readonly OptionSpec[]): Misuse {
	const missing = /^Not enough arguments following: (.+)$/.exec(error.message);
	if (missing) return new Misuse(`flag needs an argument: -${missing[1]}`);
	const choice = /Argument: ([^,]+), Given: "([^"]*)"/.exec(error.message);
	const option = choice && findOption(options, choice[1] as string);
	if (option) {
		return new Misuse((option.refusal ?? error.message).replace("%s", choice?.[2] ?? ""));
	}
	return new Misuse(error.message);
}

function help(topic: string | undefined, global: GlobalOptions): Outcome {
	// `help help` and `help --help` are about the program.
	const named = topic === "help" || topic?.startsWith("-") ? undefined : topic;
	const command = named === undefined ? undefined : findCommand(named);
	if (named !== undefined && !command) return unknownCommand(named, global);
	return { kind: "help", text: helpText(command) };
}

function unknownCommand(name: string, global: GlobalOptions): Outcome {
	const names = commands().map((command) => command.name);
	const hint = hintForCommand(name, suggest(name, names));
	return { kind: "misuse", global, message: `No help topic for '${name}'`, hint, status: unknownCommandStatus };
}

/** What goes to standard output before the error, as with runc, but not the whole help: the error is to be seen. */
function usageAndWhereHelpIs(command: CommandSpec | undefined): string {
	const help = `${programName}${command ? ` ${command.name}` : ""} --help`;
	return `${usageText(command)}\`${help}\` lists the ${command ? "options" : "commands and options"}.\n`;
}

/** Reads a command line, whatever it is. */
export async function parseFull(argv: readonly string[]): Promise<Outcome> {
	let global: GlobalOptions = {};
	let command: CommandSpec | undefined;
	try {
		const first = round(argv, globalOptions(), true);
		global = first.values as GlobalOptions;
		const [name, ...rest] = first.words;
		if (global.version && !global.help) return { kind: "parsed", parsed: { command: "version" } };
		if (name === undefined) return help(undefined, global);
		if (name === "help" || name === "h") return help(rest[0], global);
		command = findCommand(name);
		if (!command) return unknownCommand(name, global);
		const second = round(rest, [...command.options, helpOption()], command.optionsEnd === true);
		const { help: asked, ...options } = second.values;
		if (global.help || asked) return help(command.name, global);
		const message = wrongCount(command, second.words.length);
		if (message)
			return { kind: "misuse", global, message, usage: `Incorrect Usage.\n\n${usageAndWhereHelpIs(command)}` };
		const parsed = { command: command.name, global, options, positionals: second.words } as Invocation;
		return { kind: "parsed", parsed };
	} catch (error) {
		if (!(error instanceof Misuse)) throw error;
		return {
			kind: "misuse",
			global,
			message: error.message,
			...(error.hint === undefined ? {} : { hint: error.hint }),
			usage: `Incorrect Usage: ${error.message}\n\n${usageAndWhereHelpIs(command)}`,
		};
	}
}
