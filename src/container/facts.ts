/** What the host is like, for the plan compiler. On the hot path: two reads; more only where the config asks for it. */

import { CAPABILITIES } from "../bundle/capabilities.js";
import type { Spec } from "../bundle/spec.js";
import { readLayout } from "../cgroup/layout.js";
import type { Native } from "../native/api.js";
import type { HostFacts } from "../plan/input.js";
import { failedWith } from "./errno.js";

export function gatherFacts(native: Native, spec: Spec): HostFacts {
	const facts: HostFacts = {
		...native.identity(),
		cgroup: readLayout(native.readText({ path: "/proc/self/mountinfo", lossy: true })),
		capabilities: boundingSet(native.readText({ path: "/proc/self/status", lossy: true })),
		apparmor: Boolean(spec.process?.apparmorProfile) && hasAppArmor(native),
		selinux: Boolean(spec.process?.selinuxLabel || spec.linux?.mountLabel) && hasSelinux(native),
	};
	if (facts.euid !== 0 || !facts.initialUserNamespace) facts.setgroupsDenied = deniesSetgroups(native);
	return facts;
}

/** Only in a user namespace can it be denied; that of an ordinary user allows it, which does not help him. */
function deniesSetgroups(native: Native): boolean {
	try {
		return native.readText({ path: "/proc/self/setgroups" }).startsWith("deny");
	} catch (error) {
		// A kernel without user namespaces.
		if (failedWith(error, "ENOENT")) return false;
		throw error;
	}
}

function hasAppArmor(native: Native): boolean {
	return native.stat({ path: "/sys/kernel/security/apparmor" }) !== undefined;
}

function hasSelinux(native: Native): boolean {
	return native.stat({ path: "/sys/fs/selinux/enforce" }) !== undefined;
}

/** `CapBnd:` of /proc/PID/status is a mask of 64 bits in hexadecimal. Plain loops: this code runs once, uncompiled. */
function boundingSet(status: string): string[] {
	const label = "\nCapBnd:\t";
	const start = status.indexOf(label) + label.length;
	const high = Number.parseInt(status.slice(start, start + 8), 16);
	const low = Number.parseInt(status.slice(start + 8, start + 16), 16);
	const names: string[] = [];
	for (let bit = 0; bit < CAPABILITIES.length; bit++) {
		const name = CAPABILITIES[bit];
		if (name !== undefined && ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1) names.push(name);
	}
	return names;
}
