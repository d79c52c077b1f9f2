/** Directories that code may be loaded from: nobody but this user (and root) can have put anything there. */
import { lstatSync } from "node:fs";
import type { Native } from "./api.js";
import { loadAddon } from "./load.js";

/** Best first. They need not exist. */
export function ownDirectories(): string[] {
	const directories = process.geteuid?.() === 0 ? ["/var/lib/runtime-ts"] : [];
	const runtime = process.env["XDG_RUNTIME_DIR"];
	// `su` and `sudo -E` keep the variable, and then it names another user's directory, who can rename what lies in it.
	if (runtime && isOwn(runtime, 0o022)) directories.push(`${runtime}/runtime-ts.lib`);
	return directories;
}

/** A directory of this user, with none of the permission bits `forbidden`. */
export function isOwn(path: string, forbidden: number): boolean {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return false;
	return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & forbidden) === 0;
}

/** The addon as an earlier start has unpacked it, or undefined. */
export function loadUnpacked(hash: string): Native | undefined {
	for (const directory of ownDirectories()) {
		try {
			if (isOwn(directory, 0o077)) return loadAddon(`${directory}/${hash}.node`);
		} catch {
			// Of another version, or mounted noexec: whoever unpacks finds out, and says so.
		}
	}
	return undefined;
}
