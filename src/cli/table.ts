/**
 * The command line as data. The hot parser (parse.ts), yargs (full.ts) and the completion scripts
 * (completion.ts), help and the manual pages are all made from this table, so an option exists in all of them or in
 * none. What a command does, with examples, is told in docs/man/NAME.md, from which help has its first lines.
 *
 * Names, aliases and words are runc's: engines and scripts send them (go-runc, conmon, buildah).
 */

import { checkpointOptions, restoreOptions } from "./criu-options.js";
import { execOptions } from "./exec-options.js";
import type { globalOptions } from "./global-options.js";
import { bundle, consoleSocket, detach, noSubreaper, pidFile } from "./launch-options.js";
import { updateOptions } from "./update-options.js";

export interface OptionSpec {
	readonly name: string;
	readonly alias?: string;
	/** `list`: may be given again and again. */
	readonly kind: "flag" | "text" | "number" | "list";
	readonly summary: string;
	/** What a value is called in the help text. */
	readonly placeholder?: string;
	readonly choices?: readonly string[];
	/** Message for a value outside `choices`; `%s` is the value. */
	readonly refusal?: string;
	/** What a shell offers after the option. */
	readonly completes?: Completes;
}

export type Completes = "container" | "directory" | "file" | "signal" | "shell";

export interface CommandSpec {
	readonly name: string;
	readonly summary: string;
	/** Positional arguments, as the usage line shows them. */
	readonly usage: string;
	readonly minimum: number;
	readonly maximum: number;
	readonly options: readonly OptionSpec[];
	/** The first positional argument ends the options: what follows belongs to a program. */
	readonly optionsEnd?: boolean;
	/** What a shell offers for each positional argument. */
	readonly completes?: readonly Completes[];
}

export const programName = "runtime-ts";

const creation = () =>
	[
		bundle(),
		consoleSocket(),
		pidFile(),
		{
			name: "pidfd-socket",
			kind: "text",
			placeholder: "PATH",
			completes: "file",
			summary: "AF_UNIX socket that receives a pidfd of the container's process",
		},
		{
			name: "no-pivot",
			kind: "flag",
			summary: "move the root instead of pivot_root(2), for a rootfs on the initial ramdisk",
		},
		{ name: "no-new-keyring", kind: "flag", summary: "keep the caller's session keyring" },
		{
			name: "preserve-fds",
			kind: "number",
			placeholder: "N",
			summary: "pass N more descriptors, after standard error and those of $LISTEN_FDS",
		},
	] as const;

const regex = () =>
	({
		name: "regex",
		alias: "r",
		kind: "flag",
		summary: "ID is a regular expression: take every container whose id matches",
	}) as const;

const container = () => ({ usage: "ID", minimum: 1, maximum: 1, completes: ["container"] }) as const;

export const commandNames = [
	"create",
	"start",
	"run",
	"state",
	"kill",
	"exec",
	"delete",
	"pause",
	"resume",
	"events",
	"ps",
	"update",
	"checkpoint",
	"restore",
	"list",
	"spec",
	"features",
	"explain",
	"validate",
	"completion",
] as const;

export type CommandName = (typeof commandNames)[number];

