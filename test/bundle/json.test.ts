import fc from "fast-check";
import t from "tap";
import { type Json, positionOf, readExactly } from "../../src/bundle/exact-json.js";
import { readQuickly } from "../../src/bundle/json.js";
import { parseConfig } from "../../src/bundle/parse.js";
import { baseConfig, bentText, said } from "./base.js";

/** What go's encoding/json would write for a value. */
function asGo(value: unknown, indent?: string): string {
	return JSON.stringify(value, null, indent)
		.replaceAll("&", "\\u0026")
		.replaceAll("<", "\\u003c")
		.replaceAll(">", "\\u003e");
}

t.test("the quick way takes what engines write", async (t) => {
	const config = { ...baseConfig(), annotations: { a: 'é ☃ 𝄞 \n\t"\\/' } };
	const shell = { ...config, process: { ...config.process, args: ["sh", "-c", "a && b > c < d"] } };
	for (const indent of [undefined, "\t", " ", "    "]) {
		t.same(readQuickly(asGo(config, indent)), config);
		t.same(readQuickly(`${asGo(config, indent)}\n`), config);
		t.same(readQuickly(asGo(shell, indent)), shell);
	}
});

t.test("the quick way leaves what JSON.parse would get wrong", async (t) => {
	for (const text of [
		'{"a":1,"a":1}',
		'{"a":{"b":1,"c":2,"b":1}}',
		'{"a":18446744073709551615}',
		'{"a":1.0}',
		'{"a":"\\u0000"}',
		'{"a":"\\ud800"}',
		'{"a":"\\uD834\\uDD1E"}',
		'{"a":1',
		"",
		'\uFEFF{"a":1}',
		'{"__proto__":1,"__proto__":2}',
	]) {
		t.equal(readQuickly(text), undefined, text);
	}
});

t.test("64-bit values arrive exact", async (t) => {
	for (const digits of ["18446744073709551615", "9223372036854775807", "9007199254740993", "9223372036854772000"]) {
		const text = bentText((c) => {
			c.process.rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 12345 }];
			c.linux.resources = { memory: { limit: -1 } };
		}).replace("12345", digits);
		const { spec, diagnostics } = parseConfig(text);
		t.same(diagnostics, []);
		t.equal(String(spec.process.rlimits?.[0]?.hard), digits);
		t.equal(spec.process.rlimits?.[0]?.soft, 0);
	}
	const { spec } = parseConfig(
		bentText((c) => {
			c.linux.resources = { memory: { limit: 12345 } };
		}).replace("12345", "-9223372036854775808"),
	);
	t.equal(spec.linux?.resources?.memory?.limit, -9223372036854775808n);
});

t.test("values beyond 64 bits are refused with their exact value", async (t) => {
	const limit = (digits: string) =>
		bentText((c) => (c.linux.resources = { memory: { limit: 12345 } })).replace("12345", digits);
	const at = "config.json#/linux/resources/memory/limit: expected a signed 64-bit integer; found ";
	t.same(said(limit("9223372036854775808")), [`${at}9223372036854775808`]);
	t.same(said(limit("-9223372036854775809")), [`${at}-9223372036854775809`]);
	t.same(said(limit("1e400")), [`${at}Infinity`]);
	t.same(said(limit("1.5")), [`${at}1.5`]);
});

