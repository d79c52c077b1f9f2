/** `--pid-file`. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { absolute } from "./absolute.js";

/** Whole or not at all, and no newline: conmon and containerd read it as soon as it is there. */
export function writePidFile(native: Native, path: string | undefined, pid: number): void {
	if (!path) return;
	// The file is renamed to its place: root's `--pid-file /dev/null` would take the host's away (with runc it does).
	const there = native.stat({ path });
	if (there !== undefined && there.type !== "file" && there.type !== "directory") {
		throw new RuntimeError("io", `unable to write pid file: ${path} is there, and no regular file`, {
			path,
			hint: "a pid file replaces what has its name; leave the option out where none is wanted",
		});
	}
	try {
		native.replaceFile({ path: absolute(path), text: String(pid), mode: 0o666 });
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		throw new RuntimeError("io", `unable to write pid file: ${text}`, { path });
	}
}

/** Of a process that will not be. */
export function removePidFile(native: Native, path: string | undefined): void {
	// What was refused above is not ours.
	if (!path || native.stat({ path, noFollow: true })?.type !== "file") return;
	native.removeFile({ path: absolute(path), missingOk: true });
}
