/**
 * Every property of config.json is acted on, or refused. Not by a list that somebody keeps: the compiler of plans and
 * what runs hooks get a configuration that notes who reads which property.
 */
import t from "tap";
import { parseConfig } from "../../src/bundle/parse.js";
import { bentText } from "../bundle/base.js";
import { everyProperty, propertiesIn } from "./claims.js";
import { fates, isClaimed } from "./fates.js";
import { PIECES } from "./pieces.js";

/** Properties of other platforms, which the schemas leave out as they are ignored like unknown ones. */
const NOT_FOR_LINUX = ["process.commandLine", "solaris", "windows", "vm", "zos", "freebsd"];

/** Read before there is a plan, or by a command that makes none; `personality.flags` has no value that would be taken. */
const ELSEWHERE: Record<string, string> = {
	"root.path": "src/bundle/load.ts",
	"process.execCPUAffinity.initial": "for exec",
	"process.execCPUAffinity.final": "for exec",
	"linux.personality.flags": "src/bundle/rules",
};

const every = everyProperty();
const refused = new Set(fates.flatMap(({ properties, reasons }) => (reasons.length > 0 ? properties : [])));

t.test("the samples have every property", async (t) => {
	const set = new Set(PIECES.flatMap(([, bend]) => propertiesIn(JSON.parse(bentText(bend)))));
	t.same(
		every.filter((property) => !set.has(property)),
		[],
	);
});

t.test("a module claims every property, or it is refused", async (t) => {
	t.ok(every.length > 200, `${every.length} properties`);
	t.same(
		every.filter((property) => !isClaimed(property) && !refused.has(property) && !(property in ELSEWHERE)),
		[],
	);
	for (const property of Object.keys(ELSEWHERE)) {
		t.ok(every.includes(property), `${property} is a property`);
		t.notOk(isClaimed(property), `${property} need not be on the list`);
	}
});

t.test("properties of other platforms are in no schema, and are ignored", async (t) => {
	for (const property of NOT_FOR_LINUX) t.notOk(every.includes(property), property);
	const { diagnostics } = parseConfig(
		bentText((c) => {
			c.process.commandLine = "cmd";
			Object.assign(c, { solaris: {}, windows: {}, vm: {}, zos: {}, freebsd: {} });
		}),
	);
	t.same(diagnostics, []);
});
