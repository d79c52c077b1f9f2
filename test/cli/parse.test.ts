import fc from "fast-check";
import t from "tap";
import { parseFull } from "../../src/cli/full.js";
import { globalOptions } from "../../src/cli/global-options.js";
import { parse } from "../../src/cli/parse.js";
import type { CommandSpec, OptionSpec } from "../../src/cli/table.js";
import { commands } from "../../src/cli/table.js";

const parsed = (line: string) => parse(line.split(" ").filter((word) => word !== ""));

t.test("what engines send", async (t) => {
	t.same(parsed("--root /r --log /b/log.json --log-format json create --bundle /b --pid-file /b/init.pid c1"), {
		command: "create",
		global: { root: "/r", log: "/b/log.json", "log-format": "json" },
		options: { bundle: "/b", "pid-file": "/b/init.pid" },
		positionals: ["c1"],
	});
	t.match(parsed("run -no-subreaper -d=false -preserve-fds=3 -b=/b c1"), {
		options: { "no-subreaper": true, detach: false, "preserve-fds": 3, bundle: "/b" },
		positionals: ["c1"],
	});
	t.match(parsed("--rootless=true --systemd-cgroup kill --all c1 9"), {
		global: { rootless: "true", "systemd-cgroup": true },
		options: { all: true },
		positionals: ["c1", "9"],
	});
	t.match(parsed("delete c1 --force"), { options: { force: true }, positionals: ["c1"] });
	t.match(parsed("create -- -c1"), { positionals: ["-c1"] });
	t.match(parsed("create -b -- c1"), { options: { bundle: "--" }, positionals: ["c1"] });
	t.match(parsed("create -b --pid-file c1"), { options: { bundle: "--pid-file" } });
	t.match(parse(["create", "--bundle", "", ""]), { options: { bundle: "" }, positionals: [""] });
	t.match(parsed("--log=a=b list"), { global: { log: "a=b" } });
	t.match(parsed("-v whatever"), { command: "version" });
	t.match(parsed("ps -f json c1"), { options: { format: "json" }, positionals: ["c1"] });
	const behind = ["c1", "-f", "json", "--", "--help", "-o", "pid,cmd"];
	t.match(parse(["ps", ...behind]), { options: {}, positionals: behind }, "what stands behind the id is for ps");
});

t.test("exec: what is behind the container is the program's, and options that may be repeated", async (t) => {
	t.same(parsed("exec --detach -e A=1 --env=B=2 -g 5 -u 1:2 c1 ls -l --all -- x"), {
		command: "exec",
		global: {},
		options: { detach: true, env: ["A=1", "B=2"], "additional-gids": ["5"], user: "1:2" },
		positionals: ["c1", "ls", "-l", "--all", "--", "x"],
	});
	t.match(parsed("exec -- c1 ls -l"), { options: {}, positionals: ["c1", "ls", "-l"] });
	t.match(parsed("exec --process p.json --pid-file f c1"), { options: { process: "p.json" }, positionals: ["c1"] });
	t.match(parsed("exec -t=false c1 -- ls"), { options: { tty: false }, positionals: ["c1", "--", "ls"] });
	t.equal(parsed("exec"), undefined);
	t.equal(parsed("exec -x c1 ls"), undefined);
	t.match(await parseFull(["exec", "-x", "c1"]), { message: "flag provided but not defined: -x" });
});

t.test("what the hot parser leaves to yargs", async (t) => {
	const lines = [
		"",
		"help",
		"-h",
		"run -h",
		"bogus",
		"--bogus list",
		"start",
		"start a b",
		"list x",
		"create --bogus c1",
		"create --bundle",
		"create -bundle- c1",
		"create ---b x c1",
		"list -qf json",
		"list -f xml",
		"--log-format xml list",
		"--debug=maybe list",
		"create --preserve-fds three c1",
		"create --preserve-fds 010 c1",
		"create --preserve-fds -1 c1",
		"attach c1 sh",
		"kill c1 -9",
		"--bundle b list",
	];
	for (const line of lines) t.equal(parsed(line), undefined, line);
});

const text = fc.constantFrom("x", "a=b", "-", "--", "true", "false", "-q", "--force", "json", "12", "", "/a b", "ключ");

