/** `explain`: the plan that `create` would execute. Reads the bundle and a few files of /proc, changes nothing. */
import { loadBundle } from "../../bundle/load.js";
import { gatherFacts } from "../../container/facts.js";
import { checkId } from "../../container/place.js";
import type { Native } from "../../native/api.js";
import { compilePlan } from "../../plan/compile.js";
import type { Plan } from "../../plan/schema.js";
import { formatPlan } from "../plan-text.js";
import type { Command } from "../session.js";
import type { GlobalOptions } from "../table.js";

export const explain: Command<"explain"> = ({ global, options, positionals }, { native }) => {
	const plan = planOf(native, global, options.bundle || ".", positionals[0]);
	native.print({ fd: 1, text: options.json ? `${JSON.stringify(plan, null, 2)}\n` : formatPlan(plan) });
	return 0;
};

function planOf(native: Native, global: GlobalOptions, path: string, given: string | undefined): Plan {
	const bundle = loadBundle(native, path);
	const id =
		given ?? (bundle.path.slice(bundle.path.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9_+.-]/g, "-") || "container");
	checkId(id);
	const plan = compilePlan({
		id,
		bundle,
		host: gatherFacts(native, bundle.spec),
		options: {
			noPivot: false,
			noNewKeyring: false,
			preserveFds: 0,
			startVia: "socket",
			systemdCgroup: global["systemd-cgroup"] === true,
			listenFds: 0,
			trace: global.trace === true,
		},
	});
	const odd = bundle.warnings.map(({ pointer, message }) => ({ at: pointer, message }));
	return { ...plan, warnings: [...odd, ...plan.warnings] };
}
