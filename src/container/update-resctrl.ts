/** The part of `update` that is about resctrl: cache and memory bandwidth of a container that runs. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { HostStep } from "../plan/schema.js";
import { explainUpdateFailure } from "../plan/update-failure.js";
import { processesIn } from "./cgroups.js";
import type { ContainerRecord } from "./record.js";
import { resctrlRoot } from "./resctrl.js";

/** As in linux.intelRdt: lines for the schemata file. */
export interface ResctrlSchemas {
	l3CacheSchema?: string;
	memBwSchema?: string;
}

/** Returns the record with the group in it, and adds to `undo` what takes the change back. */
export function updateResctrl(
	native: Native,
	record: ContainerRecord,
	{ l3CacheSchema, memBwSchema }: ResctrlSchemas,
	undo: (() => void)[],
): ContainerRecord {
	const root = resctrlRoot(native.readText({ path: "/proc/self/mountinfo", lossy: true }));
	const resources = root === undefined ? [] : resourcesOf(native.readText({ path: `${root}/schemata` }));
	// Both in runc's words.
	if (l3CacheSchema !== undefined && !resources.some((name) => name.startsWith("L3")))
		throw unsupported("Intel RDT/CAT: l3 cache schema is not enabled", "--l3-cache-schema");
	if (memBwSchema !== undefined && !resources.includes("MB"))
		throw unsupported("Intel RDT/MBA: memory bandwidth schema is not enabled", "--mem-bw-schema");
	if (root === undefined) return record;

	const joined = record.intel_rdt_path === "" ? joinOwnGroup(native, record, root, undo) : record;
	const path = joined.intel_rdt_path;
	const lines = [l3CacheSchema, memBwSchema].filter((line) => line !== undefined);
	const before = native.readText({ path: `${path}/schemata` });
	const changed = lines.map((line) => line.split(":", 1)[0]?.trim());
	const earlier = before.split("\n").filter((line) => changed.includes(line.split(":", 1)[0]?.trim()));
	undo.push(() => execute(native, { op: "resctrl.schemata", root, path, value: text(earlier) }));
	execute(native, { op: "resctrl.schemata", root, path, value: text(lines) });
	return joined;
}

/** A container that was made without linux.intelRdt gets the group that it would have had, with every process it has. */
function joinOwnGroup(native: Native, record: ContainerRecord, root: string, undo: (() => void)[]): ContainerRecord {
	const path = `${root}/${record.id}`;
	execute(native, { op: "resctrl.create", root, path });
	undo.push(() => native.removeDirectory({ path, missingOk: true }));
	const pids = processesIn(native, record.cgroup_paths);
	pids.add(record.init_process_pid);
	for (const pid of pids) execute(native, { op: "resctrl.join", root, path }, pid);
	const { runtime_ts: own } = record;
	return { ...record, intel_rdt_path: path, runtime_ts: { ...own, resctrl: [path, ...(own.resctrl ?? [])] } };
}

/** Names of the lines, such as `L3` and `MB`; the kernel aligns them with spaces. */
function resourcesOf(schemata: string): string[] {
	return schemata.split("\n").flatMap((line) => line.split(":", 1)[0]?.trim() || []);
}

function text(lines: string[]): string {
	return lines.map((line) => `${line.trim()}\n`).join("");
}

function unsupported(message: string, flag: string): RuntimeError {
	return new RuntimeError("cgroup", `${message} (${flag})`, {
		hint: "it takes a processor that can do it, and a resctrl filesystem: mount -t resctrl resctrl /sys/fs/resctrl",
	});
}

function execute(native: Native, step: HostStep, pid?: number): void {
	const steps = JSON.stringify([step]);
	const failure = native.executeHostSteps(pid === undefined ? { steps } : { steps, pid });
	// A process that has ended meanwhile needs no group.
	if (failure === undefined || (step.op === "resctrl.join" && failure.code === "ESRCH")) return;
	throw explainUpdateFailure(step, failure);
}
