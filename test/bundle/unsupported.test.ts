import t from "tap";
import { UNSUPPORTED } from "../../src/bundle/unsupported.js";
import { bentText, type Case, said } from "./base.js";

const NOT_YET: Case[] = [
	[
		"NOTIFY",
		(c) =>
			(c.linux.seccomp = { defaultAction: "SCMP_ACT_NOTIFY", syscalls: [{ names: ["a"], action: "SCMP_ACT_NOTIFY" }] }),
		"config.json#/linux/seccomp/defaultAction: the seccomp action SCMP_ACT_NOTIFY is not supported yet",
		"config.json#/linux/seccomp/syscalls/0/action: the seccomp action SCMP_ACT_NOTIFY is not supported yet",
	],
];

for (const [name, bend, ...expected] of NOT_YET) {
	t.test(name, async (t) => {
		t.same(said(bentText(bend)), expected);
	});
}

t.test("every gap is tested", async (t) => {
	const lines = NOT_YET.flatMap(([, , ...expected]) => expected).join("\n");
	for (const { feature } of UNSUPPORTED) t.ok(lines.includes(`${feature} is not supported yet`), feature);
});
