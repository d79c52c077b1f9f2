import t from "tap";
import { parseConfig } from "../../src/bundle/parse.js";
import { configs } from "../engines/recorded/recorded.js";
import { compile, position } from "./fixture.js";

for (const [name, config] of Object.entries(configs())) {
	if (name.endsWith(".process")) continue;
	t.test(name, async (t) => {
		const { spec, diagnostics } = parseConfig(JSON.stringify(config));
		t.same(
			diagnostics.filter(({ severity }) => severity === "error"),
			[],
		);
		const plan = compile(spec);
		t.ok(position(plan, (step) => step.op === "exec") > 0);
		// Each mount of the configuration has a step that names it.
		for (const index of (spec.mounts ?? []).keys()) {
			const pointer = `/mounts/${index}`;
			t.ok(
				plan.init.some((step) => step.at === pointer || step.at?.startsWith(`${pointer}/`)),
				pointer,
			);
		}
	});
}
