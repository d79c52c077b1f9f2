import t from "tap";
import { compileDeviceProgram } from "../../src/cgroup/device-program.js";
import { compileDeviceRules, type DeviceRule, formatRule } from "../../src/cgroup/device-rules.js";
import { type Access, run } from "./bpf.js";

const text = (rules: DeviceRule[]) => rules.map((rule) => `${rule.allow ? "allow" : "deny"} ${formatRule(rule)}`);

const defaults = [
	"allow c *:* m",
	"allow b *:* m",
	"allow c 1:3 rwm",
	"allow c 1:5 rwm",
	"allow c 1:7 rwm",
	"allow c 1:8 rwm",
	"allow c 1:9 rwm",
	"allow c 5:0 rwm",
	"allow c 5:2 rwm",
	"allow c 10:200 rwm",
	"allow c 136:* rwm",
];

t.test("nothing is allowed but the defaults (GHSA-g54h-m393-cpwq)", async (t) => {
	t.strictSame(text(compileDeviceRules(undefined)), ["deny a *:* rwm", ...defaults]);
	t.strictSame(
		text(compileDeviceRules([{ allow: false, access: "rwm" }])),
		["deny a *:* rwm", ...defaults],
		"as engines begin",
	);
});

t.test("configured rules stand before the defaults, in order", async (t) => {
	const rules = compileDeviceRules([
		{ allow: false, access: "rwm" },
		{ allow: true, type: "b", major: 8, minor: 0, access: "mr" },
		{ allow: true, type: "c", major: 10, minor: -1 },
		{ allow: false, access: "w" },
	]);
	t.strictSame(text(rules).slice(0, 4), ["deny a *:* rwm", "allow b 8:0 rm", "allow c 10:* rwm", "deny a *:* w"]);
	t.equal(rules[1]?.at, "/devices/1");
});

t.test("a rule for everything drops what came before", async (t) => {
	t.strictSame(
		text(
			compileDeviceRules([
				{ allow: true, type: "b", major: 8, minor: 0 },
				{ allow: true, type: "a", access: "rwm" },
			]),
		),
		["allow a *:* rwm"],
	);
	t.strictSame(text(compileDeviceRules([{ allow: true }, { allow: false, type: "b", major: 8 }])).slice(0, 2), [
		"allow a *:* rwm",
		"deny b 8:* rwm",
	]);
});

/** The meaning of a list: for each kind of access the last rule that speaks of it decides. */
function allowed(rules: DeviceRule[], { type, major, minor, access }: Access): boolean {
	return [...access].every((letter) => {
		const last = rules.findLast(
			(rule) =>
				(rule.type === "a" || rule.type === type) &&
				(rule.major ?? major) === major &&
				(rule.minor ?? minor) === minor &&
				rule.access.includes(letter),
		);
		return last?.allow === true;
	});
}

const accesses: Access[] = [];
for (const type of ["b", "c"] as const) {
	for (const [major, minor] of [
		[1, 3],
		[1, 4],
		[8, 0],
		[8, 1],
		[10, 200],
		[136, 7],
		[4294967295, 4294967295],
	] as const) {
		for (const access of ["r", "w", "m", "rw", "rm", "wm", "rwm"]) accesses.push({ type, major, minor, access });
	}
}

t.test("the program means what the rules mean, for every access", async (t) => {
	const lists: Parameters<typeof compileDeviceRules>[0][] = [
		undefined,
		[{ allow: true }],
		[{ allow: true }, { allow: false, type: "b", major: 8, minor: 0, access: "w" }],
		[{ allow: true }, { allow: false, access: "w" }, { allow: true, type: "b", major: 8, access: "w" }],
		[
			{ allow: false, access: "rwm" },
			{ allow: true, type: "b", major: 8, minor: 0, access: "r" },
			{ allow: true, type: "b", major: 8, minor: 0, access: "w" },
		],
		[
			{ allow: true, type: "a", major: 8, access: "rw" },
			{ allow: false, type: "a", minor: 1, access: "r" },
		],
		[{ allow: true, type: "c", major: 4294967295, minor: 4294967295, access: "rwm" }],
	];
	for (const list of lists) {
		const rules = compileDeviceRules(list);
		const program = compileDeviceProgram(rules);
		const wrong = accesses.filter((access) => run(program, access) !== Number(allowed(rules, access)));
		t.strictSame(wrong, [], JSON.stringify(list));
	}
});

t.test("the program of a default container", async (t) => {
	const program = compileDeviceProgram(compileDeviceRules([{ allow: false, access: "rwm" }]));
	const answers: [Access, number][] = [
		[{ type: "c", major: 1, minor: 3, access: "rw" }, 1],
		[{ type: "c", major: 136, minor: 12, access: "rw" }, 1],
		[{ type: "b", major: 8, minor: 0, access: "m" }, 1],
		[{ type: "b", major: 8, minor: 0, access: "r" }, 0],
		[{ type: "c", major: 1, minor: 1, access: "rm" }, 0],
	];
	for (const [access, answer] of answers) t.equal(run(program, access), answer, JSON.stringify(access));
	t.equal(program.length % 2, 0, "whole instructions");
	t.ok(
		program.every((half) => Number.isInteger(half) && half >= 0 && half <= 0xffff_ffff),
		"of unsigned halves",
	);
});
