/** docs/man and the command table, together the manual pages: nothing missing, nothing that is not so. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { type Block, readSpans, type Text } from "../../docs/man/markdown.js";
import { commandPage, pageName, programPage, remarks } from "../../docs/man/page.js";
import { readTextOf, textNames } from "../../docs/man/texts.js";
import { parseFull } from "../../src/cli/full.js";
import { globalOptions, helpOption } from "../../src/cli/global-options.js";
import { groupedNames } from "../../src/cli/groups.js";
import type { CommandSpec, OptionSpec } from "../../src/cli/table.js";
import { commands, findCommand, programName } from "../../src/cli/table.js";

const edition = { version: "1.2.3", date: "2026-01-31" };
const names: readonly string[] = commands().map(({ name }) => name);
/** Texts of commands that the table does not have yet: no page is made of them. */
const waiting = textNames.filter((name) => name !== programName && !names.includes(name));

const optionsOf = (command: CommandSpec | undefined): readonly OptionSpec[] => [
	...(command?.options ?? []),
	...globalOptions(),
	helpOption(),
];

function page(command: CommandSpec | undefined): string {
	const text = readTextOf(command?.name);
	return command ? commandPage(command, text, edition) : programPage(text, edition);
}

const everyPage: [name: string, command: CommandSpec | undefined][] = [
	[programName, undefined],
	...commands().map((command): [string, CommandSpec] => [command.name, command]),
];

function allBlocks({ description, sections }: Text): Block[] {
	return [...description, ...sections.flatMap(({ blocks }) => blocks)];
}

/** Everything in `code`. */
function codes(text: Text): string[] {
	return allBlocks(text).flatMap((block) => {
		if (block.kind === "code") return [];
		const words = block.kind === "item" && block.tag !== undefined ? `${block.tag} ${block.text}` : block.text;
		return readSpans(words).flatMap((span) => (span.kind === "code" ? [span.text] : []));
	});
}

/** Lines of examples. */
function commandLines(text: Text): string[] {
	return allBlocks(text).flatMap((block) => (block.kind === "code" ? block.lines : []));
}

t.test("every command has a text, a group, and a summary of each option", async (t) => {
	for (const { name, summary, options } of commands()) {
		t.ok(textNames.includes(name), `docs/man/${name}.md`);
		t.ok(groupedNames.includes(name), `${name} is in a group of src/cli/groups.ts`);
		t.match(summary, /^[a-z].{10,75}[^.]$/, `${name} has a summary that fits on a line`);
		for (const option of [...options, ...globalOptions()] as readonly OptionSpec[]) {
			t.match(option.summary, /^.{8,110}[^.]$/, `${name} --${option.name}`);
			if (option.kind !== "flag") t.ok(option.placeholder, `${name} --${option.name} has a name for its value`);
		}
	}
	t.comment(`waiting for their command: ${waiting.join(", ") || "none"}`);
	for (const name of waiting) t.ok(groupedNames.includes(name), `${name}, which is to come, has a group`);
});

t.test("every text says what a page has to say", async (t) => {
	for (const name of textNames.filter((name) => name !== programName)) {
		const { title, description, sections } = readTextOf(name);
		t.equal(title, `${programName} ${name}`);
		t.equal(description[0]?.kind, "paragraph", `${name} begins with the paragraph that --help shows`);
		const titles = sections.map((section) => section.title);
		for (const wanted of ["Exit status", "Examples", "See also"]) t.ok(titles.includes(wanted), `${name}: ${wanted}`);
		t.equal(new Set(titles).size, titles.length, `${name}: no section twice`);
	}
});

t.test("an option that a text names exists", async (t) => {
	let seen = 0;
	for (const [name, command] of everyPage) {
		const text = readTextOf(command?.name);
		const known = optionsOf(command);
		for (const code of codes(text)) {
			// `runtime-ts delete --force`: of that command.
			const other = /^runtime-ts ([a-z]+)/.exec(code)?.[1];
			const options = other === undefined ? known : optionsOf(findCommand(other));
			for (const [, option = ""] of code.matchAll(/(?<![\w-])--([a-z][\w-]*)/g)) {
				seen++;
				t.ok(
					options.some((candidate) => candidate.name === option),
					`${name}: --${option}`,
				);
			}
		}
		for (const tag of remarks(text).keys()) {
			const option = /^`--([\w-]+)`$/.exec(tag)?.[1];
			const own = command ? command.options : globalOptions();
			t.ok(
				own.some((candidate) => candidate.name === option),
				`${name}: a remark on ${tag}`,
			);
		}
	}
	t.ok(seen > 30, `${seen} options`);
});

