/** Taking back a write: what to write to a control file so that it says again what it said before. */
import type { Change } from "./order.js";

/**
 * Values to write, one after the other; none where there is nothing to be done about it. Files have one value, or a line
 * for each device, of which one write changes one.
 */
export function restoration({ step, before }: Change): string[] {
	if (before === undefined) return [];
	const file = step.path.slice(step.path.lastIndexOf("/") + 1);
	const lines = before.split("\n").filter((line) => line !== "");
	// An idle group has this weight and takes none (sched/core.c): it is idle again after the next restoration.
	if (file === "cpu.weight" && lines[0] === "0") return [];
	if (file === "memory.oom_control") return [lines[0]?.split(" ")[1] ?? "0"];
	const device = /^(\d+:\d+) /.exec(step.value)?.[1];
	const key =
		device ?? (file === "net_prio.ifpriomap" || file === "rdma.max" ? step.value.split(" ", 1)[0] : undefined);
	if (key === undefined) return restoreWhole(file, lines);
	const line = lines.find((candidate) => candidate.startsWith(`${key} `));
	if (line !== undefined) return [line];
	return [`${key} ${nothing[file] ?? (file.startsWith("blkio.throttle.") ? "0" : "default")}`];
}

/** What a device has that is not in the file. */
const nothing: Record<string, string> = {
	"io.max": "rbps=max wbps=max riops=max wiops=max",
	"rdma.max": "hca_handle=max hca_object=max",
	"net_prio.ifpriomap": "0",
};

/** The weight of io.weight is in its first line; other files of several lines take one after the other (unified resources). */
function restoreWhole(file: string, lines: string[]): string[] {
	if (file.endsWith(".weight")) return lines.slice(0, 1);
	// An empty list is a value, of cpusets.
	return lines.length === 0 ? ["\n"] : lines;
}
