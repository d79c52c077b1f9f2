/**
 * "Cgroup ownership" of config-linux.md: a container that can manage cgroups below its own, as systemd does, has to own
 * its cgroup. Only on v2, where that is safe (cgroup-v2.rst, "Delegation"): on v1 the owner could lift its own limits.
 */
import type { Spec } from "../bundle/spec.js";
import type { HostStep } from "../plan/schema.js";

const place = "/sys/fs/cgroup";

/** Appends the step that gives the directory away, last, when config.json is of the kind that the specification allows it for. */
export function delegateCgroup(spec: Spec, directory: string, host: HostStep[]): void {
	if (!ownsCgroupNamespace(spec) || !mountsWritable(spec)) return;
	const uid = hostUid(spec, spec.process?.user?.uid ?? 0);
	// Root has it already. A user without an id on the host is refused where the process becomes that user.
	if (uid === undefined || uid === 0) return;
	host.push({ op: "cgroup.delegate", at: "/linux/cgroupsPath", path: directory, uid });
}

function ownsCgroupNamespace({ linux }: Spec): boolean {
	const namespaces = linux?.namespaces ?? [];
	for (let index = 0; index < namespaces.length; index++) {
		if (namespaces[index]?.type === "cgroup") return !namespaces[index]?.path;
	}
	return false;
}

function mountsWritable({ mounts = [] }: Spec): boolean {
	for (let index = 0; index < mounts.length; index++) {
		const { type, destination = "", options = [] } = mounts[index] ?? {};
		if (type !== "cgroup" || (destination !== place && destination !== `${place}/`)) continue;
		// The last word counts, as in mount(8).
		if (options.lastIndexOf("ro") <= options.lastIndexOf("rw") && !options.includes("rro")) return true;
	}
	return false;
}

/** The host's id of one of the container's users; its own without a user namespace, undefined where it is not known. */
function hostUid({ linux }: Spec, uid: number): number | undefined {
	const namespaces = linux?.namespaces ?? [];
	let own = true;
	for (let index = 0; index < namespaces.length; index++) if (namespaces[index]?.type === "user") own = false;
	if (own) return uid;
	const mappings = linux?.uidMappings ?? [];
	for (let index = 0; index < mappings.length; index++) {
		const { containerID, hostID, size } = mappings[index] as (typeof mappings)[number];
		if (uid >= containerID && uid < containerID + size) return hostID + uid - containerID;
	}
	return undefined;
}
