/**
 * A cgroup belongs to one container. Two creates with one cgroupsPath may both find it empty, since a process
 * enters it only later; so whoever makes a container holds a lock on the directory, which the kernel takes away with the
 * process that has it. runc, which has no such lock, notices only what is there already.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { Plan } from "../plan/schema.js";
import { failedWith, isNativeFailure } from "./errno.js";
import type { Launch } from "./launch-state.js";

/** Once the cgroups are there and before a process enters them. Throws when they are somebody else's. */
export function claimCgroup(state: Launch): void {
	const directory = state.plan.cgroups[0]?.path;
	// systemd starts a unit only once, and the init is in it already.
	if (directory === undefined || entersUnit(state.plan)) return;
	try {
		holdCgroup(state, directory);
	} catch (error) {
		// What is there may be another container's: undo must not touch it.
		state.cgroupsMade = false;
		if (!(error instanceof RuntimeError)) removeIfEmpty(state.native, directory);
		throw error;
	}
}

/** Nobody knows whose it is, since that could not be found out; most likely we have just made it. */
function removeIfEmpty(native: Native, path: string): void {
	try {
		native.removeDirectory({ path, missingOk: true });
	} catch (error) {
		if (!isNativeFailure(error)) throw error;
	}
}

function entersUnit({ host }: Plan): boolean {
	return host[0]?.op === "systemd.start" && host[0].enter;
}

function holdCgroup(state: Launch, directory: string): void {
	const { native } = state;
	try {
		state.cgroupLock = native.lockDirectory({ path: directory, exclusive: true, wait: false });
	} catch (error) {
		if (failedWith(error, "EAGAIN", "EWOULDBLOCK")) throw taken("another container is being created in it", directory);
		// Removed since it was made, by a `delete --force`: what comes next says so.
		if (failedWith(error, "ENOENT")) return;
		throw error;
	}
	// The other one may have finished, and let go, since we looked.
	if (hasProcess(native, directory)) throw taken("another container was created in it meanwhile", directory);
}

function hasProcess(native: Native, directory: string): boolean {
	try {
		return native.readText({ path: `${directory}/cgroup.procs` }) !== "";
	} catch (error) {
		// EOPNOTSUPP: a threaded cgroup of v2, which has no list of its own.
		if (failedWith(error, "ENOENT", "ENODEV", "EOPNOTSUPP")) return false;
		throw error;
	}
}

function taken(reason: string, path: string): RuntimeError {
	return new RuntimeError("cgroup", `container's cgroup is not empty: ${reason}`, {
		path,
		pointer: "/linux/cgroupsPath",
		hint: "another container uses the same cgroupsPath",
	});
}