/** The words that give an option a good value. */
function optionWords(option: OptionSpec): fc.Arbitrary<string[]> {
	const names = [`-${option.name}`, `--${option.name}`];
	if (option.alias !== undefined) names.push(`-${option.alias}`, `--${option.alias}`);
	const name = fc.constantFrom(...names);
	if (option.kind === "flag") {
		const value = fc.constantFrom("", "=true", "=false", "=1", "=F", "=TRUE");
		return fc.tuple(name, value).map(([word, end]) => [word + end]);
	}
	const value =
		option.kind === "number"
			? fc.nat({ max: 1000 }).map(String)
			: option.choices
				? fc.constantFrom(...option.choices)
				: text;
	return fc.tuple(name, value, fc.boolean()).map(([word, end, joined]) => (joined ? [`${word}=${end}`] : [word, end]));
}

function someOptions(options: readonly OptionSpec[]): fc.Arbitrary<string[][]> {
	if (options.length === 0) return fc.constant([]);
	return fc.array(fc.constantFrom(...options).chain(optionWords), { maxLength: 4 });
}

const globals = globalOptions().filter(({ name }) => name !== "help");
const word = fc.constantFrom("c1", "9", "KILL", "true", "-", "a=b", "./b", "help");

/** Options and arguments of a command in any order, as urfave/cli takes them; a `--` may end the options. */
function commandLine(command: CommandSpec): fc.Arbitrary<string[]> {
	return fc
		.tuple(
			someOptions(command.options),
			fc.array(word, { minLength: command.minimum, maxLength: Math.min(command.maximum, 5) }),
			fc.infiniteStream(fc.boolean()),
			fc.boolean(),
		)
		.map(([options, positionals, coin, ended]) => {
			const rest = positionals.map((positional) => [positional]);
			const groups = [...options];
			if (ended) return [command.name, ...groups.flat(), "--", ...positionals];
			if (command.optionsEnd) return [command.name, ...groups.flat(), ...positionals, ...groups.flat()];
			const out: string[] = [command.name];
			while (groups.length + rest.length > 0) {
				const from = rest.length === 0 || (groups.length > 0 && coin.next().value) ? groups : rest;
				out.push(...(from.shift() ?? []));
			}
			return out;
		});
}

const validLine = fc
	.tuple(someOptions(globals), fc.constantFrom<CommandSpec>(...commands()).chain(commandLine))
	.map(([global, rest]) => [...global.flat(), ...rest]);

t.test("both parsers give the same answer on every valid line", async () => {
	await fc.assert(
		fc.asyncProperty(validLine, async (line) => {
			const hot = parse(line);
			if (hot === undefined) throw new Error("the hot parser gave up");
			const full = await parseFull(line);
			if (full.kind !== "parsed") throw new Error(`yargs: ${JSON.stringify(full)}`);
			if (JSON.stringify(sorted(full.parsed)) !== JSON.stringify(sorted(hot)))
				throw new Error(JSON.stringify([hot, full.parsed]));
		}),
		{ numRuns: 400 },
	);
});

const anyWord = fc.oneof(
	word,
	text,
	fc.constantFrom(...commands().map(({ name }) => name as string)),
	fc
		.constantFrom<OptionSpec>(...globalOptions(), ...commands().flatMap(({ options }) => [...options]))
		.chain((option) =>
			fc.constantFrom(
				`--${option.name}`,
				`-${option.name}`,
				`--${option.name}=x`,
				`-${option.alias ?? "z"}`,
				`--${option.name}-`,
			),
		),
	fc.constantFrom(
		"-h",
		"--help=false",
		"--bogus",
		"-9",
		"-qf",
		"---x",
		"--=3",
		"-=",
		"--__proto__",
		"--constructor=1",
		"--list.x",
		"--no-debug",
	),
	fc.string({ maxLength: 4 }).map((rest) => `-${rest}`),
);
const anyLine = fc
	.tuple(
		fc.array(anyWord, { maxLength: 1 }),
		fc.constantFrom(...commands().map(({ name }) => name as string)),
		fc.array(anyWord, { maxLength: 3 }),
	)
	.map(([before, command, after]) => [...before, command, ...after]);

t.test("the hot parser takes no line that yargs refuses", async (t) => {
	let refused = 0;
	await fc.assert(
		fc.asyncProperty(anyLine, async (line) => {
			const hot = parse(line);
			const full = await parseFull(line);
			if (full.kind !== "parsed") {
				refused++;
				if (hot !== undefined) throw new Error(`${full.kind}, but the hot parser read ${JSON.stringify(hot)}`);
			} else if (hot !== undefined && JSON.stringify(sorted(hot)) !== JSON.stringify(sorted(full.parsed))) {
				throw new Error(JSON.stringify([hot, full.parsed]));
			}
		}),
		{ numRuns: 300 },
	);
	t.ok(refused > 50, `${refused} lines were refused`);
});

function sorted(value: unknown): unknown {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, inner]) => [name, sorted(inner)]),
	);
}
