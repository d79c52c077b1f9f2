import type { Completes, OptionSpec } from "../table.js";
import { programName } from "../table.js";
import { allCommands, allGlobalOptions, shells, signals, spellings } from "./words.js";

const offers: Record<Completes, string> = {
	container: `_runtime_ts_words "$("$program" "\${root[@]}" list -q 2>/dev/null)"`,
	directory: "_runtime_ts_paths -d",
	file: "_runtime_ts_paths -f",
	signal: `_runtime_ts_words "${signals.join(" ")}"`,
	shell: `_runtime_ts_words "${shells.join(" ")}"`,
};

const takesValue = (option: OptionSpec): boolean => option.kind !== "flag";

/** A branch of `case $command:$option` for each option with a value. */
function valueBranches(command: string, options: readonly OptionSpec[]): string[] {
	return options.filter(takesValue).map((option) => {
		const patterns = spellings(option).map((spelling) => `${command}:${spelling}`);
		return `\t\t${patterns.join("|")}) ${offerFor(option)}; return ;;`;
	});
}

function offerFor({ choices, completes }: OptionSpec): string {
	if (choices) return `_runtime_ts_words "${choices.join(" ")}"`;
	return completes ? offers[completes] : ":";
}

function optionWords(options: readonly OptionSpec[]): string {
	return options.flatMap(spellings).join(" ");
}

/** Needs nothing but bash 4: the bash-completion package may not be there. */
export function bashScript(): string {
	const values = allCommands.flatMap(({ name, options }) =>
		[...new Set(options.filter(takesValue).flatMap(spellings))].map((spelling) => `${name}:${spelling}`),
	);
	const globalValues = allGlobalOptions.filter(takesValue).flatMap(spellings);
	return `# bash completion of ${programName}

_runtime_ts_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_runtime_ts_paths() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

# Whether option $2 of command $1 (empty for the global ones) is followed by a value.
_runtime_ts_takes_value() {
	case "$1:$2" in
		${[...globalValues.map((spelling) => `:${spelling}`), ...values].join("|")}) return 0 ;;
	esac
	return 1
}

_runtime_ts() {
	local program=\${COMP_WORDS[0]} cur=\${COMP_WORDS[COMP_CWORD]} command= option= root=() count=0 i=1 word value
	COMPREPLY=()
	# Up to the cursor: the command, the state root, how many arguments there are, and the option that waits for its value.
	# Bash splits --name=value into three words.
	while ((i < COMP_CWORD)); do
		word=\${COMP_WORDS[i]}
		option=
		if [[ $word == -?* ]]; then
			if [[ \${COMP_WORDS[i + 1]} == = ]]; then
				((i++))
				_runtime_ts_takes_value "$command" "$word" || { ((i += 2)); continue; }
			fi
			if _runtime_ts_takes_value "$command" "$word"; then
				((i++))
				option=$word
				value=\${COMP_WORDS[i]}
				[[ $command:$word == :--root ]] && ((i < COMP_CWORD)) && root=(--root "$value")
			fi
		elif [[ -z $command ]]; then
			command=$word
		else
			((count++))
		fi
		((i++))
	done
	((i > COMP_CWORD)) || option=
	[[ $cur == = ]] && cur=

	case "$command:$option" in
${[...valueBranches("", allGlobalOptions), ...allCommands.flatMap(({ name, options }) => valueBranches(name, options))].join("\n")}
	esac
	if [[ $cur == -* ]]; then
		case $command in
			"") _runtime_ts_words "${optionWords(allGlobalOptions)}" ;;
${allCommands.map(({ name, options }) => `\t\t\t${name}) _runtime_ts_words "${optionWords(options)}" ;;`).join("\n")}
		esac
		return
	fi
	case "$command:$count" in
		:0) _runtime_ts_words "${allCommands.map(({ name }) => name).join(" ")} help" ;;
		help:0) _runtime_ts_words "${allCommands.map(({ name }) => name).join(" ")}" ;;
${allCommands.flatMap(({ name, completes }) => (completes ?? []).map((kind, index) => `\t\t${name}:${index}) ${offers[kind]} ;;`)).join("\n")}
	esac
}

complete -F _runtime_ts ${programName}
`;
}
