import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { drive, host } from "./drive.js";

/** Has one container by default and another one below the state root /other. */
const program = `#!/bin/sh
case "$*" in
	"list -q") echo web ;;
	"--root /other list -q") echo db ;;
esac
`;

const directory = t.testdir({ bin: { "runtime-ts": program }, bundles: { one: {}, two: {} } });
chmodSync(join(directory, "bin", "runtime-ts"), 0o755);
mkdirSync(join(directory, "home"));
const env = {
	PATH: `${directory}/bin:${process.env.PATH ?? ""}`,
	HOME: join(directory, "home"),
	LC_ALL: "C.UTF-8",
	TERM: "dumb",
};

async function scriptFile(shell: string): Promise<string> {
	const { status, stdout } = await drive(host(), "completion", shell);
	t.equal(status, 0);
	const file = join(directory, `script.${shell}`);
	writeFileSync(file, stdout);
	return file;
}

/** A line, words apart as bash takes them, up to the cursor; and what is offered. */
const cases: [line: string[], offers: string[]][] = [
	[["cr"], ["create"]],
	[["he"], ["help"]],
	[
		["help", "st"],
		["start", "state"],
	],
	[["--log-"], ["--log-format", "--log-level"]],
	[
		["--log-format", ""],
		["json", "text"],
	],
	[["list", "-f", "j"], ["json"]],
	[["run", "--no-p"], ["--no-pivot"]],
	[["start", ""], ["web"]],
	[["--root", "/other", "state", ""], ["db"]],
	[["delete", "--force", ""], ["web"]],
	[["create", "--pid-file", "p", "-b", "b", "--no-n"], ["--no-new-keyring"]],
	[["kill", "web", "KI"], ["KILL"]],
	[
		["completion", ""],
		["bash", "fish", "zsh"],
	],
];

t.test("bash", async (t) => {
	const script = await scriptFile("bash");
	const complete = (words: string[]): string[] => {
		const probe = `source "$1"; shift
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
			_runtime_ts
			printf '%s\\n' "\${COMPREPLY[@]}"`;
		const args = ["--norc", "-c", probe, "bash", script, "runtime-ts", ...words];
		const found = execFileSync("bash", args, { encoding: "utf8", env, cwd: directory });
		return found.split("\n").filter(Boolean).sort();
	};
	for (const [words, offers] of cases) t.same(complete(words), offers, words.join(" "));
	// Bash hands on --root=/other as three words.
	t.same(complete(["--root", "=", "/other", "state", ""]), ["db"]);
	t.same(complete(["--log-format", "="]), ["json", "text"]);
	t.same(complete(["run", "-b", "bundles/"]), ["bundles/one", "bundles/two"]);
	t.same(complete(["list", ""]), [], "list has no arguments");
	t.same(complete(["start", "web", ""]), [], "start has one");
	const registered = execFileSync("bash", ["--norc", "-c", 'source "$1"; complete -p runtime-ts', "bash", script], {
		env,
	});
	t.match(String(registered), /-F _runtime_ts runtime-ts/);
});

function missing(shell: string): string | false {
	return spawnSync(shell, ["-c", "exit 0"]).status === 0 ? false : `${shell} is not installed`;
}

t.test("fish", { skip: missing("fish") }, async (t) => {
	const script = await scriptFile("fish");
	for (const [words, offers] of [...cases, [["--root=/other", "state", ""], ["db"]] as (typeof cases)[number]]) {
		const line = ["runtime-ts", ...words].join(" ");
		const probe = ["--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line];
		const found = execFileSync("fish", probe, { encoding: "utf8", env, cwd: directory });
		const names = found.split("\n").flatMap((each) => each.split("\t")[0] || []);
		t.same(names.sort(), offers, line);
	}
});

/** Every offer passes through compadd; calls with -O, -A or -D only fill arrays of the completion system. */
const zshrc = `
	PROMPT='READY>'
	autoload -Uz compinit
	compinit -u -d "$ZDOTDIR/zcompdump"
	source "$SCRIPT"
	compadd () {
		if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
			local -a offers
			builtin compadd -A offers "$@"
			print -rl -- $offers >> "$OUT"
		fi
		builtin compadd "$@"
	}
`;

/** Completes only in an interactive shell, so there is a terminal: zsh makes one for itself. */
const zshProbe = `
	zmodload zsh/zpty
	zpty shell zsh -i
	zpty -r shell line '*READY>*'
	zpty -n -w shell "$1"$'\t'
	zpty -w shell $'\\C-u exit'
	while zpty -r shell line; do :; done
	zpty -d shell
`;

t.test("zsh", { skip: missing("zsh") }, async (t) => {
	const script = await scriptFile("zsh");
	writeFileSync(join(directory, "home", ".zshrc"), zshrc);
	for (const [words, offers] of [...cases, [["--root=/other", "state", ""], ["db"]] as (typeof cases)[number]]) {
		const out = join(directory, "offers");
		writeFileSync(out, "");
		const line = ["runtime-ts", ...words].join(" ");
		const probeEnv = { ...env, ZDOTDIR: join(directory, "home"), SCRIPT: script, OUT: out };
		execFileSync("zsh", ["-f", "-c", zshProbe, "zsh", line], { env: probeEnv, cwd: directory, timeout: 20_000 });
		t.same([...new Set(readFileSync(out, "utf8").split("\n").filter(Boolean))].sort(), offers, line);
	}
});

t.test("another shell", async (t) => {
	t.match(await drive(host(), "completion", "tcsh"), {
		status: 1,
		stderr: 'unknown shell "tcsh": bash, zsh or fish\n',
	});
	t.match(await drive(host(), "completion", "constructor"), { status: 1 });
});
