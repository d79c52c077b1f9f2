import t from "tap";
import { GVariantError, parseGVariant } from "../../src/cgroup/gvariant.js";

t.test("values", async (t) => {
	const table: [string, string, unknown][] = [
		["true", "b", "true"],
		[" false ", "b", "false"],
		["42", "i", "42"],
		["-7", "i", "-7"],
		["0x10", "i", "16"],
		["010", "i", "8"],
		["1.5", "d", "1.5"],
		["1e3", "d", "1000"],
		["-inf", "d", "-inf"],
		["uint64 18446744073709551615", "t", "18446744073709551615"],
		["byte 255", "y", "255"],
		["int16 -32768", "n", "-32768"],
		["@t 5", "t", "5"],
		["double 5", "d", "5"],
		["'it is'", "s", "it is"],
		['"it\'s"', "s", "it's"],
		["'a\\'b\\n\\u00e9\\U0001f600\\q'", "s", "a'b\né😀q"],
		["objectpath '/a/b_1'", "o", "/a/b_1"],
		["signature 'a{sv}'", "g", "a{sv}"],
		["b'hi'", "ay", ["104", "105", "0"]],
		["['a', 'b']", "as", ["a", "b"]],
		["[1, 2.5]", "ad", ["1", "2.5"]],
		["[uint32 1, 2]", "au", ["1", "2"]],
		["[[1], [2, 3]]", "aai", [["1"], ["2", "3"]]],
		["@as []", "as", []],
		["(1, 'x')", "(is)", ["1", "x"]],
		["(1,)", "(i)", ["1"]],
		["[('/dev/null', 'rw')]", "a(ss)", [["/dev/null", "rw"]]],
		["<uint32 5>", "v", { signature: "u", value: "5" }],
		[
			"{'a': <1>, 'b': <'x'>}",
			"a{sv}",
			[
				["a", { signature: "i", value: "1" }],
				["b", { signature: "s", value: "x" }],
			],
		],
		["@a{sv} {}", "a{sv}", []],
		["@a(sa{sv}) [('x', {'k': <@ay [1]>})]", "a(sa{sv})", [["x", [["k", { signature: "ay", value: ["1"] }]]]]],
	];
	for (const [text, signature, value] of table) t.strictSame(parseGVariant(text), { signature, value }, text);
});

function thrown(text: string): unknown {
	try {
		return parseGVariant(text);
	} catch (error) {
		return error;
	}
}

t.test("what is no value says so", async (t) => {
	const table: [string, RegExp][] = [
		["", /expected a value at character 1/],
		["hello", /unknown word "hello" \(a text needs quotes\)/],
		["'open", /the text has no end/],
		["1 2", /nothing expected after the value at character 3/],
		["[1", /expected ","/],
		["[]", /what is empty has to say its type/],
		["[1, 'a']", /the items have different types: i, s/],
		["()", /no empty structures/],
		["2147483648", /2147483648 is no value of type "i"/],
		["byte 256", /256 is no value of type "y"/],
		["uint32 -1", /-1 is no value of type "u"/],
		["uint32 1.5", /is no value of type "u"/],
		["12x", /12x is no value/],
		["0x", /is no value/],
		["@z 5", /"z" is no type of D-Bus|expected a type/],
		["@a{vs} {}", /is no type of D-Bus/],
		["@ms nothing", /is no type of D-Bus/],
		["@as ['a', 5]", /5 is no value of type "s"/],
		["objectpath 'x'", /is no value of type "o"/],
		["uint32 uint64 5", /no value of type "u"/],
		["handle 1", /unknown word "handle"/],
		["{(1,): 2}", /the key of a dictionary has to be a plain value/],
		["'\\u12'", /a character's number/],
		["<5", /expected ">"/],
	];
	for (const [text, message] of table) {
		t.throws(() => parseGVariant(text), { message }, text);
		t.ok(thrown(text) instanceof GVariantError, text);
	}
});
