/** What the host is like, for the plan compiler. On the hot path: two reads; more only where the config asks for it. */

import { CAPABILITIES } from "../bundle/capabilities.js";
import type { Spec } from "../bundle/spec.js";
import { readLayout } from "../cgroup/layout.js";
import type { Native } from "../native/api.js";
import type { HostFacts } from "../plan/input.js";

export function gatherFacts(native: Native, spec: Spec): HostFacts {
	return {
		...native.identity(),
		cgroup: readLayout(native.readText({ path: "/proc/self/mountinfo" })),
		capabilities: boundingSet(native.readText({ path: "/proc/self/status" })),
		apparmor: Boolean(spec.process?.apparmorProfile) && hasAppArmor(native),
		selinux: Boolean(spec.process?.selinuxLabel || spec.linux?.mountLabel) && hasSelinux(native),
	};
}

function hasAppArmor(native: Native): boolean {
	return native.stat({ path: "/sys/kernel/security/apparmor" }) !== undefined;
}

function hasSelinux(native: Native): boolean {
	return native.stat({ path: "/sys/fs/selinux/enforce" }) !== undefined;
}

/** `CapBnd:` of /proc/PID/status is a mask of 64 bits in hexadecimal. */
function boundingSet(status: string): string[] {
	const mask = /^CapBnd:\s*([0-9a-f]{16})$/m.exec(status)?.[1] ?? "0".repeat(16);
	const halves = [Number.parseInt(mask.slice(8), 16), Number.parseInt(mask.slice(0, 8), 16)];
	return CAPABILITIES.filter((_, bit) => (((halves[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 1);
}
