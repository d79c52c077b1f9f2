/**
 * A container's cgroup directories after they were made: who is in them, are they frozen, take them away.
 * Paths come from the record; on v1 there is one for each hierarchy, on v2 one, under the key "".
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import { SIGKILL } from "./signals.js";

export type CgroupPaths = Record<string, string>;

/** How long killed processes get to leave a cgroup; as long as runc waits. */
const patienceMs = 10_000;

export function isFrozen(native: Native, paths: CgroupPaths): boolean {
	const freezer = paths.freezer;
	if (freezer !== undefined) {
		// FREEZING: not every task has stopped yet, but none will run on.
		return readOr(native, `${freezer}/freezer.state`, "").startsWith("FR");
	}
	const unified = paths[""];
	return unified !== undefined && readOr(native, `${unified}/cgroup.freeze`, "").startsWith("1");
}

/** Freezes or thaws; false when there is no freezer to do it with. */
export function setFrozen(native: Native, paths: CgroupPaths, frozen: boolean): boolean {
	const freezer = paths.freezer;
	const unified = paths[""];
	const file = freezer !== undefined ? `${freezer}/freezer.state` : `${unified}/cgroup.freeze`;
	if (freezer === undefined && unified === undefined) return false;
	try {
		native.writeControl({
			path: file,
			text: freezer !== undefined ? (frozen ? "FROZEN" : "THAWED") : frozen ? "1" : "0",
		});
		return true;
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENODEV")) return false;
		throw error;
	}
}

/**
 * Throws when a cgroup that the container would get holds processes or is frozen: they would be limited, and
 * killed by delete, together with it. To be asked before anything is recorded or made.
 */
export function checkVacant(native: Native, paths: CgroupPaths): void {
	const present = directoriesOf(paths).filter((path) => native.stat({ path }));
	for (const path of present) {
		const count = processesBelow(native, path).size;
		if (count > 0) {
			throw new RuntimeError("cgroup", `container's cgroup is not empty: ${count} process(es) found`, {
				path,
				pointer: "/linux/cgroupsPath",
				hint: "another container may use the same cgroupsPath",
			});
		}
	}
	if (present.length > 0 && isFrozen(native, paths)) {
		throw new RuntimeError("cgroup", "container's cgroup unexpectedly frozen", { pointer: "/linux/cgroupsPath" });
	}
}

/** Pids in all the cgroups and the cgroups below them. */
export function processesIn(native: Native, paths: CgroupPaths): Set<number> {
	const pids = new Set<number>();
	for (const path of directoriesOf(paths)) processesBelow(native, path, pids);
	return pids;
}

function processesBelow(native: Native, path: string, pids = new Set<number>()): Set<number> {
	// A threaded cgroup of v2 has no process list of its own (EOPNOTSUPP): its domain ancestor has it.
	for (const line of readOr(native, `${path}/cgroup.procs`, "").split("\n")) if (line !== "") pids.add(Number(line));
	for (const child of childrenOf(native, path)) processesBelow(native, child, pids);
	return pids;
}

function childrenOf(native: Native, path: string): string[] {
	try {
		const entries = native.listDirectory({ path });
		return entries.filter((entry) => entry.type === "directory").map((entry) => `${path}/${entry.name}`);
	} catch (error) {
		if (failedWith(error, "ENOENT")) return [];
		throw error;
	}
}

/** Sends a signal to every process but `except`, which has had it; processes that are forked meanwhile are caught by freezing, where that is possible. */
export function signalAll(native: Native, paths: CgroupPaths, signal: number, except?: number): void {
	if (signal === SIGKILL) {
		killAll(native, paths);
		return;
	}
	const wasFrozen = isFrozen(native, paths);
	const froze = !wasFrozen && setFrozen(native, paths, true);
	try {
		for (const pid of processesIn(native, paths)) if (pid !== except) signalOne(native, pid, signal);
	} finally {
		if (froze) setFrozen(native, paths, false);
	}
}

/**
 * Kills every process and waits for it to end, again and again until the lists stay empty, because a process may
 * fork between being listed and being killed (unless the kernel does it, killTree). Returns false when some are left
 * after ten seconds.
 */
