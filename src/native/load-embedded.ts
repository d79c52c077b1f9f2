/**
 * Loads the addon that is embedded in the standalone binary.
 *
 * The kernel maps code from files only, so the addon has to lie somewhere. It lies in a directory that no one but
 * this user can write, under its content hash: for root /var/lib/runtime-ts (not /run, which Debian mounts noexec;
 * not /tmp, where anyone could put a file of that name first), for others below XDG_RUNTIME_DIR. The first start
 * unpacks it there; each later one only maps it, which is why this file imports nothing: node:fs alone would
 * cost half of a container start. Who has another XDG_RUNTIME_DIR than the usual one pays for it, since that directory
 * comes from the environment and has to be looked at first.
 */
import type { Native } from "./api.js";
import { loadAddon } from "./load.js";

/** Where this user's unpacked addon lies: in a place that no other user but root can make. */
function trustedDirectory(): string {
	// As root only the fixed place: XDG_RUNTIME_DIR may be another user's (sudo -E).
	if (process.geteuid?.() === 0) return "/var/lib/runtime-ts";
	// The usual XDG_RUNTIME_DIR. Only the addon can read the real one (addon/standalone), or else the slow way.
	return `/run/user/${process.geteuid?.()}/runtime-ts.lib`;
}

/** `embedded`: path of the addon inside the binary. `hash`: SHA-256 of its content, in hexadecimal. */
export async function loadEmbeddedAddon(embedded: string, hash: string): Promise<Native> {
	const directory = trustedDirectory();
	try {
		return loadAddon(`${directory}/${hash}.node`);
	} catch {
		// Not unpacked yet, or not loadable from there: the slow way finds out and says so.
	}
	const { loadUnpacked } = await import("./own-directory.js");
	const unpacked = loadUnpacked(hash, directory);
	if (unpacked !== undefined) return unpacked;
	const { unpackAddon } = await import("./unpack.js");
	return unpackAddon(embedded, hash, directory);
}
