/**
 * The state directory of one container: `<root>/<id>/`.
 *
 *   state.json   the record (record.ts), replaced as a whole
 *   start.sock   the init listens on it until `start` (start.ts)
 *   seccomp      the container's seccomp filter, in base64, for exec
 *   notify/      the sd_notify proxy socket, bound into the container
 *   update/      carries the lock that updates take in turn (update.ts)
 *   mounts/      a private mount, with the root of a container that has no mount namespace (host-mounts.ts)
 *
 * The directory itself carries the lock: create, start and delete of one container never overlap, and the
 * kernel drops a lock whose holder was killed.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import type { Place, StateRoot } from "./place.js";
import { checkId, stateRoot } from "./place.js";
import type { ContainerRecord } from "./record.js";

export interface StateDirectory {
	root: string;
	path: string;
	record: string;
	startSocket: string;
	seccomp: string;
	notify: string;
	notifySocket: string;
	update: string;
	mounts: string;
	/** In `mounts`. */
	mountedRoot: string;
}

/** Names in the state directory of `id`; nothing is touched. */
export function locate(native: Native, place: Place, id: string): StateDirectory {
	checkId(id);
	return directoryOf(stateRoot(native, place).path, id);
}

export function directoryOf(root: string, id: string): StateDirectory {
	const path = `${root}/${id}`;
	return {
		root,
		path,
		record: `${path}/state.json`,
		startSocket: `${path}/start.sock`,
		seccomp: `${path}/seccomp`,
		notify: `${path}/notify`,
		notifySocket: `${path}/notify/notify.sock`,
		update: `${path}/update`,
		mounts: `${path}/mounts`,
		mountedRoot: `${path}/mounts/rootfs`,
	};
}

/** Takes the id: makes the directory and locks it. Returns the lock. */
export function claim(native: Native, directory: StateDirectory, root: StateRoot): number {
	// 0711: a process in a user namespace reaches the notify directory, and nobody can list ids.
	const mode = 0o711;
	try {
		native.makeDirectory({ path: directory.path, mode });
	} catch (error) {
		if (failedWith(error, "EEXIST"))
			throw new RuntimeError("container.exists", "container with given ID already exists");
		if (!failedWith(error, "ENOENT")) throw inaccessible(error, root);
		try {
			native.makeDirectory({ path: root.path, mode: root.sticky ? 0o1700 : 0o700, parents: true, existOk: true });
			native.makeDirectory({ path: directory.path, mode });
		} catch (failure) {
			throw inaccessible(failure, root);
		}
	}
	try {
		return native.lockDirectory({ path: directory.path, exclusive: true, wait: true });
	} catch (error) {
		// No descriptor is left (EMFILE), say: nobody else would take it away.
		native.removeDirectory({ path: directory.path, missingOk: true });
		throw error;
	}
}

/** What an ordinary user without XDG_RUNTIME_DIR meets. */
export function inaccessible(error: unknown, root: StateRoot): unknown {
	if (!failedWith(error, "EACCES", "EPERM", "EROFS")) return error;
	return new RuntimeError("io", error.message, {
		path: root.path,
		syscall: error.syscall,
		errno: error.code,
		...(root.explicit ? {} : { hint: "set XDG_RUNTIME_DIR, or name a directory of your own with --root" }),
	});
}

/** Waits until no other command works on the container. Undefined when the directory is not there. */
export function lock(native: Native, directory: StateDirectory): number | undefined {
	try {
		return native.lockDirectory({ path: directory.path, exclusive: true, wait: true });
	} catch (error) {
		if (failedWith(error, "ENOENT")) return undefined;
		throw error;
	}
}

/** The lock (shared: only to see that nobody has it), "busy" when another command holds it, undefined when the directory is not there. */
export function tryLock(
	native: Native,
	directory: StateDirectory,
	kind: "exclusive" | "shared",
): number | "busy" | undefined {
	try {
		return native.lockDirectory({ path: directory.path, exclusive: kind === "exclusive", wait: false });
	} catch (error) {
		if (failedWith(error, "EAGAIN", "EWOULDBLOCK")) return "busy";
		if (failedWith(error, "ENOENT")) return undefined;
		throw error;
	}
}

export function writeRecord(native: Native, directory: StateDirectory, record: ContainerRecord): void {
	native.replaceFile({ path: directory.record, text: recordText(record), mode: 0o600, exchange: true });
}

function recordText(record: ContainerRecord): string {
	try {
		return JSON.stringify(record);
	} catch (error) {
		// A bigint among the resources; few containers have one.
		if (!(error instanceof TypeError)) throw error;
		return JSON.stringify(record, (_key, value) => (typeof value === "bigint" ? String(value) : value));
	}
}

/** The record, or undefined when there is none: no such container, or one whose create was killed at once. */
export function readRecord(native: Native, directory: StateDirectory): ContainerRecord | undefined {
	let text: string;
	try {
		text = native.readText({ path: directory.record });
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
		throw error;
	}
	return parseRecord(text, directory.record);
}

/** runc's message names nothing: the hint does. */
export function missing({ path }: StateDirectory): RuntimeError {
	return new RuntimeError("container.missing", "container does not exist", {
		path,
		hint: `there is no ${path}: \`list\` shows what there is, --root names another state directory`,
	});
}

/** The record of a container that must exist. */
export function loadRecord(native: Native, directory: StateDirectory): ContainerRecord {
	const record = readRecord(native, directory);
	if (!record) throw missing(directory);
	return record;
}

/** Records are replaced as a whole, so one that does not parse was not written by this program. */
function parseRecord(text: string, path: string): ContainerRecord {
	let record: ContainerRecord | undefined;
	try {
		record = JSON.parse(text);
	} catch {
		record = undefined;
	}
	if (
		typeof record?.id !== "string" ||
		typeof record.init_process_pid !== "number" ||
		record.runtime_ts?.version !== 1 ||
		// What every command goes into; the rest of a record that has these is there, too.
		typeof record.config?.rootfs !== "string" ||
		typeof (record.cgroup_paths ?? 0) !== "object" ||
		typeof record.runtime_ts.exec !== "object"
	) {
		throw new RuntimeError("container.state", `unable to read container state: ${path} is not a record of runtime-ts`, {
			path,
			hint: "`delete --force` removes the directory",
		});
	}
	return record;
}
