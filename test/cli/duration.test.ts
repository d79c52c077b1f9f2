import t from "tap";
import { readDuration } from "../../src/cli/duration.js";
import { exactText } from "../../src/cli/exact-text.js";

t.test("durations in milliseconds", async (t) => {
	const good: [string, number][] = [
		["5s", 5000],
		["+1m30s", 90_000],
		["1.5h", 5_400_000],
		["-2ms", -2],
		["250us", 0.25],
		["1µs1μs", 0.002],
		["7ns", 7e-6],
		[".5s", 500],
		["1.s", 1000],
		["0", 0],
		["2", 2000],
		["0.5", 500],
	];
	for (const [text, milliseconds] of good) t.equal(readDuration(text)?.toFixed(6), milliseconds.toFixed(6), text);
	for (const text of ["", "s", "5x", "5 s", "5s ", "1m-2s", "--1s", "1e3s", "five", ".", ".s", "0x5s", "5s\n"])
		t.equal(readDuration(text), undefined, JSON.stringify(text));
});

t.test("JSON with 64-bit numbers", async (t) => {
	const value = {
		a: 18446744073709551615n,
		b: [1, -1n, undefined],
		c: undefined,
		d: null,
		'e"': "f\n",
		g: 0.25,
		h: true,
	};
	t.equal(exactText(value), '{"a":18446744073709551615,"b":[1,-1,null],"d":null,"e\\"":"f\\n","g":0.25,"h":true}');
});
