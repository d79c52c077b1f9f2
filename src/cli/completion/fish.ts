import type { Completes, OptionSpec } from "../table.js";
import { programName } from "../table.js";
import { allCommands, allGlobalOptions, shells, signals, singleQuoted } from "./words.js";

const offers: Record<Completes, string> = {
	container: "-a '(__runtime_ts_containers)'",
	directory: "-a '(__fish_complete_directories (commandline -ct))'",
	file: "-F",
	signal: `-a ${singleQuoted(signals.join(" "))}`,
	shell: `-a ${singleQuoted(shells.join(" "))}`,
};

function option(condition: string, { name, alias, kind, summary, choices, completes }: OptionSpec): string {
	const parts = [`complete -c ${programName} -n ${singleQuoted(condition)} -l ${name}`];
	if (alias !== undefined) parts.push(`-s ${alias}`);
	if (kind !== "flag") parts.push("-x");
	if (choices) parts.push(`-a ${singleQuoted(choices.join(" "))}`);
	// -x forbids files, -r only asks for a value.
	else if (completes === "file") parts[parts.length - 1] = "-r -F";
	else if (completes) parts.push(offers[completes]);
	return `${parts.join(" ")} -d ${singleQuoted(summary)}`;
}

export function fishScript(): string {
	const globalValues = allGlobalOptions.filter(({ kind }) => kind !== "flag").map(({ name }) => `--${name}`);
	const lines = allGlobalOptions.map((spec) => option("__runtime_ts_at ''", spec));
	for (const { name, summary, options, completes = [] } of allCommands) {
		lines.push(`complete -c ${programName} -n "__runtime_ts_at ''" -a ${name} -d ${singleQuoted(summary)}`);
		for (const spec of options) lines.push(option(`__runtime_ts_at ${name}`, spec));
		for (const [index, kind] of completes.entries()) {
			lines.push(`complete -c ${programName} -n '__runtime_ts_at ${name} ${index}' ${offers[kind]}`);
		}
	}
	const valueOptions = allCommands.flatMap(({ name, options }) =>
		options
			.filter(({ kind }) => kind !== "flag")
			.flatMap(({ name: long, alias }) => [`${name}:--${long}`, ...(alias ? [`${name}:-${alias}`] : [])]),
	);
	return `# fish completion of ${programName}

# Prints the command before the cursor (an empty line when there is none yet), the number of its arguments, the state root.
function __runtime_ts_line
	set -l command ''
	set -l count 0
	set -l root
	set -l option ''
	for word in (commandline -opc)[2..-1]
		if test -n "$option"
			test "$option" = :--root; and set root $word
			set option ''
		else if contains -- "$command:$word" ${[...globalValues.map((name) => `:${name}`), ...valueOptions].join(" ")}
			set option "$command:$word"
		else if string match -q -- ':--root=*' "$command:$word"
			set root (string replace -- --root= '' $word)
		else if string match -q -- '-*' $word
			continue
		else if test -z "$command"
			set command $word
		else
			set count (math $count + 1)
		end
	end
	printf '%s\\n' "$command" $count $root
end

# Whether the cursor is behind command $argv[1], at argument $argv[2] of it where that is given.
function __runtime_ts_at
	set -l line (__runtime_ts_line)
	test "$line[1]" = "$argv[1]"; or return 1
	test (count $argv) -lt 2; or test "$line[2]" = "$argv[2]"
end

function __runtime_ts_containers
	set -l line (__runtime_ts_line)
	set -l program (commandline -opc)[1]
	if test (count $line) -ge 3
		$program --root $line[3] list -q 2>/dev/null
	else
		$program list -q 2>/dev/null
	end
end

complete -c ${programName} -f
complete -c ${programName} -n "__runtime_ts_at ''" -a help -d 'show help'
complete -c ${programName} -n '__runtime_ts_at help 0' -a ${singleQuoted(allCommands.map(({ name }) => name).join(" "))}
${lines.join("\n")}
`;
}
