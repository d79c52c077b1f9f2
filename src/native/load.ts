/** Loads the addon from a file: the way of Node, of the tests, and of the standalone binary once it is unpacked. */
import type { Native } from "./api.js";

/** Throws an Error with code ERR_DLOPEN_FAILED when the file is missing, not loadable or on a noexec mount. */
export function loadAddon(path: string): Native {
	const module = { exports: {} };
	process.dlopen(module, path);
	return module.exports as Native;
}
