import t from "tap";
import { parseFull } from "../../src/cli/full.js";
import { parse } from "../../src/cli/parse.js";
import { commands } from "../../src/cli/table.js";
import { invocations } from "../engines/recorded/recorded.js";

for (const { client, words } of invocations()) {
	const command = words.find((word) => commands().some(({ name }) => name === word)) ?? "";
	t.test(`${client}: ${words.join(" ")}`, async (t) => {
		if (words.includes("--version")) {
			t.match(parse(words), { command: "version" });
			return;
		}
		const outcome = await parseFull(words);
		// Podman asks these to see whether the runtime can checkpoint and restore.
		if (words.includes("--help")) {
			t.equal(outcome.kind, "help");
			return;
		}
		if (words.at(-1) === "--lsm-mount-context") {
			t.match(outcome, { kind: "misuse", message: /flag needs an argument|requires an argument/ });
			return;
		}
		t.equal(outcome.kind, "parsed");
		if (outcome.kind !== "parsed" || !("positionals" in outcome.parsed)) return;
		const { parsed } = outcome;
		t.equal(parsed.command, command);
		// Go's flags may have one dash or two.
		const given = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/^--?|=.*/g, ""));
		t.ok(given.length > 0 || parsed.positionals.length > 0);
		for (const option of given) t.ok(option in parsed.global || option in parsed.options, `--${option}`);
		// The container comes last, or before the signal.
		t.equal(
			parsed.positionals[0],
			command === "kill" ? words.at(parsed.positionals.length === 2 ? -2 : -1) : words.at(-1),
		);
	});
}