export function killAll(native: Native, paths: CgroupPaths): boolean {
	const deadline = performance.now() + patienceMs;
	for (;;) {
		const pids = processesIn(native, paths);
		// The kernel would not spare this process, wherever it was put.
		if (pids.size > 0 && !pids.has(process.pid)) killTree(native, paths);
		const pidfds: number[] = [];
		for (const pid of pids) {
			const pidfd = signalOne(native, pid, SIGKILL, true);
			if (pidfd !== undefined) pidfds.push(pidfd);
		}
		// A frozen process of v1 dies only when it is thawed; on v2 the kernel lets SIGKILL through.
		if (paths.freezer !== undefined && isFrozen(native, paths)) setFrozen(native, paths, false);
		if (pidfds.length === 0) return true;
		let ended = true;
		for (const pidfd of pidfds) {
			ended = native.waitPid({ pidfd, timeoutMs: Math.max(0, deadline - performance.now()) }) && ended;
			native.close({ fd: pidfd });
		}
		if (!ended || performance.now() > deadline) return false;
	}
}

/**
 * cgroup.kill (v2, Linux 5.14) kills all that is in a cgroup and below it, and what is being forked there. It tells
 * nobody, so each process is still to be waited for; without the file each is killed by itself.
 */
function killTree(native: Native, paths: CgroupPaths): void {
	const unified = paths[""];
	if (unified === undefined) return;
	try {
		native.writeControl({ path: `${unified}/cgroup.kill`, text: "1" });
	} catch (error) {
		// The file is missing in an old kernel, or the cgroup is gone; a threaded cgroup has none that works; and one
		// that another user made may have processes of ours.
		if (!failedWith(error, "ENOENT", "ENODEV", "EOPNOTSUPP", "EACCES")) throw error;
	}
}

/** Signals a process that may be gone; with `keep` returns its pidfd. Never this process, wherever it was put. */
function signalOne(native: Native, pid: number, signal: number, keep = false): number | undefined {
	// 0: a process of another pid namespace, which this one cannot name.
	if (pid === 0 || pid === process.pid) return undefined;
	const pidfd = native.openPid({ pid });
	if (pidfd === undefined) return undefined;
	try {
		native.signalPid({ pidfd, signal });
	} catch (error) {
		if (!failedWith(error, "ESRCH")) throw error;
	}
	if (keep) return pidfd;
	native.close({ fd: pidfd });
	return undefined;
}

/** Removes the directories; processes that are still in them are killed. What is not there is fine. */
export function removeCgroups(native: Native, paths: CgroupPaths): void {
	const busy = directoriesOf(paths).filter((path) => !removeOne(native, path));
	if (busy.length === 0) return;
	if (!killAll(native, paths)) {
		throw new RuntimeError("container.delete", "container's processes do not end", {
			hint: "a process in uninterruptible sleep cannot be killed; delete the container again later",
		});
	}
	for (const path of busy) removeSubtree(native, path);
}

/** Controllers of one hierarchy have one directory. */
function directoriesOf(paths: CgroupPaths): string[] {
	return [...new Set(Object.values(paths))];
}

/** False when it is in use: by a process, or by a cgroup below it. */
function removeOne(native: Native, path: string): boolean {
	try {
		native.removeDirectory({ path, missingOk: true });
		return true;
	} catch (error) {
		if (failedWith(error, "EBUSY", "ENOTEMPTY")) return false;
		// A path that leads through a control file was never a cgroup's.
		if (failedWith(error, "ENOTDIR")) return true;
		throw error;
	}
}

function removeSubtree(native: Native, path: string): void {
	for (const child of childrenOf(native, path)) removeSubtree(native, child);
	// Every process has been waited for, but since Linux 6.19 a dead task leaves its cgroup only after its last
	// context switch, which nothing announces: this is the one place where there is nothing to wait on but time.
	const deadline = performance.now() + patienceMs;
	for (let pauseMs = 1; !removeOne(native, path); pauseMs = Math.min(pauseMs * 2, 100)) {
		if (performance.now() > deadline)
			throw new RuntimeError("container.delete", `unable to remove cgroup ${path}: in use`, { path });
		pause(native, pauseMs);
	}
}

/** Sleeps by waiting for this process to end. */
function pause(native: Native, milliseconds: number): void {
	const self = native.openPid({ pid: process.pid });
	if (self === undefined) return;
	native.waitPid({ pidfd: self, timeoutMs: milliseconds });
	native.close({ fd: self });
}

function readOr(native: Native, path: string, otherwise: string): string {
	try {
		return native.readText({ path });
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENOTDIR", "ENODEV", "EOPNOTSUPP")) return otherwise;
		throw error;
	}
}
