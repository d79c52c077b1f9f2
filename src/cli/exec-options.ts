/** The options of `exec`: names and aliases are runc's. */
import type { OptionSpec } from "./table.js";

export const execOptions = () =>
	[
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
		{ name: "explain", kind: "flag", summary: "print what would be done, and do nothing" },
		{ name: "json", kind: "flag", summary: "with --explain: the plan itself, as JSON" },
	] as const satisfies readonly OptionSpec[];
