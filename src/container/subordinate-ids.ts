/**
 * The id maps of a user namespace that config.json gives none: an ordinary user's own id as root and the ranges of
 * /etc/subuid and /etc/subgid (subuid(5)) from 1 on, as crun and Podman map them. runc refuses such a configuration, and
 * so does the plan for root, who could mean anybody.
 */
import type { IdMapping, Spec } from "../bundle/spec.js";
import type { Native } from "../native/api.js";
import type { HostFacts } from "../plan/input.js";
import { failedWith, isNativeFailure } from "./errno.js";
import type { Environment } from "./place.js";

/** Adds linux.uidMappings and linux.gidMappings to the Spec where both are missing. Returns what to warn of. */
export function fillIdMappings(
	native: Native,
	{ linux }: Spec,
	{ euid, egid }: HostFacts,
	env: Environment,
): string | undefined {
	if (euid === 0 || !linux || linux.uidMappings?.length || linux.gidMappings?.length) return undefined;
	if (!linux.namespaces?.some(({ type, path }) => type === "user" && !path)) return undefined;
	linux.uidMappings = [{ containerID: 0, hostID: euid, size: 1 }];
	linux.gidMappings = [{ containerID: 0, hostID: egid, size: 1 }];

	const names = namesOf(native, euid);
	const uids = rangesOf(native, "/etc/subuid", names);
	const gids = rangesOf(native, "/etc/subgid", names);
	const only = "only the caller's own id is mapped";
	if (uids.length === 0 || gids.length === 0) {
		return `${only}: ${uids.length === 0 ? "/etc/subuid" : "/etc/subgid"} has no range for ${names[0]}`;
	}
	for (const program of ["newuidmap", "newgidmap"])
		if (!isInPath(native, program, env)) return `${only}: there is no ${program} in PATH`;
	linux.uidMappings.push(...uids);
	linux.gidMappings.push(...gids);
	return undefined;
}

/** What the first field of /etc/subuid may say for this user: a name of /etc/passwd, or the number. */
function namesOf(native: Native, uid: number): string[] {
	const names = lines(native, "/etc/passwd")
		.filter((fields) => fields[2] === String(uid))
		.map((fields) => fields[0] ?? "");
	return [...names, String(uid)];
}

/** One after the other in the container, each id of the host once. */
function rangesOf(native: Native, path: string, names: string[]): IdMapping[] {
	const ranges: IdMapping[] = [];
	let containerID = 1;
	for (const [name = "", first = "", count = ""] of lines(native, path)) {
		const hostID = Number(first);
		const size = Number(count);
		// newuidmap passes over what is not a line of three fields, too.
		if (!names.includes(name) || !Number.isSafeInteger(hostID) || !Number.isSafeInteger(size) || size <= 0) continue;
		if (ranges.some((other) => hostID < other.hostID + other.size && other.hostID < hostID + size)) continue;
		ranges.push({ containerID, hostID, size });
		containerID += size;
	}
	return ranges;
}

function lines(native: Native, path: string): string[][] {
	try {
		const text = native.readText({ path, lossy: true });
		return text.split("\n").map((line) => line.split(":"));
	} catch (error) {
		if (failedWith(error, "ENOENT", "EACCES")) return [];
		throw error;
	}
}

/** As the step that runs it searches (addon/steps/host_idmap.cc). */
function isInPath(native: Native, program: string, env: Environment): boolean {
	const directories = (env.PATH || "/usr/local/bin:/usr/bin:/bin").split(":");
	return directories.some((path) => path.startsWith("/") && isThere(native, `${path}/${program}`));
}

/** A directory of PATH may be closed to the caller: root's, kept by `su`. */
function isThere(native: Native, path: string): boolean {
	try {
		return native.stat({ path }) !== undefined;
	} catch (error) {
		if (isNativeFailure(error)) return false;
		throw error;
	}
}
