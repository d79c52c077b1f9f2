import type { Completes, OptionSpec } from "../table.js";
import { programName } from "../table.js";
import { allCommands, allGlobalOptions, shells, signals, singleQuoted, spellings } from "./words.js";

const actions: Record<Completes, string> = {
	container: "_runtime_ts_containers",
	directory: "_files -/",
	file: "_files",
	signal: `(${signals.join(" ")})`,
	shell: `(${shells.join(" ")})`,
};

/** Colons and brackets end a part of an _arguments specification. */
function escaped(text: string): string {
	return text.replace(/[[\]:\\]/g, "\\$&");
}

/** `'(-b --bundle)'{-b+,--bundle=}'[the bundle directory]:DIR:_files -/'` */
function argument(option: OptionSpec): string {
	const { kind, summary, placeholder = "VALUE", choices, completes } = option;
	const names = spellings(option);
	const value = kind !== "flag";
	const action = choices ? `(${choices.join(" ")})` : completes ? actions[completes] : " ";
	const rest = `[${escaped(summary)}]${value ? `:${placeholder}:${action}` : ""}`;
	const marked = names.map((name) => (value ? (name.startsWith("--") ? `${name}=` : `${name}+`) : name));
	const single = marked.length === 1;
	return single ? singleQuoted(marked[0] + rest) : `'(${names.join(" ")})'{${marked.join(",")}}${singleQuoted(rest)}`;
}

export function zshScript(): string {
	const branches = allCommands.map(({ name, options, completes = [] }) => {
		const positionals = completes.map((kind, index) => singleQuoted(`${index + 1}:${kind}:${actions[kind]}`));
		return `\t\t\t${name}) _arguments ${[...options.map(argument), ...positionals].join(" \\\n\t\t\t\t")} ;;`;
	});
	const names = allCommands.map(({ name, summary }) => singleQuoted(`${name}:${escaped(summary)}`));
	return `#compdef ${programName}
# zsh completion of ${programName}

_runtime_ts_containers() {
	local -a ids
	ids=(\${(f)"$(_call_program containers $program $root list -q 2>/dev/null)"})
	(( $#ids )) && compadd -a ids
}

_runtime_ts() {
	local curcontext=$curcontext context state line program=$words[1]
	local -a root commands
	local -A opt_args
	_arguments -C \\
		${allGlobalOptions.map(argument).join(" \\\n\t\t")} \\
		'1:command:->command' '*::argument:->argument'
	[[ -n $opt_args[--root] ]] && root=(--root $opt_args[--root])
	case $state in
	command)
		commands=(
			${names.join("\n\t\t\t")}
			'help:show help'
		)
		_describe command commands ;;
	argument)
		case $line[1] in
${branches.join("\n")}
			help) _arguments '1:command:(${allCommands.map(({ name }) => name).join(" ")})' ;;
		esac ;;
	esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
	_runtime_ts "$@"
else
	compdef _runtime_ts ${programName}
fi
`;
}
