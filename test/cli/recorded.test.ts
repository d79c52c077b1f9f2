import t from "tap";
import { parse } from "../../src/cli/parse.js";
import { commands } from "../../src/cli/table.js";
import { invocations } from "../engines/recorded/recorded.js";

/** Podman asks these to see whether the runtime can checkpoint and restore: help, and an error that says what is missing. */
const probes = ["checkpoint --help", "restore --lsm-mount-context"];

for (const { client, words } of invocations()) {
	if (probes.includes(words.join(" "))) continue;
	t.test(`${client}: ${words.join(" ")}`, async (t) => {
		const result = parse(words);
		if (words[0] === "--version") {
			t.match(result, { command: "version" });
			return;
		}
		const names = commands.map(({ name }) => name);
		const command = words.find((word) => names.includes(word));
		// What a caller sends is on the hot path: it has to be understood without yargs.
		t.match(result, { command });
		const given = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/^--?|=.*/g, ""));
		const understood = { ...result?.global, ...result?.options };
		for (const option of given) t.ok(option in understood, `--${option}`);
		t.equal(result?.positionals[0], words.findLast((word) => !/^(\d+|SIG[A-Z]+|[A-Z]+)$/.test(word) || word === "ID"));
	});
}
