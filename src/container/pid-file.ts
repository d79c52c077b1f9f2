/** `--pid-file`. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { absolute } from "./absolute.js";

/** Whole or not at all, and no newline: conmon and containerd read it as soon as it is there. */
export function writePidFile(native: Native, path: string | undefined, pid: number): void {
	if (!path) return;
	try {
		native.replaceFile({ path: absolute(path), text: String(pid), mode: 0o666 });
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		throw new RuntimeError("io", `unable to write pid file: ${text}`, { path });
	}
}

/** Of a process that will not be. */
export function removePidFile(native: Native, path: string | undefined): void {
	if (path) native.removeFile({ path: absolute(path), missingOk: true });
}
