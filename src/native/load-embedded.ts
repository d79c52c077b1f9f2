/**
 * Loads the addon that is embedded in the standalone binary.
 *
 * The kernel maps code from files only, so the addon has to lie somewhere. It lies in a directory that no one but
 * this user can write, under its content hash: for root /var/lib/runtime-ts (not /run, which Debian mounts noexec;
 * not /tmp, where anyone could put a file of that name first), for others below XDG_RUNTIME_DIR. The first start
 * unpacks it there; each later one of root only maps it, which is why this file imports nothing: node:fs alone would
 * cost half of a container start. Others pay for it, since that directory comes from the environment and has to be
 * looked at first.
 */
import type { Native } from "./api.js";
import { loadAddon } from "./load.js";

/** `embedded`: path of the addon inside the binary. `hash`: SHA-256 of its content, in hexadecimal. */
export async function loadEmbeddedAddon(embedded: string, hash: string): Promise<Native> {
	if (process.geteuid?.() === 0) {
		try {
			return loadAddon(`/var/lib/runtime-ts/${hash}.node`);
		} catch {
			// Not unpacked yet, or not loadable from there, or another one's: this is the root of a user namespace.
		}
	}
	const { loadUnpacked } = await import("./own-directory.js");
	const unpacked = loadUnpacked(hash);
	if (unpacked !== undefined) return unpacked;
	const { unpackAddon } = await import("./unpack.js");
	return unpackAddon(embedded, hash);
}
