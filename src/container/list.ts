/** `list`: every container below the state root. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import type { Place, StateRoot } from "./place.js";
import { checkId, stateRoot } from "./place.js";
import type { ContainerState } from "./state.js";
import { describe } from "./state.js";
import { directoryOf, inaccessible, readRecord } from "./store.js";

export interface ListRequest extends Place {
	/** A container whose record cannot be read is left out, and told here. */
	onWarning?: (message: string) => void;
}

/** Sorted by id. */
export function list(native: Native, request: ListRequest): ContainerState[] {
	const root = stateRoot(native, request);
	const containers: ContainerState[] = [];
	let users: Map<number, string> | undefined;
	for (const id of namesIn(native, root)) {
		const directory = directoryOf(root.path, id);
		try {
			const record = readRecord(native, directory);
			const owner = native.stat({ path: directory.path });
			// Gone since it was listed, or being created this moment.
			if (!record || !owner) continue;
			users ??= userNames(native);
			containers.push(describe(native, directory, record, users.get(owner.uid) ?? `#${owner.uid}`));
		} catch (error) {
			if (!(error instanceof RuntimeError)) throw error;
			request.onWarning?.(`load container ${id}: ${error.message}`);
		}
	}
	return containers;
}

/** Ids of containers, in order; some may have no record yet. */
export function namesIn(native: Native, root: StateRoot): string[] {
	try {
		const entries = native.listDirectory({ path: root.path });
		return entries
			.filter(({ name, type }) => type === "directory" && isId(name))
			.map(({ name }) => name)
			.sort();
	} catch (error) {
		if (failedWith(error, "ENOENT") && !root.explicit) return [];
		throw inaccessible(error, root);
	}
}

/** The seccomp cache lies beside the containers under a name that is no id. */
function isId(name: string): boolean {
	try {
		checkId(name);
		return true;
	} catch {
		return false;
	}
}

function userNames(native: Native): Map<number, string> {
	const names = new Map<number, string>();
	try {
		for (const line of native.readText({ path: "/etc/passwd", lossy: true }).split("\n")) {
			const [name, , uid] = line.split(":");
			if (name && uid && !names.has(Number(uid))) names.set(Number(uid), name);
		}
	} catch (error) {
		if (!failedWith(error, "ENOENT", "EACCES")) throw error;
	}
	return names;
}
