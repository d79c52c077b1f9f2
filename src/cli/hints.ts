/** What somebody may have meant by a word that the command line does not know. */
import { signalNames } from "../container/signals.js";
import { globalOptions } from "./global-options.js";
import type { OptionSpec } from "./table.js";
import { commands, findCommand, programName } from "./table.js";

/** Words that engines have for the same thing. */
const others: Record<string, string> = {
	destroy: "delete",
	info: "features",
	inspect: "state",
	launch: "run",
	ls: "list",
	remove: "delete",
	rm: "delete",
	signal: "kill",
	stats: "events",
	stop: "kill",
	top: "ps",
	unpause: "resume",
};

/** `near`: the command that is spelled like `name`. */
export function hintForCommand(name: string, near: string | undefined): string {
	if (name === "version") return `did you mean --version?`;
	const other = Object.hasOwn(others, name) ? others[name] : undefined;
	// The command that it stands for may not be in the table yet.
	const meant = commands().find((command) => command.name === other)?.name ?? near;
	return meant ? `did you mean "${meant}"?` : `${programName} --help lists the commands`;
}

/** With those of `help` among them. */
function isOf(command: string, options: readonly OptionSpec[]): boolean {
	return findCommand(command)?.options.every(({ name }) => options.some((option) => option.name === name)) === true;
}

function isSignal(name: string): boolean {
	return /^\d+$/.test(name) || signalNames().includes(name.replace(/^SIG/, ""));
}

/** `options`: those that may stand where `name` stands; `near`: the one of them that is spelled like it. */
export function hintForOption(
	name: string,
	options: readonly OptionSpec[],
	near: string | undefined,
): string | undefined {
	if (near !== undefined) return `did you mean --${near}?`;
	if (globalOptions().some((option) => option.name === name)) {
		return `--${name} is a global option: it stands before the command`;
	}
	if (isOf("kill", options) && isSignal(name)) {
		return `a signal has no dash and stands behind the container: ${programName} kill ID ${name}`;
	}
	// What people type for Docker and Podman.
	if (["i", "it", "ti", "interactive"].includes(name)) return "standard input is passed on in any case";
	const letters = [...name];
	const aliases = options.filter(({ kind }) => kind === "flag").map(({ alias }) => alias);
	if (letters.length > 1 && letters.every((letter) => aliases.includes(letter))) {
		return `options are not joined: ${letters.map((letter) => `-${letter}`).join(" ")}`;
	}
	const owners = commands().filter(({ options }) =>
		(options as readonly OptionSpec[]).some((option) => option.name === name),
	);
	if (owners.length > 0) return `--${name} is an option of ${owners.map((command) => command.name).join(", ")}`;
	return undefined;
}
