/** What to do about the reasons that criu's log gives most often. */

const hints: readonly { said: RegExp; hint: string }[] = [
	// It looks at the kernel's features before all else.
	{ said: /kerndat/, hint: "criu does not know this kernel, as `criu check` says, too; a newer criu may" },
	{ said: /file locks/, hint: "--file-locks saves them" },
	{ said: /link.remap/, hint: "--link-remap gives files without a name one while they are saved" },
	{
		said: /[Uu]nix socket \S+ without peer/,
		hint: "criu sees the other end of a unix socket only where the container has no network namespace of its own",
	},
	{
		said: /[Ee]xternal (?:socket|stream|peer)|ext-unix-sk/,
		hint: "--ext-unix-sk leaves out the other end of unix sockets",
	},
	{ said: /tcp-established/, hint: "--tcp-established saves TCP connections" },
	{ said: /[Ii]n-flight connection/, hint: "--tcp-skip-in-flight leaves out connections that nobody has accepted" },
	{
		said: /lazy-pages\.socket/,
		hint: "`criu lazy-pages` fetches memory for --lazy-pages: it has to run, in the work path",
	},
	{
		said: /No mapping for \S+ mountpoint/,
		hint: "the images have a mount that config.json has not: they are of another bundle",
	},
];

/** `lines` are the errors in criu's log, the first of them first. */
export function hintFor(lines: readonly string[]): string | undefined {
	for (const { said, hint } of hints) if (lines.some((line) => said.test(line))) return hint;
	return undefined;
}
