import { readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { readQuickly } from "../../src/bundle/json.js";
import { parseConfig } from "../../src/bundle/parse.js";
import { acceptConfig } from "../../src/generated/accept-config.js";

/** Configurations that engines wrote, as the runtime got them. */
const samples = `${import.meta.dirname}/samples`;

for (const file of readdirSync(samples)) {
	t.test(file, async (t) => {
		const text = readFileSync(`${samples}/${file}`, "utf8");
		const { spec, diagnostics } = parseConfig(text, { locate: true });
		t.same(diagnostics, [], "nothing to complain about");
		t.same(spec, JSON.parse(text), "nothing lost");
		t.ok(acceptConfig(readQuickly(JSON.stringify(spec))), "takes the quick way as the engine writes it");
	});
}
