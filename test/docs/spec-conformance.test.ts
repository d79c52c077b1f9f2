/** docs/spec-conformance.md says what is there: every property, tests that exist, and all that is refused. */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { ANNOTATIONS } from "../../src/bundle/annotations.js";
import { everyProperty } from "../plan/claims.js";
import { fates } from "../plan/fates.js";

const page = readFileSync(`${import.meta.dirname}/../../docs/spec-conformance.md`, "utf8");
const every = everyProperty();

interface Row {
	section: string;
	cells: string[];
}

const rows: Row[] = [];
let section = "";
for (const line of page.split("\n")) {
	if (line.startsWith("## ")) section = line.slice(3);
	else if (/^\| (?!-)/.test(line))
		rows.push({
			section,
			cells: line
				.split("|")
				.slice(1, -1)
				.map((cell) => cell.trim()),
		});
}

/** The name in a row's first cell; undefined for a heading, and for what is no name. */
const named = ({ cells }: Row) => /^`([^`]+)`$/.exec(cells[0] ?? "")?.[1];
const namedIn = (fits: (section: string) => boolean) =>
	rows.filter(({ section }) => fits(section)).flatMap((row) => named(row) ?? []);
const isBelow = (property: string, above: string) =>
	property === above || property.startsWith(`${above}.`) || property.startsWith(`${above}[]`);

const UNSUPPORTED = "Not supported";
const documented = namedIn((section) => section !== "Annotations" && section !== UNSUPPORTED);

t.test("every property has a row, and every row a property", async (t) => {
	t.ok(documented.length > 50, `${documented.length} rows`);
	t.same(
		every.filter((property) => !documented.some((row) => isBelow(property, row) || isBelow(row, property))),
		[],
	);
	t.same(
		documented.filter((row) => !every.includes(row)),
		[],
	);
	t.equal(new Set(documented).size, documented.length, "none twice");
});

t.test("every row names a test, and every test that is named exists", async (t) => {
	for (const row of rows) {
		if (named(row) !== undefined && row.section !== UNSUPPORTED) t.match(row.cells[2], /\.test\.ts`/, named(row) ?? "");
	}
	const files = [...new Set([...page.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => file ?? ""))];
	t.ok(files.length > 30, `${files.length} files`);
	t.same(
		files.filter((file) => !existsSync(`${import.meta.dirname}/../${file}`)),
		[],
	);
});

t.test("the annotations are those that the code reads", async (t) => {
	t.same(namedIn((section) => section === "Annotations").sort(), [...ANNOTATIONS].sort());
});

t.test("what is not supported is what the code refuses, in its words", async (t) => {
	const list = rows.filter((row) => row.section === UNSUPPORTED && named(row) !== undefined);
	for (const row of list) t.ok(every.includes(named(row) ?? ""), `${named(row)} is a property`);
	const refused = fates.filter(({ reasons }) => reasons.length > 0);
	t.same(
		[...new Set(refused.flatMap(({ reasons }) => reasons))].sort(),
		[...new Set(list.map(({ cells }) => cells[1]))].sort(),
	);
	for (const { name, properties } of refused) {
		t.ok(
			list.some((row) => properties.some((property) => isBelow(property, named(row) ?? ""))),
			name,
		);
	}
});