/** One command at a time: all of them are hundreds of objects, which take longer to make than a command line to read. */
export function commandSpec(name: CommandName) {
	switch (name) {
		case "create":
			return {
				name: "create",
				summary: "create a container; its process waits for start",
				usage: "ID",
				minimum: 1,
				maximum: 1,
				options: creation(),
			} as const satisfies CommandSpec;
		case "start":
			return {
				name: "start",
				summary: "start the process of a created container",
				...container(),
				options: [],
			} as const satisfies CommandSpec;
		case "run":
			return {
				name: "run",
				summary: "create and start a container",
				usage: "ID | BUNDLE",
				minimum: 1,
				maximum: 1,
				completes: ["directory"],
				options: [
					...creation(),
					detach(),
					{ name: "keep", kind: "flag", summary: "keep the container after its process has ended" },
					noSubreaper(),
				],
			} as const satisfies CommandSpec;
		case "state":
			return {
				name: "state",
				summary: "print the state of a container as JSON",
				...container(),
				options: [],
			} as const satisfies CommandSpec;
		case "kill":
			return {
				name: "kill",
				summary: "send a signal (default SIGTERM) to a container",
				usage: "ID [SIGNAL]",
				minimum: 1,
				maximum: 2,
				completes: ["container", "signal"],
				options: [
					{ name: "all", alias: "a", kind: "flag", summary: "signal every process of the container, stopped or not" },
					regex(),
				],
			} as const satisfies CommandSpec;
		case "exec":
			return {
				name: "exec",
				summary: "run another process in a container",
				usage: "ID COMMAND [ARGUMENT...]",
				minimum: 1,
				maximum: Number.MAX_SAFE_INTEGER,
				optionsEnd: true,
				completes: ["container"],
				options: execOptions(),
			} as const satisfies CommandSpec;
		case "delete":
			return {
				name: "delete",
				summary: "remove a stopped container",
				...container(),
				options: [
					{
						name: "force",
						alias: "f",
						kind: "flag",
						summary: "kill it first; a container that does not exist is not an error",
					},
					regex(),
				],
			} as const satisfies CommandSpec;
		case "pause":
			return {
				name: "pause",
				summary: "stop every process of a container where it is",
				...container(),
				options: [],
			} as const satisfies CommandSpec;
		case "resume":
			return {
				name: "resume",
				summary: "let the processes of a paused container go on",
				...container(),
				options: [],
			} as const satisfies CommandSpec;
		case "events":
			return {
				name: "events",
				summary: "print a container's statistics and out-of-memory events as JSON",
				...container(),
				options: [
					{
						name: "interval",
						kind: "text",
						placeholder: "DURATION",
						summary: "time between two sets of statistics, such as 500ms or 1m30s (default 5s)",
					},
					{ name: "stats", kind: "flag", summary: "print the statistics once" },
				],
			} as const satisfies CommandSpec;
		case "ps":
			return {
				name: "ps",
				summary: "list the processes of a container",
				usage: "ID [PS-OPTIONS]",
				minimum: 1,
				maximum: Number.POSITIVE_INFINITY,
				optionsEnd: true,
				completes: ["container"],
				options: [
					{
						name: "format",
						alias: "f",
						kind: "text",
						placeholder: "FORMAT",
						choices: ["table", "json"],
						refusal: "invalid format option",
						summary: "table (default) or json: the pids",
					},
				],
			} as const satisfies CommandSpec;
		case "update":
			return {
				name: "update",
				summary: "change the resource limits of a container",
				...container(),
				options: updateOptions(),
			} as const satisfies CommandSpec;
		case "checkpoint":
			return {
				name: "checkpoint",
				summary: "save a running container's processes to files, and end it",
				...container(),
				options: checkpointOptions(),
			} as const satisfies CommandSpec;
		case "restore":
			return {
				name: "restore",
				summary: "make a container from what checkpoint has saved",
				usage: "ID",
				minimum: 1,
				maximum: 1,
				options: restoreOptions(),
			} as const satisfies CommandSpec;
		case "list":
			return {
				name: "list",
				summary: "list the containers below the state directory",
				usage: "",
				minimum: 0,
				maximum: 0,
				options: [
					{
						name: "format",
						alias: "f",
						kind: "text",
						placeholder: "FORMAT",
						choices: ["table", "json"],
						refusal: "invalid format option",
						summary: "table (default) or json",
					},
					{ name: "quiet", alias: "q", kind: "flag", summary: "only the ids, one a line" },
				],
			} as const satisfies CommandSpec;
		case "spec":
			return {
				name: "spec",
				summary: "write a config.json to start from",
				usage: "",
				minimum: 0,
				maximum: 0,
				options: [
					bundle(),
					{ name: "rootless", kind: "flag", summary: "for a container that a user without privileges runs" },
				],
			} as const satisfies CommandSpec;
		case "features":
			return {
				name: "features",
				summary: "print what this runtime supports as an OCI features document",
				usage: "",
				minimum: 0,
				maximum: 0,
				options: [],
			} as const satisfies CommandSpec;
		case "explain":
			return {
				name: "explain",
				summary: "print the plan that create would execute, and change nothing",
				usage: "[ID]",
				minimum: 0,
				maximum: 1,
				options: [bundle(), { name: "json", kind: "flag", summary: "the plan itself, as JSON" }],
			} as const satisfies CommandSpec;
		case "validate":
			return {
				name: "validate",
				summary: "check a bundle and print everything that is wrong with it",
				usage: "[BUNDLE]",
				minimum: 0,
				maximum: 1,
				completes: ["directory"],
				options: [],
			} as const satisfies CommandSpec;
		case "completion":
			return {
				name: "completion",
				summary: "print a completion script for bash, zsh or fish",
				usage: "SHELL",
				minimum: 1,
				maximum: 1,
				completes: ["shell"],
				options: [],
			} as const satisfies CommandSpec;
	}
}

export const commands = () => commandNames.map(commandSpec);

type Value<Kind> = Kind extends "flag"
	? boolean
	: Kind extends "number"
		? number
		: Kind extends "list"
			? string[]
			: string;
type Values<Options extends readonly OptionSpec[]> = {
	[Option in Options[number] as Option["name"]]?: Value<Option["kind"]>;
};

export type GlobalOptions = Values<ReturnType<typeof globalOptions>>;
export type OptionsOf<Name extends CommandName> = Values<
	Extract<ReturnType<typeof commandSpec>, { name: Name }>["options"]
>;

/** What a command line asks for. */
export type Invocation<Name extends CommandName = CommandName> = Name extends CommandName
	? { command: Name; global: GlobalOptions; options: OptionsOf<Name>; positionals: string[] }
	: never;

export function findCommand(name: string): CommandSpec | undefined {
	return (commandNames as readonly string[]).includes(name) ? commandSpec(name as CommandName) : undefined;
}

/** runc's words for a wrong number of positional arguments, or undefined when it is right. */
export function wrongCount(command: CommandSpec, count: number): string | undefined {
	if (count >= command.minimum && count <= command.maximum) return undefined;
	const bound =
		command.minimum === command.maximum
			? `exactly ${command.minimum}`
			: count < command.minimum
				? `a minimum of ${command.minimum}`
				: `a maximum of ${command.maximum}`;
	return `${programName}: "${command.name}" requires ${bound} argument(s)`;
}
