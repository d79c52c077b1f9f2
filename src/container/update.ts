/** `update`: changes the limits of a container that exists, all of them or none. */
import { compileUpdate } from "../cgroup/update.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { Plan } from "../plan/schema.js";
import { applyUpdate } from "./apply-update.js";
import type { CgroupPaths } from "./cgroups.js";
import type { Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import { type Resources, recordedResources } from "./recorded-resources.js";
import { containerStatus, notRunning } from "./status.js";
import { loadRecord, locate, missing, type StateDirectory, tryLock, writeRecord } from "./store.js";
import { type ResctrlSchemas, updateResctrl } from "./update-resctrl.js";
import { updateUnit } from "./update-unit.js";

export interface UpdateRequest extends Place {
	id: string;
	/** Checked (src/bundle/resources.ts); what is missing or zero stays as it is. */
	resources: Resources;
	/** What the user calls the value that a pointer below /linux/resources names: `--memory`, `resources#/memory/limit`. */
	nameOf: (pointer: string) => string;
	schemas?: ResctrlSchemas;
}

/**
 * Updates of one container go one after the other, by a lock of their own: not on the cgroup, which the container may see,
 * and lock for ever. The lock on its directory is taken only as far as to wait for a start, and to keep delete from going
 * on beside it: `state` takes whoever has more for a create.
 */
export function update(native: Native, request: UpdateRequest): void {
	const directory = locate(native, request, request.id);
	const opened: number[] = [];
	try {
		opened.push(lockForUse(native, directory));
		native.makeDirectory({ path: directory.update, mode: 0o700, existOk: true });
		opened.push(native.lockDirectory({ path: directory.update, exclusive: true, wait: true }));
		const record = loadRecord(native, directory);
		if (containerStatus(native, directory, record, true) === "stopped") throw notRunning();
		const undo: (() => void)[] = [];
		try {
			writeRecord(native, directory, change(native, request, record, undo));
		} catch (error) {
			throw takeBack(undo, named(error, request));
		}
	} finally {
		for (const fd of opened) native.close({ fd });
	}
}

function lockForUse(native: Native, directory: StateDirectory): number {
	const held = tryLock(native, directory, "shared");
	if (held === undefined) throw missing(directory);
	if (held !== "busy") return held;
	// A hook of its own may be who asks, and the create waits for that.
	const record = loadRecord(native, directory);
	if (containerStatus(native, directory, record) === "creating")
		throw new RuntimeError("container.state", "cannot update a container in the creating state");
	return native.lockDirectory({ path: directory.path, exclusive: false, wait: true });
}

/** Returns the record as it is from then on, and adds to `undo` what takes the change back. */
function change(native: Native, request: UpdateRequest, record: ContainerRecord, undo: (() => void)[]) {
	const { euid, initialUserNamespace } = native.identity();
	const input = {
		given: request.resources,
		saved: recordedResources(record),
		cgroups: cgroupsOf(record.cgroup_paths),
		ociVersion: record.runtime_ts.ociVersion,
		privileged: euid === 0 && initialUserNamespace,
	};
	const plan = compileUpdate(input);
	applyUpdate(native, plan, undo);
	updateUnit(native, record, plan, input, undo);
	const resources = plan.merged as Record<string, unknown>;
	const changed: ContainerRecord = { ...record, runtime_ts: { ...record.runtime_ts, resources } };
	return request.schemas === undefined ? changed : updateResctrl(native, changed, request.schemas, undo);
}

function cgroupsOf(paths: CgroupPaths): Plan["cgroups"] {
	return Object.entries(paths).map(([controller, path]) => ({ controller, path }));
}

/** The last change first. Returns the error to fail with. */
function takeBack(undo: (() => void)[], cause: unknown): unknown {
	const obstacles: string[] = [];
	for (const step of undo.reverse()) {
		try {
			step();
		} catch (error) {
			obstacles.push(error instanceof Error ? error.message : String(error));
		}
	}
	if (obstacles.length === 0 || !(cause instanceof RuntimeError)) return cause;
	const hint = `what was changed before could not all be taken back: ${obstacles.join("; ")}`;
	return new RuntimeError(cause.code, cause.message, { ...cause.context, hint }, cause.status);
}

const base = "/linux/resources";

/** Pointers are into config.json, and these values are from somewhere else. */
function named(error: unknown, { nameOf }: UpdateRequest): unknown {
	if (!(error instanceof RuntimeError) || !error.context.pointer?.startsWith(base)) return error;
	const { pointer, hint, ...context } = error.context;
	const place = nameOf(pointer.slice(base.length));
	// A hint that names config.json is about making a container.
	const kept = hint === undefined || hint.includes("config.json") ? {} : { hint };
	return new RuntimeError(error.code, `${error.message} (${place})`, { ...context, ...kept }, error.status);
}
