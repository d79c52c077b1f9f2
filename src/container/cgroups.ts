/**
 * A container's cgroup directories after they were made: who is in them, end them, take them away.
 * Paths come from the record; on v1 there is one for each hierarchy, on v2 one, under the key "".
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { watchFile } from "./control-file.js";
import { failedWith } from "./errno.js";
import { freeze, isFrozen, setFrozen } from "./freezer.js";
import { SIGKILL } from "./signals.js";

export type CgroupPaths = Record<string, string>;

/** How long killed processes get to leave a cgroup; as long as runc waits. */
const patienceMs = 10_000;
/** How long a cgroup gets to freeze, where it is only to make sure. */
const stopMs = 500;

/**
 * Throws when a cgroup that the container would get holds processes or is frozen: they would be limited, and
 * killed by delete, together with it. To be asked before anything is recorded or made.
 */
export function checkVacant(native: Native, paths: CgroupPaths): void {
	const present = directoriesOf(paths).filter((path) => native.stat({ path }));
	for (const path of present) {
		const count = native.cgroupProcesses({ path }).length;
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
	for (const path of directoriesOf(paths)) for (const pid of native.cgroupProcesses({ path })) pids.add(pid);
	return pids;
}

/**
 * Sends a signal to every process but `except`, which has had it. They are frozen meanwhile, where that is possible, so
 * that none is forked behind the signal's back.
 */
export function signalAll(native: Native, paths: CgroupPaths, signal: number, except?: number): void {
	if (signal === SIGKILL) {
		killAll(native, paths);
		return;
	}
	const froze = stop(native, paths, processesIn(native, paths));
	try {
		for (const pid of processesIn(native, paths)) if (pid !== except) signalOne(native, pid, signal);
	} finally {
		if (froze) setFrozen(native, paths, false);
	}
}

/**
 * Freezes the processes, which are `pids`, for a moment; false when they are frozen already, can't be, or this one is
 * among them.
 */
function stop(native: Native, paths: CgroupPaths, pids: ReadonlySet<number>): boolean {
	if (pids.size === 0 || pids.has(process.pid) || isFrozen(native, paths)) return false;
	return freeze(native, { paths, timeoutMs: stopMs }) === "frozen";
}

/**
 * Kills every process and waits for it to end, again and again until the lists stay empty, because a process may
 * fork between being listed and being killed, where neither the kernel kills them all (killTree) nor freezing stops
 * them. Returns false when some are left after ten seconds.
 */
export function killAll(native: Native, paths: CgroupPaths): boolean {
	const deadline = performance.now() + patienceMs;
	for (;;) {
		let pids = processesIn(native, paths);
		if (pids.size > 0 && !killTree(native, paths, pids) && stop(native, paths, pids)) pids = processesIn(native, paths);
		const pidfds: number[] = [];
		for (const pid of pids) {
			const pidfd = signalOne(native, pid, SIGKILL, true);
			if (pidfd !== undefined) pidfds.push(pidfd);
		}
		// A frozen process of v1 dies only when it is thawed; on v2 the kernel lets SIGKILL through.
		if (isFrozen(native, paths)) setFrozen(native, paths, false);
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
function killTree(native: Native, paths: CgroupPaths, pids: ReadonlySet<number>): boolean {
	const unified = paths[""];
	// The kernel would not spare this process, wherever it was put.
	if (unified === undefined || pids.has(process.pid)) return false;
	try {
		native.writeControl({ path: `${unified}/cgroup.kill`, text: "1" });
		return true;
	} catch (error) {
		// The file is missing in an old kernel, or the cgroup is gone; a threaded cgroup has none that works; and one
		// that another user made may have processes of ours.
		if (!failedWith(error, "ENOENT", "ENODEV", "EOPNOTSUPP", "EACCES")) throw error;
		return false;
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
	emptyCgroups(native, paths);
	for (const path of busy) removeSubtree(native, path);
}

/** Kills every process; throws when some do not end. */
export function emptyCgroups(native: Native, paths: CgroupPaths): void {
	if (killAll(native, paths)) return;
	throw new RuntimeError("container.delete", "container's processes do not end", {
		hint: "a process in uninterruptible sleep cannot be killed; delete the container again later",
	});
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

/** With the cgroups below it, once every process has been waited for. */
function removeSubtree(native: Native, path: string): void {
	if (native.removeCgroupTree({ path })) return;
	// Since Linux 6.19 a dead task leaves its cgroup only after its last context switch. On v2 cgroup.events tells of
	// that; v1 has nothing that would, so there the time between two attempts is all there is to wait for.
	const watch = watchFile(native, `${path}/cgroup.events`);
	const deadline = performance.now() + patienceMs;
	for (let pauseMs = 1; !native.removeCgroupTree({ path }); pauseMs = Math.min(pauseMs * 2, 100)) {
		if (performance.now() > deadline) {
			throw new RuntimeError("container.delete", `unable to remove cgroup ${path}: in use`, { path });
		}
		// No longer than a second: nobody tells that somebody else has removed it.
		native.waitEvents(watch === undefined ? { events: [], timeoutMs: pauseMs } : { events: [watch], timeoutMs: 1000 });
	}
	if (watch !== undefined) native.close({ fd: watch });
}
