/** hostname and domainname. */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

export function setNames(context: Context): InitStep[] {
	const { hostname, domainname } = context.spec;
	const steps: InitStep[] = [];
	if (hostname) steps.push({ op: "uts.hostname", at: "/hostname", name: hostname });
	if (domainname) steps.push({ op: "uts.domainname", at: "/domainname", name: domainname });
	if (steps.length > 0 && !context.namespaces.has("uts")) {
		// It would rename the host.
		throw new RuntimeError("config.invalid", `unable to set ${hostname ? "hostname" : "domainname"} without a private UTS namespace`, {
			pointer: hostname ? "/hostname" : "/domainname",
		});
	}
	return steps;
}
