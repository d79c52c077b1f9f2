/** hostname and domainname. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

export function setNames({ spec: { hostname, domainname } }: Context): InitStep[] {
	const steps: InitStep[] = [];
	if (hostname) steps.push({ op: "uts.hostname", at: "/hostname", name: hostname });
	if (domainname) steps.push({ op: "uts.domainname", at: "/domainname", name: domainname });
	return steps;
}
