/** The kernel's word that a container ran out of memory. */
import type { Native, ReadyEvent } from "../native/api.js";
import type { CgroupPaths } from "./cgroups.js";
import { readOr, watchFile } from "./control-file.js";
import { failedWith } from "./errno.js";

export interface OutOfMemoryWatch {
	/** For waitEvents(). */
	fd: number;
	/** True when it has happened since the last time; `ready`: what waitEvents() told. */
	happened(ready: readonly ReadyEvent[]): boolean;
}

/** Undefined without a memory controller that tells. */
export function watchOutOfMemory(native: Native, paths: CgroupPaths): OutOfMemoryWatch | undefined {
	if (paths.memory !== undefined) return watchV1(native, paths.memory);
	return paths[""] === undefined ? undefined : watchUnified(native, paths[""]);
}

function watchV1(native: Native, directory: string): OutOfMemoryWatch | undefined {
	let fd: number;
	try {
		fd = native.watchOutOfMemory({ directory });
	} catch (error) {
		if (failedWith(error, "ENOENT")) return undefined;
		throw error;
	}
	const happened = (ready: readonly ReadyEvent[]): boolean => {
		const times = ready.find((event) => event.fd === fd)?.times ?? 0;
		// Its last signal is that the cgroup was removed.
		return times > 1 || (times === 1 && native.stat({ path: `${directory}/memory.oom_control` }) !== undefined);
	};
	return { fd, happened };
}

/**
 * memory.events changes for other reasons, too: what counts is that more processes were killed. It is told late where
 * it changes often (the kernel leaves 10 ms between two notifications), so it is looked at whatever came.
 */
function watchUnified(native: Native, directory: string): OutOfMemoryWatch | undefined {
	const file = `${directory}/memory.events`;
	const fd = watchFile(native, file);
	if (fd === undefined) return undefined;
	const killed = (): number => Number(/^oom_kill (\d+)$/m.exec(readOr(native, file, ""))?.[1] ?? 0);
	let before = killed();
	const happened = (): boolean => {
		const now = killed();
		const more = now > before;
		// 0 when it is gone.
		before = Math.max(before, now);
		return more;
	};
	return { fd, happened };
}
