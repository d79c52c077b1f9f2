/** The plan that `create` would execute for a bundle, without the options of one command. Changes nothing. */
import type { Bundle } from "../bundle/load.js";
import { gatherFacts } from "../container/facts.js";
import { checkId } from "../container/place.js";
import { locate } from "../container/store.js";
import { fillIdMappings } from "../container/subordinate-ids.js";
import { findSystemd } from "../container/systemd.js";
import type { Native } from "../native/api.js";
import { compilePlan } from "../plan/compile.js";
import type { Plan } from "../plan/schema.js";
import { bundleName } from "./bundle-name.js";
import { cgroupDriver } from "./cgroup-driver.js";
import { placeOf } from "./commands/place.js";
import { rootlessMode } from "./rootless-mode.js";
import type { GlobalOptions } from "./table.js";

/** `given`: the container's id; by default it has the bundle's name. */
export function explainedPlan(native: Native, bundle: Bundle, global: GlobalOptions, given?: string): Plan {
	const id = given ?? bundleName(bundle.path);
	checkId(id);
	const host = gatherFacts(native, bundle.spec);
	const unmapped = fillIdMappings(native, bundle.spec, host, native.environment());
	const driver = cgroupDriver(global);
	if (driver.systemdCgroup) host.systemd = findSystemd(native, host, native.environment());
	const plan = compilePlan({
		id,
		bundle,
		host,
		options: {
			noPivot: false,
			noNewKeyring: false,
			preserveFds: 0,
			startVia: "socket",
			mountedRoot: locate(native, placeOf(global), id).mountedRoot,
			...driver,
			listenFds: 0,
			trace: global.trace === true,
			...rootlessMode(global),
		},
	});
	if (unmapped !== undefined) plan.warnings.unshift({ at: "/linux/uidMappings", message: unmapped });
	return plan;
}
