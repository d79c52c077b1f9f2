/** linux.sysctl. The bundle's rules have let through only what belongs to a namespace of the container. */
import { pointerToken } from "../bundle/diagnostic.js";
import { dottedSysctl } from "../bundle/rules/sysctl.js";
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

/** The other separator is part of a name: eth0.100 in net.ipv4.conf.eth0/100.rp_filter. */
function toPath(dotted: string): string {
	return dotted.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

export function writeSysctls({ linux }: Context, init: InitStep[]): void {
	if (linux.sysctl === undefined) return;
	for (const [key, value] of Object.entries(linux.sysctl)) {
		const dotted = dottedSysctl(key);
		const at = `/linux/sysctl/${pointerToken(key)}`;
		init.push({ op: "sysctl.write", at, key: dotted, path: toPath(dotted), value });
	}
}
