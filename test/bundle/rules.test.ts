import t from "tap";
import { BAD } from "./bad.js";
import { BAD_ANNOTATIONS } from "./bad-annotations.js";
import { bentText, said } from "./base.js";
import { GOOD } from "./good.js";

for (const [title, table] of Object.entries({
	"good by every rule": GOOD,
	"bad by one rule": BAD,
	annotations: BAD_ANNOTATIONS,
})) {
	t.test(title, async (t) => {
		for (const [name, bend, ...expected] of table) t.same(said(bentText(bend)), expected, name);
	});
}

t.test("swappiness of -1 as an unsigned number is the same as unset", async (t) => {
	const text = bentText((c) => (c.linux.resources = { memory: { swappiness: 77 } }));
	t.same(said(text.replace("77", "18446744073709551615")), []);
	t.not(said(text.replace("77", "18446744073709551614")).length, 0);
});

t.test("unknown capabilities never fail a container", async (t) => {
	t.ok(
		said(bentText((c) => (c.process.capabilities = { bounding: ["CAP_X"] }))).every((line) =>
			line.startsWith("warning"),
		),
	);
});
