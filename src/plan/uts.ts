/** hostname and domainname. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

export function setNames({ spec: { hostname, domainname } }: Context, init: InitStep[]): void {
	if (hostname) init.push({ op: "uts.hostname", at: "/hostname", name: hostname });
	if (domainname) init.push({ op: "uts.domainname", at: "/domainname", name: domainname });
}