t.test("malformed JSON: what was expected, and where", async (t) => {
	const cases: [string, string, number, number, string?][] = [
		["", "expected a value; found the end of the text", 1, 1],
		["{", "expected a property name in double quotes; found the end of the text", 1, 2],
		['{"a" 1}', 'expected ":" after the property name; found "1"', 1, 6],
		['{\n\t"a": 1\n\t"b": 2\n}', 'expected "," or "}"; found "\\""', 3, 2],
		['{"a": [1, 2}', 'expected "," or "]"; found "}"', 1, 12, "/a"],
		['{"a": [1,]}', 'expected a value; found "]"', 1, 10, "/a/1"],
		['{"a": 1,}', 'expected a property name in double quotes; found "}"', 1, 9],
		["{'a': 1}", `expected a property name in double quotes; found "'"`, 1, 2],
		['{"a": tru}', 'expected a value; found "t"', 1, 7, "/a"],
		['{"a": 01}', 'expected "," or "}"; found "1"', 1, 8],
		['{"a": -}', 'expected a value; found "-"', 1, 7, "/a"],
		['{"a": "b', "a string that starts here has no end", 1, 7, "/a"],
		['{"a": "\\x"}', "malformed escape in a string", 1, 8, "/a"],
		['{"a": "\n"}', 'control character "\\n" inside a string', 1, 8, "/a"],
		["{} x", 'expected the end of the text; found "x"', 1, 4],
		["// c\n{}", 'expected a value; found "/"', 1, 1],
		[`${"[".repeat(300)}`, "nested deeper than 200 levels", 1, 202, "/0".repeat(201)],
	];
	for (const [text, message, line, column, pointer = ""] of cases) {
		t.same(
			parseConfig(text).diagnostics,
			[{ severity: "error", code: "config.syntax", pointer, message, line, column }],
			text.slice(0, 40),
		);
	}
});

t.test("a byte order mark is named", async (t) => {
	t.match(said(`\uFEFF${bentText(() => {})}`), [/byte order mark/]);
});

t.test("duplicate names are errors, each at its place", async (t) => {
	const text = bentText(() => {})
		.replace('"hostname":"box"', '"hostname":"box","hostname":"other"')
		.replace('"cwd":"/"', '"cwd":"/","cwd":"/"');
	t.same(said(text), [
		'config.json#/process/cwd: duplicate name "cwd"',
		'config.json#/hostname: duplicate name "hostname"',
	]);
	t.same(said(bentText(() => {}).replace('"hostname"', '"x":{"~/":1,"~/":1},"hostname"')), [
		'config.json#/x/~0~1: duplicate name "~/"',
	]);
});

t.test("strings that the kernel cannot take", async (t) => {
	const args = (word: string) => bentText((c) => (c.process.args = ["WORD"])).replace("WORD", word);
	t.same(said(args("a\\u0000b")), ["config.json#/process/args/0: a string must not contain the character U+0000"]);
	t.same(said(args("\\ud800")), ["config.json#/process/args/0: a string must not contain half of a surrogate pair"]);
	t.same(said(args("\\ud834\\udd1e")), []);
});

t.test("__proto__ is a name like any other", async (t) => {
	const { value } = readExactly('{"__proto__": {"polluted": 1}}');
	t.same(Object.keys(value as object), ["__proto__"]);
	t.notOk("polluted" in (value as object));
});

t.test("the exact reader agrees with JSON.parse", async (t) => {
	fc.assert(
		fc.property(fc.jsonValue(), fc.constantFrom(undefined, "\t", "  "), (value, indent) => {
			const text = JSON.stringify(value, null, indent);
			const exact = readExactly(text);
			const plain = (json: Json | undefined): unknown =>
				JSON.parse(JSON.stringify(json, (_name, entry) => (typeof entry === "bigint" ? Number(entry) : entry)));
			t.same(
				exact.faults.filter(({ message }) => !message.includes("U+0000") && !message.includes("surrogate")),
				[],
			);
			t.strictSame(plain(exact.value), JSON.parse(text));
		}),
		{ numRuns: 200 },
	);
});

t.test("positions are those of an editor", async (t) => {
	t.same(positionOf("ab\ncd", 0), { line: 1, column: 1 });
	t.same(positionOf("ab\ncd", 4), { line: 2, column: 2 });
	const text = JSON.stringify({ ...baseConfig(), hostname: 5 }, null, "\t");
	const [diagnostic] = parseConfig(text).diagnostics;
	const line = text.split("\n").findIndex((content) => content.includes("hostname")) + 1;
	t.match(diagnostic, { line, column: '\t"hostname": 5'.indexOf("5") + 1 });
});
