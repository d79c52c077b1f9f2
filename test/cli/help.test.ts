/** --help, for people. */
import t from "tap";
import { globalOptions } from "../../src/cli/global-options.js";
import { helpText, usageText } from "../../src/cli/help.js";
import { commands } from "../../src/cli/table.js";
import { drive, host } from "./drive.js";

t.test("the program's help names every command and global option once", async (t) => {
	const text = helpText();
	for (const { name, summary } of commands()) {
		const rows = text.split("\n").filter((line) => line.startsWith(`  ${name} `));
		t.equal(rows.length, 1, name);
		t.match(rows[0], summary.split(" ").slice(0, 3).join(" "));
	}
	for (const { name } of globalOptions()) t.match(text, new RegExp(`^ {2}(?:-., | {4})--${name}\\b`, "m"));
	t.match(text, /^Usage: runtime-ts /);
	// In groups with a heading.
	t.match(text, /\n\nBundles:\n {2}spec /);
});

t.test("a command's help has its usage, what it does, options with their values, examples", async (t) => {
	for (const command of commands()) {
		const text = helpText(command);
		t.equal(text.split("\n")[0], usageText(command).trimEnd());
		for (const { name } of command.options) t.match(text, new RegExp(`^ {2}(?:-., | {4})--${name}\\b`, "m"));
		t.match(text, /\n {2}-h, --help +show help\n/);
		t.match(text, /\n\nExamples:\n {2}[A-Z][\s\S]*?:\n {6}[a-z]/);
	}
	const list = helpText(commands().find(({ name }) => name === "list"));
	t.match(list, "-f, --format table|json");
	const run = helpText(commands().find(({ name }) => name === "run"));
	t.match(run, "-b, --bundle DIR");
	t.match(run, /removes it\. An\nargument that has a slash/, "folded");
	t.notMatch(run, "`--detach`", "no marks of the text");
});

t.test("80 columns are enough", async (t) => {
	for (const command of [undefined, ...commands()]) {
		for (const line of helpText(command).split("\n")) {
			// An example is a line to be copied.
			if (!line.startsWith("      runtime-ts")) t.ok(line.length <= 80, `${command?.name}: ${line}`);
			t.notMatch(line, /\s$/);
		}
	}
});

t.test("the nearest word", async (t) => {
	const hint = async (...line: string[]) => {
		const { status, stderr } = await drive(host(), ...line);
		t.not(status, 0);
		return /^hint: (.*)$/m.exec(stderr)?.[1];
	};
	t.equal(await hint("strat", "c1"), 'did you mean "start"?');
	t.equal(await hint("rm", "c1"), 'did you mean "delete"?');
	t.equal(await hint("ls"), 'did you mean "list"?');
	t.equal(await hint("version"), "did you mean --version?");
	t.equal(await hint("frobnicate"), "runtime-ts --help lists the commands");
	t.equal(await hint("constructor"), "runtime-ts --help lists the commands");
	t.equal(await hint("help", "strat"), 'did you mean "start"?');
	t.equal(await hint("run", "--detatch", "c1"), "did you mean --detach?");
	t.equal(await hint("list", "--root", "/r"), "--root is a global option: it stands before the command");
	t.match(await hint("--bundle", "b", "run", "c1"), /^--bundle is an option of create, run, /);
	t.match(await hint("start", "--detach", "c1"), /^--detach is an option of run/);
	t.equal(await hint("run", "--frobnicate", "c1"), undefined);
	t.equal(await hint("list", "-qh"), "options are not joined: -q -h");
	t.equal(await hint("exec", "-it", "c1", "sh"), "standard input is passed on in any case");
	for (const signal of ["9", "KILL", "SIGTERM"]) {
		const behind = `a signal has no dash and stands behind the container: runtime-ts kill ID ${signal}`;
		t.equal(await hint("kill", `-${signal}`, "c1"), behind);
	}
	t.equal(await hint("start", "-9", "c1"), undefined);
	t.equal(await hint("delete", "-9", "c1"), undefined, "which shares an option with kill");
});

t.test("misuse shows the usage, not the whole help, and the error last", async (t) => {
	const { status, stdout, stderr } = await drive(host(), "run", "--bogus", "c1");
	t.equal(status, 1);
	t.equal(
		stdout,
		"Incorrect Usage: flag provided but not defined: -bogus\n\nUsage: runtime-ts run [OPTIONS] ID | BUNDLE\n" +
			"`runtime-ts run --help` lists the options.\n",
	);
	t.equal(stderr, "flag provided but not defined: -bogus\n");
	t.match((await drive(host(), "--bogus")).stdout, "`runtime-ts --help` lists the commands and options.\n");
});
