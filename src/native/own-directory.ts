/** Directories that code may be loaded from: nobody but this user (and root) can have put anything there. */
import { lstatSync, readFileSync } from "node:fs";
import type { Native } from "./api.js";
import { loadAddon } from "./load.js";

/** `usual`: the first choice, whatever the environment says. Best first; they need not exist. */
export function ownDirectories(usual: string): string[] {
	const directories = [usual];
	const runtime = runtimeDirectory();
	// `su` and `sudo -E` keep the variable, and then it names another user's directory, who can rename what lies in it.
	if (runtime && isOwn(runtime, 0o022)) {
		const own = `${runtime}/runtime-ts.lib`;
		if (own !== usual) directories.push(own);
	}
	return directories;
}

/** XDG_RUNTIME_DIR, also for a root that may not write /var/lib (rootless Podman runs us as root of a user namespace). */
function runtimeDirectory(): string | undefined {
	const key = "XDG_RUNTIME_DIR=";
	// The standalone binary's process.env is empty, see addon/standalone/detach.ts, and the verb for it is not loaded yet.
	const environment = readFileSync("/proc/self/environ", "utf8").split("\0");
	return environment.find((entry) => entry.startsWith(key))?.slice(key.length);
}

/** A directory of this user, with none of the permission bits `forbidden`. */
export function isOwn(path: string, forbidden: number): boolean {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return false;
	return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & forbidden) === 0;
}

/** The addon as an earlier start has unpacked it, or undefined. */
export function loadUnpacked(hash: string, usual: string): Native | undefined {
	for (const directory of ownDirectories(usual)) {
		try {
			if (isOwn(directory, 0o077)) return loadAddon(`${directory}/${hash}.node`);
		} catch {
			// Of another version, or mounted noexec: whoever unpacks finds out, and says so.
		}
	}
	return undefined;
}
