/**
 * The cgroup freezer: freezer.state of v1, cgroup.freeze of v2. A frozen process gets no processor and no signal;
 * SIGKILL ends it on v2 at once, on v1 when it is thawed.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { CgroupPaths } from "./cgroups.js";
import { readOr, watchFile } from "./control-file.js";
import { failedWith } from "./errno.js";

/** As long as runc waits on v2. A process in uninterruptible sleep freezes only when its I/O is done. */
const patienceMs = 10_000;
/** Between two looks at the state of a v1 freezer: doubled up to this, then the freezing starts anew. */
const longestPauseMs = 32;

/** True when somebody asked for it to be frozen: it, not a cgroup above it, whose thawing is not ours. */
export function isFrozen(native: Native, paths: CgroupPaths): boolean {
	const freezer = paths.freezer;
	if (freezer !== undefined) {
		// FREEZING: not every task has stopped yet, but none will run on.
		if (!readOr(native, `${freezer}/freezer.state`, "").startsWith("FR")) return false;
		return readOr(native, `${freezer}/freezer.self_freezing`, "1").startsWith("1");
	}
	const unified = paths[""];
	return unified !== undefined && readOr(native, `${unified}/cgroup.freeze`, "").startsWith("1");
}

/** Asks for it, and does not wait; false when there is no freezer to ask. */
export function setFrozen(native: Native, paths: CgroupPaths, frozen: boolean): boolean {
	const freezer = paths.freezer;
	const unified = paths[""];
	try {
		if (freezer !== undefined) {
			native.writeControl({ path: `${freezer}/freezer.state`, text: frozen ? "FROZEN" : "THAWED" });
		} else if (unified !== undefined) {
			native.writeControl({ path: `${unified}/cgroup.freeze`, text: frozen ? "1" : "0" });
		} else {
			return false;
		}
		return true;
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENODEV")) return false;
		throw error;
	}
}

export interface Freeze {
	paths: CgroupPaths;
	/** Of a process in the cgroup: that it ends, ends the wait. */
	pidfd?: number;
	/** Milliseconds; default 10 000. */
	timeoutMs?: number;
}

/** `ended`: the process behind the pidfd did; `absent`: there is no freezer. All but `frozen` leave it thawed. */
export type FreezeResult = "frozen" | "ended" | "late" | "absent";

/** Freezes and waits until every process has stopped. */
export function freeze(native: Native, options: Freeze): FreezeResult {
	let result: FreezeResult = "late";
	try {
		result = options.paths.freezer === undefined ? freezeUnified(native, options) : freezeV1(native, options);
	} finally {
		if (result !== "frozen") setFrozen(native, options.paths, false);
	}
	return result;
}

/**
 * v1 announces nothing: the state is computed when it is read. While processes are forked, or are vforking, a
 * cgroup may stay FREEZING (runc has seen it up to Linux 5.4); to thaw it and try again helps.
 */
function freezeV1(native: Native, { paths, pidfd, timeoutMs = patienceMs }: Freeze): FreezeResult {
	const deadline = performance.now() + timeoutMs;
	const state = `${paths.freezer}/freezer.state`;
	for (let pauseMs = 1; ; pauseMs *= 2) {
		if (!setFrozen(native, paths, true)) return "absent";
		if (readOr(native, state, "").startsWith("FROZEN")) return "frozen";
		if (performance.now() > deadline) return "late";
		if (pauseMs > longestPauseMs) {
			setFrozen(native, paths, false);
			pauseMs = 1;
		}
		if (native.waitEvents({ events: [], ...(pidfd === undefined ? {} : { pidfd }), timeoutMs: pauseMs }).length > 0)
			return "ended";
	}
}

/** v2 says in cgroup.events when it is done. */
function freezeUnified(native: Native, { paths, pidfd, timeoutMs = patienceMs }: Freeze): FreezeResult {
	const unified = paths[""];
	if (unified === undefined) return "absent";
	const file = `${unified}/cgroup.events`;
	const watch = watchFile(native, file);
	if (watch === undefined) return "absent";
	try {
		const deadline = performance.now() + timeoutMs;
		if (!setFrozen(native, paths, true)) return "absent";
		for (;;) {
			if (/^frozen 1$/m.test(readOr(native, file, ""))) return "frozen";
			const left = deadline - performance.now();
			if (left <= 0) return "late";
			const ready = native.waitEvents({
				events: [watch],
				...(pidfd === undefined ? {} : { pidfd }),
				timeoutMs: Math.ceil(left),
			});
			if (ready.some(({ fd }) => fd === pidfd)) return "ended";
		}
	} finally {
		native.close({ fd: watch });
	}
}

/** What `pause` and its like say when there is no freezer. */
export function noFreezer(): RuntimeError {
	return new RuntimeError("cgroup", "freezer not supported: the container has no cgroup that can be frozen", {
		pointer: "/linux/cgroupsPath",
		hint: "v1 needs the freezer controller mounted, v2 needs a cgroup: a rootless container has one if it asks for it",
	});
}
