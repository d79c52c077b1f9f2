/** Where containers are recorded: the state root, and the rules for an id, which is a directory name in it. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { absolute } from "./absolute.js";

export type Environment = Record<string, string | undefined>;

/** What every lifecycle function takes beside its own options. */
export interface Place {
	/** `--root`; undefined for the default. */
	root?: string;
	/** Environment of the caller, for XDG_RUNTIME_DIR, NOTIFY_SOCKET and LISTEN_FDS; default native.environment(). */
	env?: Environment;
}

export interface StateRoot {
	path: string;
	/** Given with `--root`: that it does not exist is then worth an error in `list`. */
	explicit: boolean;
	/** Below XDG_RUNTIME_DIR, where unused files are cleaned up unless they are sticky (XDG base directory specification). */
	sticky: boolean;
}

/** NAME_MAX: an id is a file name. */
const longestName = 255;

const defaultRoot = "/run/runtime-ts";

/** The state root that this caller means. Nothing is created. */
export function stateRoot(native: Native, place: Place): StateRoot {
	if (place.root !== undefined) {
		const path = absolute(place.root);
		if (path === "/") {
			throw new RuntimeError("usage", "Option --root argument should not be set to /", {
				hint: "every directory below the state root is taken for a container",
			});
		}
		return { path, explicit: true, sticky: false };
	}
	const env = place.env ?? native.environment();
	// Podman sets XDG_RUNTIME_DIR to the empty string for root.
	const runtimeDirectory = env.XDG_RUNTIME_DIR;
	if (runtimeDirectory && ownsItsRuntimeDirectory(native, env)) {
		return { path: absolute(`${runtimeDirectory}/runtime-ts`), explicit: false, sticky: true };
	}
	return { path: defaultRoot, explicit: false, sticky: false };
}

/** An ordinary user does; so does the root of a user namespace, unless it says that it is the host's kind of root. */
function ownsItsRuntimeDirectory(native: Native, env: Environment): boolean {
	const { euid, initialUserNamespace } = native.identity();
	if (euid !== 0) return true;
	return !initialUserNamespace && env.USER !== "root";
}

/** Throws unless `id` can be a container's name. */
export function checkId(id: string): void {
	if (id === "") throw new RuntimeError("container.id-invalid", "container id cannot be empty");
	if (!isName(id)) throw invalid(`${JSON.stringify(id)} may hold letters, digits and _ + - . only`);
	if (id === "." || id === "..") throw invalid(`${JSON.stringify(id)} is the name of another directory`);
	if (id.length > longestName) throw invalid(`it has ${id.length} characters, ${longestName} are possible`);
}

function invalid(hint: string): RuntimeError {
	return new RuntimeError("container.id-invalid", "invalid container ID format", { hint });
}

/** Letters, digits and `_+-.` only. A loop: the first use of a regular expression costs more than all else here. */
function isName(id: string): boolean {
	for (let index = 0; index < id.length; index++) {
		const code = id.charCodeAt(index);
		const letter = (code | 32) >= 97 && (code | 32) <= 122;
		const digit = code >= 48 && code <= 57;
		// _ + - .
		if (!letter && !digit && code !== 95 && code !== 43 && code !== 45 && code !== 46) return false;
	}
	return id !== "";
}
