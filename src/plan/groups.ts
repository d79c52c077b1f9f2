/** process.user.additionalGids, and who may still call setgroups(2) (user_namespaces(7)). */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { deniesSetgroups } from "./idmap.js";
import type { InitStepOf } from "./schema.js";

type Groups = Pick<InitStepOf<"process.user">, "additionalGids" | "setgroups" | "setgroupsMayBeDenied">;

const at = "/process/user/additionalGids";

export function compileGroups(context: Context, requested: number[] | undefined): Groups {
	const additionalGids = requested ?? [];
	if (deniesSetgroups(context)) {
		if (additionalGids.length === 0) return { additionalGids, setgroups: false };
		throw new RuntimeError("config.invalid", "cannot set any additional groups in a rootless container", {
			pointer: at,
			hint: "with a range of /etc/subgid in linux.gidMappings it can",
		});
	}
	if (context.host.setgroupsDenied) {
		// Every user namespace below inherits it. runc and crun drop the groups without a word, and rootless Podman with
		// a single id sends some.
		if (additionalGids.length > 0) {
			context.warn(at, "additional groups are not set: the caller's user namespace denies setgroups");
		}
		return { additionalGids: [], setgroups: false };
	}
	const { namespaces } = context;
	if (!namespaces.has("user") || namespaces.isNew("user")) return { additionalGids, setgroups: true };
	return { additionalGids, setgroups: true, setgroupsMayBeDenied: true };
}
