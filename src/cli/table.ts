/**
 * The command line as data. The hot parser (parse.ts), yargs (full.ts) and the completion scripts
 * (completion.ts), help and the manual pages are all made from this table, so an option exists in all of them or in
 * none. What a command does, with examples, is told in docs/man/NAME.md, from which help has its first lines.
 *
 * Names, aliases and words are runc's: engines and scripts send them (go-runc, conmon, buildah).
 */

import { checkpointOptions, restoreOptions } from "./criu-options.js";
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
	/** A getter where there are some: the table is built at every start, and hundreds of objects take a tenth of a millisecond. */
	readonly options: readonly OptionSpec[];
	/** The first positional argument ends the options: what follows belongs to a program. */
	readonly optionsEnd?: boolean;
	/** What a shell offers for each positional argument. */
	readonly completes?: readonly Completes[];
}

export const programName = "runtime-ts";

export const globalOptions = [
	{ name: "debug", kind: "flag", summary: "write debug records to the log" },
	{
		name: "log",
		kind: "text",
		placeholder: "FILE",
		completes: "file",
		summary: "append log records to FILE, or send them to journald:NAME or syslog:NAME",
	},
	{
		name: "log-format",
		kind: "text",
		placeholder: "FORMAT",
		choices: ["text", "json"],
		refusal: "invalid log-format: %s",
		summary: "format of the log records",
	},
	{
		name: "root",
		kind: "text",
		placeholder: "DIR",
		completes: "directory",
		summary: "state directory (default /run/runtime-ts, $XDG_RUNTIME_DIR/runtime-ts for a user)",
	},
	{
		name: "systemd-cgroup",
		kind: "flag",
		summary: "let systemd make the cgroup; cgroupsPath is then slice:prefix:name",
	},
	{
		name: "cgroup-manager",
		kind: "text",
		placeholder: "MANAGER",
		choices: ["cgroupfs", "systemd", "disabled"],
		refusal: "unknown cgroup manager specified: %s",
		summary: "who makes the cgroup: cgroupfs (default), systemd (as --systemd-cgroup), or disabled: nobody",
	},
	{
		name: "rootless",
		kind: "text",
		placeholder: "MODE",
		choices: ["true", "false", "auto"],
		refusal: 'invalid value "%s" for flag -rootless: want true, false or auto',
		summary: "make a cgroup only for a container that asks for one; auto, the default: unless root on the host",
	},
	{
		name: "criu",
		kind: "text",
		placeholder: "PATH",
		completes: "file",
		summary: "the criu that checkpoint and restore use (default: from $PATH)",
	},
	{ name: "trace", kind: "flag", summary: "print how long each step of create or run takes, on standard error" },
	{ name: "help", alias: "h", kind: "flag", summary: "show help" },
	{ name: "version", alias: "v", kind: "flag", summary: "print the version" },
] as const satisfies readonly OptionSpec[];

/** Every command has it, as every command of runc does. */
export const helpOption = {
	name: "help",
	alias: "h",
	kind: "flag",
	summary: "show help",
} as const satisfies OptionSpec;

