import t from "tap";
import { knownFailures } from "./known.js";
import type { Run } from "./suite.js";
import { parseTap } from "./tap.js";
import { judge, unexpected } from "./verdict.js";

const run = (stdout: string, rest: Partial<Run> = {}): Run => ({
	status: 0,
	timedOut: false,
	stdout: `TAP version 13\n${stdout}`,
	stderr: "",
	milliseconds: 1,
	directory: "",
	leftContainers: [],
	leaks: [],
	...rest,
});
const problems = (stdout: string, rest: Partial<Run> = {}) => judge(run(stdout, rest), 60_000).problems;

t.test("TAP as the suite's library writes it", async (t) => {
	const tap = parseTap(
		'ok 1 - one\n  ---\n  {\n    "stdout": "not ok 1 - inner\\n"\n  }\n  ...\nnot ok 2 - two\nok 3 # SKIP three\n1..3\n',
	);
	t.match(tap, {
		plan: 3,
		bailOut: undefined,
		assertions: [
			{ ok: true, text: "one", skip: undefined, detail: /inner/ },
			{ ok: false, text: "two", skip: undefined },
			{ ok: true, skip: "three" },
		],
	});
	t.equal(tap.assertions.length, 3);
	t.equal(parseTap("1..2\nok 1\nok 2\n1..1\nok 1\n").plan, 3, "plans of one container after the other add up");
	t.equal(parseTap("Bail out! no root\n").bailOut, "no root");
});

t.test("what is a failure", async (t) => {
	t.same(problems("ok 1 - a\n1..1\n"), []);
	t.same(problems("not ok 1 - a # SKIP not here\n1..1\n"), []);
	t.same(problems("not ok 1 - a\n1..1\n"), ["a"]);
	t.same(problems("ok 1 - a\n1..2\n"), ["announces 2 tests and runs 1"]);
	t.same(problems("ok 1 - a\n1..1\n", { status: 1, stderr: "one\n\ntwo\n" }), ["ends with status 1: one | two"]);
	t.same(problems("ok 1 - a\n", { status: null, timedOut: true }), ["hangs: ended after 60 s"]);
	t.same(problems("Bail out! why\n"), ["bails out: why"]);
	t.same(problems("1..0\n"), []);
	t.same(
		problems('  ---\n  {\n    "error": "wrong\\norder"\n  }\n  ...\n1..0\n'),
		["wrong order"],
		"said beside the TAP",
	);
});

t.test("what is unexpected", async (t) => {
	const complaint = (stdout: string, known?: Parameters<typeof unexpected>[2]) => {
		const result = run(stdout);
		return unexpected(result, judge(result, 1), known);
	};
	const [good, bad, worse] = ["ok 1 - a\n1..1\n", "not ok 1 - a\n1..1\n", "not ok 1 - a\nnot ok 2 - b\n1..2\n"];
	t.equal(complaint(good), undefined);
	t.equal(complaint(bad), "a");
	const known = { reason: "r", fails: /^a$/ };
	t.equal(complaint(bad, known), undefined);
	t.match(complaint(good, known), /^passes, although/);
	t.match(complaint(worse, known), /^fails for more than the listed reason: b$/);
	t.match(complaint(bad, { ...known, says: /elsewhere/ }), /does not say/);
	t.equal(complaint(good, { ...known, races: true }), undefined);
});

t.test("no pattern of the list matches everything", async (t) => {
	for (const [name, { fails, reason }] of Object.entries(knownFailures)) {
		t.notMatch("some other failure", fails, name);
		t.match(reason, /\w{3} \w/, name);
	}
});
