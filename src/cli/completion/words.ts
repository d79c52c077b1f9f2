/** What every shell's script is made of. */
import { signalNames } from "../../container/signals.js";
import { globalOptions, helpOption } from "../global-options.js";
import type { CommandSpec, OptionSpec } from "../table.js";
import { commands } from "../table.js";

export const shells = ["bash", "zsh", "fish"];

export const signals: readonly string[] = signalNames();

/** Every command with its options, `-h` included. */
export const allCommands: readonly CommandSpec[] = commands().map((command) => ({
	...command,
	options: [...command.options, helpOption()],
}));

export const allGlobalOptions: readonly OptionSpec[] = globalOptions();

/** `-b`, `--bundle`. */
export function spellings({ name, alias }: OptionSpec): string[] {
	return alias === undefined ? [`--${name}`] : [`-${alias}`, `--${name}`];
}

/** All shells here quote a string that way. */
export function singleQuoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
