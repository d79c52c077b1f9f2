/** process.user.additionalGids, and who may still call setgroups(2) (user_namespaces(7)). */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { deniesSetgroups } from "./idmap.js";
import type { InitStepOf } from "./schema.js";

const at = "/process/user/additionalGids";

/** Takes from the step what nobody may do here. */
export function limitGroups(context: Context, step: InitStepOf<"process.user">): void {
	if (deniesSetgroups(context)) {
		step.setgroups = false;
		if (step.additionalGids.length === 0) return;
		throw new RuntimeError("config.invalid", "cannot set any additional groups in a rootless container", {
			pointer: at,
			hint: "with a range of /etc/subgid in linux.gidMappings it can",
		});
	}
	if (context.host.setgroupsDenied) {
		// Every user namespace below inherits it. runc and crun drop the groups without a word, and rootless Podman with
		// a single id sends some.
		if (step.additionalGids.length > 0) {
			context.warn(at, "additional groups are not set: the caller's user namespace denies setgroups");
		}
		step.setgroups = false;
		step.additionalGids = [];
	} else if (context.namespaces.has("user") && !context.namespaces.isNew("user")) {
		step.setgroupsMayBeDenied = true;
	}
}