const creation = () =>
	[
		bundle,
		consoleSocket,
		pidFile,
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

const regex = {
	name: "regex",
	alias: "r",
	kind: "flag",
	summary: "ID is a regular expression: take every container whose id matches",
} as const;

const container = { usage: "ID", minimum: 1, maximum: 1, completes: ["container"] } as const;

export const commands = [
	{
		name: "create",
		summary: "create a container; its process waits for start",
		usage: "ID",
		minimum: 1,
		maximum: 1,
		get options() {
			return creation();
		},
	},
	{ name: "start", summary: "start the process of a created container", ...container, options: [] },
	{
		name: "run",
		summary: "create and start a container",
		usage: "ID | BUNDLE",
		minimum: 1,
		maximum: 1,
		completes: ["directory"],
		get options() {
			return [
				...creation(),
				detach,
				{ name: "keep", kind: "flag", summary: "keep the container after its process has ended" },
				noSubreaper,
			] as const;
		},
	},
	{ name: "state", summary: "print the state of a container as JSON", ...container, options: [] },
	{
		name: "kill",
		summary: "send a signal (default SIGTERM) to a container",
		usage: "ID [SIGNAL]",
		minimum: 1,
		maximum: 2,
		completes: ["container", "signal"],
		get options() {
			return [
				{ name: "all", alias: "a", kind: "flag", summary: "signal every process of the container, stopped or not" },
				regex,
			] as const;
		},
	},
	{
		name: "exec",
		summary: "run another process in a container",
		usage: "ID COMMAND [ARGUMENT...]",
		minimum: 1,
		maximum: Number.MAX_SAFE_INTEGER,
		optionsEnd: true,
		completes: ["container"],
		get options() {
			return [
				{
					name: "process",
					alias: "p",
					kind: "text",
					placeholder: "FILE",
					completes: "file",
					summary: "take the process from FILE, not from the container and the arguments",
				},
				{ name: "detach", alias: "d", kind: "flag", summary: "do not wait for the process" },
				{ name: "tty", alias: "t", kind: "flag", summary: "give it a terminal" },
				{ name: "cwd", kind: "text", placeholder: "DIR", summary: "its working directory in the container" },
				{
					name: "env",
					alias: "e",
					kind: "list",
					placeholder: "NAME=VALUE",
					summary: "set a variable; may be repeated",
				},
				{ name: "user", alias: "u", kind: "text", placeholder: "UID[:GID]", summary: "its user, and group" },
				{
					name: "additional-gids",
					alias: "g",
					kind: "list",
					placeholder: "GID",
					summary: "add a group; may be repeated",
				},
				{
					name: "cap",
					alias: "c",
					kind: "list",
					placeholder: "CAP",
					summary: "add a capability to its bounding, effective and permitted sets; may be repeated",
				},
				{ name: "no-new-privs", kind: "flag", summary: "let it gain no privileges by exec (or, =false, let it)" },
				{ name: "apparmor", kind: "text", placeholder: "PROFILE", summary: "its AppArmor profile" },
				{ name: "process-label", kind: "text", placeholder: "LABEL", summary: "its SELinux label" },
				{
					name: "pid-file",
					kind: "text",
					placeholder: "FILE",
					completes: "file",
					summary: "write its process id to FILE",
				},
				{
					name: "console-socket",
					kind: "text",
					placeholder: "PATH",
					completes: "file",
					summary: "AF_UNIX socket that receives the master of its pseudoterminal",
				},
				{
					name: "pidfd-socket",
					kind: "text",
					placeholder: "PATH",
					completes: "file",
					summary: "AF_UNIX socket that receives a pidfd of it",
				},
				{
					name: "preserve-fds",
					kind: "number",
					placeholder: "N",
					summary: "pass N more descriptors, after standard error and those of $LISTEN_FDS",
				},
				{
					name: "cgroup",
					kind: "list",
					placeholder: "[CONTROLLER:]PATH",
					summary: "put it into a cgroup below the container's; may be repeated, for several v1 controllers",
				},
				{ name: "ignore-paused", kind: "flag", summary: "in a paused container, too: it runs when that is resumed" },
			] as const;
		},
	},
	{
		name: "delete",
		summary: "remove a stopped container",
		...container,
		get options() {
			return [
				{
					name: "force",
					alias: "f",
					kind: "flag",
					summary: "kill it first; a container that does not exist is not an error",
				},
				regex,
			] as const;
		},
	},
	{ name: "pause", summary: "stop every process of a container where it is", ...container, options: [] },
	{ name: "resume", summary: "let the processes of a paused container go on", ...container, options: [] },
	{
		name: "events",
		summary: "print a container's statistics and out-of-memory events as JSON",
		...container,
		get options() {
			return [
				{
					name: "interval",
					kind: "text",
					placeholder: "DURATION",
					summary: "time between two sets of statistics, such as 500ms or 1m30s (default 5s)",
				},
				{ name: "stats", kind: "flag", summary: "print the statistics once" },
			] as const;
		},
	},
	{
		name: "ps",
		summary: "list the processes of a container",
		usage: "ID [PS-OPTIONS]",
		minimum: 1,
		maximum: Number.POSITIVE_INFINITY,
		optionsEnd: true,
		completes: ["container"],
		get options() {
			return [
				{
					name: "format",
					alias: "f",
					kind: "text",
					placeholder: "FORMAT",
					choices: ["table", "json"],
					refusal: "invalid format option",
					summary: "table (default) or json: the pids",
				},
			] as const;
		},
	},
	{
		name: "update",
		summary: "change the resource limits of a container",
		...container,
		get options() {
			return updateOptions();
		},
	},
	{
		name: "checkpoint",
		summary: "save a running container's processes to files, and end it",
		...container,
		get options() {
			return checkpointOptions();
		},
	},
	{
		name: "restore",
		summary: "make a container from what checkpoint has saved",
		usage: "ID",
		minimum: 1,
		maximum: 1,
		get options() {
			return restoreOptions();
		},
	},
	{
		name: "list",
		summary: "list the containers below the state directory",
		usage: "",
		minimum: 0,
		maximum: 0,
		get options() {
			return [
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
			] as const;
		},
	},
	{
		name: "spec",
		summary: "write a config.json to start from",
		usage: "",
		minimum: 0,
		maximum: 0,
		get options() {
			return [
				bundle,
				{ name: "rootless", kind: "flag", summary: "for a container that a user without privileges runs" },
			] as const;
		},
	},
	{
		name: "features",
		summary: "print what this runtime supports as an OCI features document",
		usage: "",
		minimum: 0,
		maximum: 0,
		options: [],
	},
	{
		name: "explain",
		summary: "print the plan that create would execute, and change nothing",
		usage: "[ID]",
		minimum: 0,
		maximum: 1,
		get options() {
			return [bundle, { name: "json", kind: "flag", summary: "the plan itself, as JSON" }] as const;
		},
	},
	{
		name: "validate",
		summary: "check a bundle and print everything that is wrong with it",
		usage: "[BUNDLE]",
		minimum: 0,
		maximum: 1,
		completes: ["directory"],
		options: [],
	},
	{
		name: "completion",
		summary: "print a completion script for bash, zsh or fish",
		usage: "SHELL",
		minimum: 1,
		maximum: 1,
		completes: ["shell"],
		options: [],
	},
] as const satisfies readonly CommandSpec[];

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

export type GlobalOptions = Values<typeof globalOptions>;
export type CommandName = (typeof commands)[number]["name"];
export type OptionsOf<Name extends CommandName> = Values<Extract<(typeof commands)[number], { name: Name }>["options"]>;

/** What a command line asks for. */
export type Invocation<Name extends CommandName = CommandName> = Name extends CommandName
	? { command: Name; global: GlobalOptions; options: OptionsOf<Name>; positionals: string[] }
	: never;

export function findCommand(name: string): CommandSpec | undefined {
	return commands.find((command) => command.name === name);
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