t.test("every example is a command line that the program takes", async (t) => {
	let seen = 0;
	for (const [name, command] of everyPage) {
		for (const line of commandLines(readTextOf(command?.name))) {
			for (const [, words = ""] of line.matchAll(/(?:^|[|(] ?|-I ID )runtime-ts ([^|<>)]*)/g)) {
				const argv = words.trim().split(/ +/);
				// The command of another person's example may not be there yet.
				if (waiting.includes(argv.find((word) => !word.startsWith("-")) ?? "")) continue;
				seen++;
				const outcome = await parseFull(argv);
				t.equal(outcome.kind, "parsed", `${name}: runtime-ts ${words} ${"message" in outcome ? outcome.message : ""}`);
			}
		}
	}
	t.ok(seen > 30, `${seen} command lines`);
});

t.test("a page that a text refers to exists", async (t) => {
	for (const name of textNames) {
		const text = readTextOf(name);
		const found = JSON.stringify([text.description, text.sections]).matchAll(/runtime-ts-([a-z]+)\(8\)/g);
		for (const [, other = ""] of found) t.ok(textNames.includes(other), `${name}: ${other}`);
	}
});

t.test("the list of error codes is complete", async (t) => {
	const source = readFileSync(new URL("../../src/errors.ts", import.meta.url), "utf8");
	const type = /export type ErrorCode =([^;]*);/.exec(source)?.[1] ?? "";
	const codesOfSource = [...type.matchAll(/"([^"]+)"/g)].map(([, code]) => code);
	const section = readTextOf().sections.find(({ title }) => title === "Errors");
	const documented = (section?.blocks ?? []).flatMap((block) =>
		block.kind === "item" ? [block.tag?.replaceAll("`", "")] : [],
	);
	t.ok(codesOfSource.length > 15);
	t.same(documented.sort(), codesOfSource.sort());
});

t.test("the environment variables that the program reads are told", async (t) => {
	const folder = new URL("../../src/container/", import.meta.url);
	const source = readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((file) => file.endsWith(".ts"))
		.map((file) => readFileSync(new URL(file, folder), "utf8"))
		.join("\n");
	const patterns = [/\benv\.([A-Z][A-Z_]+)\b/g, /\b([A-Z][A-Z_]{3,}): \w+(?=[^;{}]*\}: Environment\b)/g];
	const read = new Set(patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name = ""]) => name)));
	t.ok(read.size > 5, [...read].join(" "));
	const section = readTextOf().sections.find(({ title }) => title === "Environment");
	const told = (section?.blocks ?? []).flatMap((block) =>
		block.kind === "item" ? (block.tag?.match(/[A-Z_]+/g) ?? []) : [],
	);
	t.same(
		[...read].filter((name) => !told.includes(name)),
		[],
	);
	t.same(
		told.filter((name) => !source.includes(name)),
		[],
	);
});

t.test("a page has the parts that man(7) expects", async (t) => {
	const text = page(findCommand("run"));
	t.match(text, /^\.\\" .*\n\.TH "RUNTIME\\-TS\\-RUN" 8 "2026-01-31" "runtime-ts 1.2.3" "System Administration"\n/);
	t.match(text, /\n\.SH "NAME"\nruntime\\-ts\\-run \\- create and start a container\n/);
	t.match(text, /\n\.TP\n\\fB\\-b\\fR, \\fB\\-\\-bundle\\fR \\fIDIR\\fR\nThe bundle directory/);
	const sections = [...text.matchAll(/^\.SH "(.*)"$/gm)].map(([, title]) => title);
	t.same(sections, ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]);
	for (const { name } of commands()) t.match(page(undefined), `${pageName(name).replaceAll("-", "\\-")}\\fR(8)`);
	for (const [name, command] of everyPage) {
		t.notMatch(page(command), /^(?!\.(?:\\"|TH|SH|SS|TP|PP|IP|RS|RE|nf|fi|nh|ad) ?)\./m, `${name}: no other request`);
		t.notMatch(page(command), /[^\n -~]/, `${name} is ASCII`);
	}
});

const groff = spawnSync("groff", ["--version"]).status === 0;

t.test("groff has no complaint", { skip: groff ? false : "groff is not installed" }, async (t) => {
	for (const [name, command] of everyPage) {
		const { status, stderr, stdout } = spawnSync("groff", ["-ww", "-man", "-Tascii", "-P-cbou"], {
			input: page(command),
			encoding: "utf8",
		});
		t.equal(status, 0, name);
		t.equal(stderr, "", name);
		t.match(stdout, "EXIT STATUS");
	}
});
