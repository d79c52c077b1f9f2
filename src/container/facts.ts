/** What the host is like, for the plan compiler. On the hot path: two reads; more only where the config asks for it. */

import { CAPABILITIES } from "../bundle/capabilities.js";
import type { Spec } from "../bundle/spec.js";
import { readLayout } from "../cgroup/layout.js";
import type { Native } from "../native/api.js";
import type { HostFacts } from "../plan/input.js";
import { readDeviceFiles } from "./device-facts.js";
import { failedWith } from "./errno.js";
import { readResctrl } from "./resctrl.js";

/** What matters to a process that joins a container. */
export function gatherProcessFacts(native: Native, process: Spec["process"]): HostFacts {
	const { euid, egid, initialUserNamespace } = native.identity();
	const facts: HostFacts = {
		euid,
		egid,
		initialUserNamespace,
		capabilities: boundingSet(native.readText({ path: "/proc/self/status", lossy: true })),
		apparmor: Boolean(process.apparmorProfile) && hasAppArmor(native),
		selinux: Boolean(process.selinuxLabel) && hasSelinux(native),
		// Of no concern: the container has them already.
		cgroup: { mode: "v1", v1: [] },
		timeNamespaces: false,
	};
	if (euid !== 0 || !initialUserNamespace) facts.setgroupsDenied = deniesSetgroups(native);
	return facts;
}

export function gatherFacts(native: Native, spec: Spec): HostFacts {
	const mountinfo = native.readText({ path: "/proc/self/mountinfo", lossy: true });
	const facts: HostFacts = {
		...native.identity(),
		cgroup: readLayout(mountinfo),
		capabilities: boundingSet(native.readText({ path: "/proc/self/status", lossy: true })),
		timeNamespaces: hasTimeNamespaces(native, spec),
		apparmor: Boolean(spec.process?.apparmorProfile) && hasAppArmor(native),
		selinux: Boolean(spec.process?.selinuxLabel || spec.linux?.mountLabel) && hasSelinux(native),
	};
	if (spec.linux?.intelRdt !== undefined) {
		const resctrl = readResctrl(native, spec, mountinfo);
		if (resctrl !== undefined) facts.resctrl = resctrl;
	}
	const confined = facts.euid !== 0 || !facts.initialUserNamespace;
	if (confined) facts.setgroupsDenied = deniesSetgroups(native);
	if (spec.linux?.devices?.length && (confined || hasUserNamespace(spec))) {
		facts.deviceFiles = readDeviceFiles(native, spec);
	}
	return facts;
}

function hasUserNamespace({ linux }: Spec): boolean {
	const namespaces = linux?.namespaces ?? [];
	for (let index = 0; index < namespaces.length; index++) if (namespaces[index]?.type === "user") return true;
	return false;
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

function hasTimeNamespaces(native: Native, spec: Spec): boolean {
	const namespaces = spec.linux?.namespaces ?? [];
	for (let index = 0; index < namespaces.length; index++) {
		if (namespaces[index]?.type === "time") return native.stat({ path: "/proc/self/timens_offsets" }) !== undefined;
	}
	return false;
}

export function hasAppArmor(native: Native): boolean {
	// Not /sys/kernel/security/apparmor: that stays when AppArmor is switched off at boot, and Podman unmounts it for a
	// container with a user namespace. It takes /proc only to apply a profile.
	const path = "/sys/module/apparmor/parameters/enabled";
	return native.stat({ path }) !== undefined && native.readText({ path }).startsWith("Y");
}

export function hasSelinux(native: Native): boolean {
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
