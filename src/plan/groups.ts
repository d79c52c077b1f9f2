/** process.user.additionalGids, and who may still call setgroups(2) (user_namespaces(7)). */
import { isSwitchedOn } from "../bundle/annotations.js";
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { deniesSetgroups, inheritsDenial } from "./idmap.js";
import type { InitStepOf } from "./schema.js";

const at = "/process/user/additionalGids";

/** Takes from the step what nobody may do here. */
export function limitGroups(context: Context, step: InitStepOf<"process.user">): void {
	if (isSwitchedOn(context.spec, "run.oci.keep_original_groups")) {
		step.setgroups = false;
		if (step.additionalGids.length > 0)
			context.warn(at, "has no effect with the annotation run.oci.keep_original_groups");
		return;
	}
	if (deniesSetgroups(context)) {
		step.setgroups = false;
		if (step.additionalGids.length === 0) return;
		throw new RuntimeError("config.invalid", "cannot set any additional groups in a rootless container", {
			pointer: at,
			hint: "with a range of /etc/subgid in linux.gidMappings it can",
		});
	}
	if (inheritsDenial(context)) {
		// runc and crun pass over it in silence: engines (rootless Podman with a single id) add the groups of the image's
		// user without knowing the host.
		if (step.additionalGids.length > 0) {
			context.warn(
				at,
				"additional groups are ignored: the caller's user namespace denies setgroups (/proc/self/setgroups)",
			);
		}
		step.setgroups = false;
		step.additionalGids = [];
	} else if (context.namespaces.has("user") && !context.namespaces.isNew("user")) {
		// Only the kernel knows the rule of a namespace that is joined.
		step.setgroupsMayBeDenied = true;
	}
}
