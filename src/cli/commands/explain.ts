/** `explain`: the plan that `create` would execute. Reads the bundle and a few files of /proc, changes nothing. */
import { loadBundle } from "../../bundle/load.js";
import { explainedPlan } from "../explained.js";
import { formatPlan } from "../plan-text.js";
import type { Command } from "../session.js";

export const explain: Command<"explain"> = ({ global, options, positionals }, { native }) => {
	const bundle = loadBundle(native, options.bundle || ".");
	const compiled = explainedPlan(native, bundle, global, positionals[0]);
	const odd = bundle.warnings.map(({ pointer, message }) => ({ at: pointer, message }));
	const plan = { ...compiled, warnings: [...odd, ...compiled.warnings] };
	native.print({ fd: 1, text: options.json ? `${JSON.stringify(plan, null, 2)}\n` : formatPlan(plan) });
	return 0;
};
