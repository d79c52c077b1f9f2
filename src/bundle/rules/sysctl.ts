import { pointerToken } from "../diagnostic.js";
import type { Spec } from "../spec.js";
import { findNamespace, type Report } from "./report.js";

/** System V IPC parameters below kernel. that belong to the IPC namespace; so does everything below fs.mqueue. */
const IPC = [
	"kernel.msgmax",
	"kernel.msgmnb",
	"kernel.msgmni",
	"kernel.sem",
	"kernel.shmall",
	"kernel.shmmax",
	"kernel.shmmni",
	"kernel.shm_rmid_forced",
];

/**
 * sysctl.d(5): the first separator says which of the two is used; the other one then belongs to a name, as in
 * net/ipv4/conf/eth0.100/rp_filter.
 */
export function dottedSysctl(key: string): string {
	const slash = key.indexOf("/");
	const dot = key.indexOf(".");
	if (slash < 0 || (dot >= 0 && dot < slash)) return key;
	return key.replaceAll(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** Why a parameter must not be written; undefined when it belongs to a namespace of the container. Words of runc. */
function objection(key: string, spec: Spec): string | undefined {
	const shown = JSON.stringify(key);
	if (IPC.includes(key) || key.startsWith("fs.mqueue.")) {
		return findNamespace(spec, "ipc") ? undefined : `sysctl ${shown} is not allowed in the hosts ipc namespace`;
	}
	if (key.startsWith("net.")) {
		return findNamespace(spec, "network") ? undefined : `sysctl ${shown} not allowed in host network namespace`;
	}
	if (findNamespace(spec, "uts")) {
		if (key === "kernel.domainname") return undefined;
		if (key === "kernel.hostname")
			return `sysctl ${shown} is not allowed as it conflicts with the OCI "hostname" field`;
	}
	return `sysctl ${shown} is not in a separate kernel namespace`;
}

/** An empty part, or a part with a dot at its edge: as a path it could lead out of the directory it starts in. */
function isMalformed(dotted: string): boolean {
	const parts = dotted.split(".");
	for (let index = 0; index < parts.length; index++) {
		const part = parts[index] as string;
		if (part === "" || part.startsWith("/") || part.endsWith("/") || part.includes("//")) return true;
	}
	return false;
}

/** Most of /proc/sys is the host's; only what a namespace of the container owns may be written. */
export function checkSysctls(spec: Spec, report: Report): void {
	const sysctl = spec.linux?.sysctl;
	if (sysctl === undefined) return;
	for (const key in sysctl) {
		const at = `/linux/sysctl/${pointerToken(key)}`;
		const dotted = dottedSysctl(key);
		const problem = objection(dotted, spec);
		if (problem !== undefined) report.error(at, problem);
		else if (isMalformed(dotted)) report.error(at, `malformed name ${JSON.stringify(key)}`);
	}
}
