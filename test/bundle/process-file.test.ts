/** process.json: the schema and the rules of config.json's process, with pointers into the file itself. */
import t from "tap";
import { formatDiagnostic } from "../../src/bundle/diagnostic.js";
import { parseProcess } from "../../src/bundle/process-file.js";

const said = (text: string): string[] => {
	return parseProcess(text).diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, "process.json"));
};

t.test("a good one, written by Go's encoder or by hand", async (t) => {
	const text = '{"user":{"uid":0,"gid":0},"args":["ls"],"cwd":"/"}';
	t.same(parseProcess(text), { process: { user: { uid: 0, gid: 0 }, args: ["ls"], cwd: "/" }, diagnostics: [] });
	t.same(parseProcess(`${text}\n`).diagnostics, []);
	t.same(parseProcess('{ "args" : [ "ls" ],\n "cwd" : "/" , "env": null }').process, { args: ["ls"], cwd: "/" });
});

t.test("64-bit limits are exact", async (t) => {
	const limit = '{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":9007199254740993}';
	const { process, diagnostics } = parseProcess(`{"args":["ls"],"cwd":"/","rlimits":[${limit}]}`);
	t.same(diagnostics, []);
	t.strictSame(process.rlimits, [{ type: "RLIMIT_CORE", hard: 18446744073709551615n, soft: 9007199254740993n }]);
});

t.test("everything that is wrong, at once, with its place", async (t) => {
	const text = `{
	"cwd": "x",
	"user": {"uid": "0", "gid": 4294967295},
	"env": [1],
	"rlimits": [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}],
	"execCPUAffinity": {"initial": "5-2"}
}`;
	const found = said(text).sort();
	t.match(found, [
		/^process\.json#\/args: args must not be empty \(line 1, column 1\)$/,
		/^process\.json#\/cwd: Cwd must be an absolute path; found "x" \(line 2, column 9\)$/,
		/^process\.json#\/env\/0: expected a string; found 1 \(line 4/,
		/^process\.json#\/execCPUAffinity\/initial: .* \(line 6/,
		/^process\.json#\/rlimits\/0\/soft: expected at most the hard limit 1; found 2 \(line 5/,
		/^process\.json#\/user\/gid: .*4294967295 \(line 3/,
		/^process\.json#\/user\/uid: .*found "0" \(line 3/,
	]);
	t.equal(found.length, 7);
});

t.test("what only the rules refuse has a place, too", async (t) => {
	t.same(said('{"args":[""],"cwd":"/"}'), [
		'process.json#/args/0: expected the name of a program; found "" (line 1, column 10)',
	]);
});

t.test("the id that means none (CVE-2026-30892: the process would stay root)", async (t) => {
	const of = (user: string): string[] => said(`{"args":["ls"],"cwd":"/","user":${user}}`);
	t.match(of('{"uid":4294967295,"gid":0}'), [/^process\.json#\/user\/uid: expected an id from 0 to 4294967294/]);
	t.match(of('{"uid":0,"gid":0,"additionalGids":[1,4294967295]}'), [/^process\.json#\/user\/additionalGids\/1/]);
	t.same(of('{"uid":4294967294,"gid":0}'), []);
});

t.test("a warning is no error", async (t) => {
	t.same(said('{"args":["ls"],"cwd":"/","env":["A"]}'), [
		'warning: process.json#/env/0: expected NAME=value; "A" is passed on as it is',
	]);
});

t.test("no JSON, and not the JSON that was meant", async (t) => {
	t.match(said(""), [/^process\.json: /]);
	t.match(said("[]"), [/^process\.json: .*an object.*found/]);
	t.match(said('{"args":["ls"],"cwd":"/","cwd":"/x"}'), [/cwd/]);
	t.match(said("\uFEFF{}"), [/byte order mark/]);
});
