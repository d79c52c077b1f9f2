/** Reads TAP output, prints what failed and why, what was skipped and why, and the closing count line. */
import { readFileSync } from "node:fs";

const [file, runnerStatus] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: report.ts TAP-FILE RUNNER-STATUS");

interface Point {
	ok: boolean;
	name: string;
	/** Reason of a skip or a todo, when there is one. */
	skip: string | undefined;
	depth: number;
	hasChildren: boolean;
	detail: string[];
}

const points: Point[] = [];
const path: string[] = [];
let last: Point | undefined;
for (const line of readFileSync(file, "utf8").split("\n")) {
	const depth = Math.floor((line.length - line.trimStart().length) / 4);
	const text = line.trim();
	const subtest = /^# Subtest: (.*)$/.exec(text);
	if (subtest) {
		path.length = depth;
		path[depth] = subtest[1] ?? "";
		continue;
	}
	const point = /^(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b ?(.*?))?(?: # time=.*)?(?: \{)?$/i.exec(text);
	if (point) {
		const hasChildren = path.length > depth && path[depth] !== undefined;
		last = {
			ok: point[1] === undefined,
			name: [...path.slice(0, depth), point[2] ?? ""].join(" > "),
			skip: point[3] === undefined ? undefined : point[4] || "no reason given",
			depth,
			hasChildren,
			detail: [],
		};
		path.length = depth;
		points.push(last);
	} else if (last && !last.ok && text !== "" && !text.startsWith("#") && !/^\d+\.\.\d+$/.test(text)) {
		last.detail.push(line);
	}
}

// A parent's own line repeats its children: count the leaves, and a parent only when it fails with no failing child.
const leaves = points.filter((point) => !point.hasChildren);
const failedLeaves = leaves.filter((point) => !point.ok && point.skip === undefined);
const orphans = points.filter(
	(point) =>
		point.hasChildren &&
		!point.ok &&
		point.skip === undefined &&
		!failedLeaves.some((leaf) => leaf.name.startsWith(`${point.name} > `)),
);
const failed = [...failedLeaves, ...orphans];
const skipped = points.filter((point) => point.skip !== undefined);
const passed = leaves.filter((point) => point.ok && point.skip === undefined);

for (const point of failed) console.log(`not ok  ${point.name}\n${point.detail.join("\n")}`);
for (const point of skipped) console.log(`skipped  ${point.name}: ${point.skip}`);
const runnerFailed = Number(runnerStatus) !== 0 && failed.length === 0;
if (runnerFailed) console.log(`not ok  the test runner ended with status ${runnerStatus}, see build/test.err`);
console.log(`${passed.length} passed, ${failed.length + (runnerFailed ? 1 : 0)} failed, ${skipped.length} skipped`);
process.exit(failed.length > 0 || runnerFailed || passed.length === 0 ? 1 : 0);
