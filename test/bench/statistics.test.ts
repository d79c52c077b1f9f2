import t from "tap";
import { table } from "./report.js";
import { quantile, rotate, summarize } from "./statistics.js";

t.test("quantile interpolates between the closest ranks", async (t) => {
	t.equal(quantile([3, 1, 2], 0.5), 2);
	t.equal(quantile([4, 1, 2, 3], 0.5), 2.5);
	t.equal(quantile([10, 20], 0.9), 19);
	t.throws(() => quantile([], 0.5), RangeError);
});

t.test("one slow run moves the maximum, not the median", async (t) => {
	const calm = summarize([1, 1, 1, 1, 1]);
	const disturbed = summarize([1, 1, 1, 1, 90]);
	t.equal(disturbed.median, calm.median);
	t.equal(disturbed.max, 90);
	t.equal(disturbed.min, 1);
});

t.test("everyone has every place in the order equally often", async (t) => {
	const items = ["a", "b", "c"];
	const rounds = [0, 1, 2].map((round) => rotate(items, round));
	for (const place of [0, 1, 2]) t.same(rounds.map((order) => order[place]).sort(), items);
	t.same(rotate([], 5), []);
});

t.test("a table aligns names to the left and figures to the right", async (t) => {
	t.equal(
		table(
			["", "ms"],
			[
				["crun", "8.1"],
				["runtime-ts", "10.25"],
			],
		),
		"               ms\ncrun          8.1\nruntime-ts  10.25",
	);
});
