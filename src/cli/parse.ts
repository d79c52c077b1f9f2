/**
 * The parser of the hot path. It reads the table in Go's flag syntax, which is what callers speak
 * (`-no-subreaper`, `--root=R`, `--detach=false`), and gives up on whatever is not plainly right: help, mistakes
 * and the words for them are full.ts's, which costs ten times a container start to load.
 */

import { globalOptions } from "./global-options.js";
import type { Invocation, OptionSpec } from "./table.js";
import { findCommand, wrongCount } from "./table.js";

export type OptionValues = Record<string, string | number | boolean | string[]>;

export type Parsed = Invocation | { command: "version" };

/** Go's strconv.ParseBool. */
export function readBoolean(text: string): boolean | undefined {
	switch (text) {
		case "1":
		case "t":
		case "T":
		case "true":
		case "TRUE":
		case "True":
			return true;
		case "0":
		case "f":
		case "F":
		case "false":
		case "FALSE":
		case "False":
			return false;
		default:
			return undefined;
	}
}

/** Decimal only: Go would read a leading zero as octal, and nobody means that. */
export function readNumber(text: string): number | undefined {
	return /^(?:0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined;
}

export interface OptionToken {
	name: string;
	/** What stands behind `=`. */
	value?: string;
}

/** `-name`, `--name`, `-name=value`, `--name=value`; undefined for anything else, `-` and `--` included. */
export function readToken(argument: string): OptionToken | undefined {
	if (argument.charCodeAt(0) !== 45 || argument.length < 2) return undefined;
	const start = argument.charCodeAt(1) === 45 ? 2 : 1;
	const equals = argument.indexOf("=", start);
	const name = equals < 0 ? argument.slice(start) : argument.slice(start, equals);
	if (name === "" || name.charCodeAt(0) === 45) return undefined;
	return equals < 0 ? { name } : { name, value: argument.slice(equals + 1) };
}

export function findOption(options: readonly OptionSpec[], name: string): OptionSpec | undefined {
	for (const option of options) if (option.name === name || option.alias === name) return option;
	return undefined;
}

/** The last one counts, of a list all. */
function addValue(values: OptionValues, { name, kind }: OptionSpec, value: string | number): void {
	if (kind !== "list") {
		values[name] = value;
		return;
	}
	const list = values[name] as string[] | undefined;
	if (list === undefined) values[name] = [value as string];
	else list.push(value as string);
}

/** Reads one option with its value at `index` into `values`; the index behind it, or -1 when it is not valid. */
function readOption(
	options: readonly OptionSpec[],
	argv: readonly string[],
	index: number,
	values: OptionValues,
): number {
	const token = readToken(argv[index] as string);
	const option = token && findOption(options, token.name);
	if (!token || !option) return -1;
	if (option.kind === "flag") {
		const value = token.value === undefined ? true : readBoolean(token.value);
		if (value === undefined) return -1;
		values[option.name] = value;
		return index + 1;
	}
	const text = token.value ?? argv[index + 1];
	if (text === undefined) return -1;
	const value = option.kind === "number" ? readNumber(text) : text;
	if (value === undefined || (option.choices && !option.choices.includes(text))) return -1;
	addValue(values, option, value);
	return token.value === undefined ? index + 2 : index + 1;
}

/** The invocation, or undefined when full.ts has to look at the line. */
export function parse(argv: readonly string[]): Parsed | undefined {
	const global: OptionValues = {};
	let index = 0;
	while (argv[index]?.startsWith("-")) {
		if (argv[index] === "--") return undefined;
		index = readOption(globalOptions(), argv, index, global);
		if (index < 0) return undefined;
	}
	if (global.help) return undefined;
	if (global.version) return { command: "version" };

	const command = findCommand(argv[index++] ?? "");
	if (!command) return undefined;
	const { options: known, optionsEnd } = command;
	const options: OptionValues = {};
	const positionals: string[] = [];
	while (index < argv.length) {
		const argument = argv[index] as string;
		if (argument === "--") {
			positionals.push(...argv.slice(index + 1));
			break;
		}
		const next = argument.startsWith("-") ? readOption(known, argv, index, options) : -1;
		if (next >= 0) {
			index = next;
		} else if (argument.startsWith("-") && argument !== "-") {
			return undefined;
		} else if (optionsEnd) {
			positionals.push(...argv.slice(index));
			break;
		} else {
			positionals.push(argument);
			index++;
		}
	}
	if (wrongCount(command, positionals.length)) return undefined;
	return { command: command.name, global, options, positionals } as Invocation;
}
