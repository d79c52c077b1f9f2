/** The options that stand before the command, and the one that every command has. */
import type { OptionSpec } from "./table.js";

export const globalOptions = () =>
	[
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
			name: "log-level",
			kind: "text",
			placeholder: "LEVEL",
			choices: ["error", "warning", "debug"],
			refusal: "invalid log-level: %s",
			summary: "what is told: error, warning (warnings, too), debug (as --debug)",
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
		{
			name: "trace",
			kind: "flag",
			summary: "print how long each step of create, run or exec takes, on standard error",
		},
		{ name: "help", alias: "h", kind: "flag", summary: "show help" },
		{ name: "version", alias: "v", kind: "flag", summary: "print the version" },
	] as const satisfies readonly OptionSpec[];

/** Every command has it, as every command of runc does. */
export const helpOption = () =>
	({
		name: "help",
		alias: "h",
		kind: "flag",
		summary: "show help",
	}) as const satisfies OptionSpec;
