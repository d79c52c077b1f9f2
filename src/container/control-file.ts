/** Reading files of cgroupfs, which may lack a controller or be gone at any moment. */
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";

/** The text, or `otherwise` where there is no such file; EOPNOTSUPP: not for a threaded cgroup of v2. */
export function readOr<Otherwise>(native: Native, path: string, otherwise: Otherwise): string | Otherwise {
	try {
		return native.readText({ path });
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENOTDIR", "ENODEV", "EOPNOTSUPP")) return otherwise;
		throw error;
	}
}

/** Descriptor for waitEvents() that tells of changes to the file; undefined where there is none. */
export function watchFile(native: Native, path: string): number | undefined {
	try {
		return native.watchFiles({ paths: [path] });
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
		throw error;
	}
}
