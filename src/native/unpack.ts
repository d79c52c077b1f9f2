/** The slow first start of the standalone binary: puts the embedded addon where code can be loaded from. */
import { createHash } from "node:crypto";
import {
	closeSync,
	constants,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	unlinkSync,
	writeSync,
} from "node:fs";
import { RuntimeError } from "../errors.js";
import type { Native } from "./api.js";
import { loadAddon } from "./load.js";
import { isOwn, ownDirectories } from "./own-directory.js";

/** O_TMPFILE of Linux (asm-generic, so x86-64 and arm64): node:fs has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Throws RuntimeError("host.unsupported") when no directory of this machine lets code be loaded from it. */
export function unpackAddon(embedded: string, hash: string, usual: string): Native {
	const bytes = readFileSync(embedded);
	const found = createHash("sha256").update(bytes).digest("hex");
	if (found !== hash) {
		throw new RuntimeError("host.unsupported", "the runtime-ts binary is damaged: its native part has changed", {
			hint: "install it again",
		});
	}
	const attempts: string[] = [];
	for (const directory of ownDirectories(usual)) {
		try {
			return loadAddon(install(directory, bytes, hash));
		} catch (error) {
			attempts.push(`${directory}: ${(error as Error).message}`);
		}
	}
	for (const directory of ["/var/tmp", "/tmp", "/dev/shm"]) {
		try {
			return loadUnlinked(directory, bytes);
		} catch (error) {
			attempts.push(`${directory}: ${(error as Error).message}`);
		}
	}
	throw new RuntimeError("host.unsupported", `cannot load the native part: ${attempts.join("; ")}`, {
		hint: "give runtime-ts one writable directory that is not mounted noexec, for instance /var/lib",
	});
}

/** Writes the addon under its hash, atomically; refuses a directory that another user could write. */
function install(directory: string, bytes: Uint8Array, hash: string): string {
	try {
		mkdirSync(directory, { mode: 0o700 });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
	if (!isOwn(directory, 0o077)) {
		throw new Error("exists, but is not a directory of this user with mode 0700");
	}
	const path = `${directory}/${hash}.node`;
	const temporary = `${directory}/.${hash}.${process.pid}`;
	const fd = openSync(
		temporary,
		constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
		0o600,
	);
	try {
		writeAll(fd, bytes);
		// A name that survives a power cut must not lead to a file that doesn't: a torn library crashes when it is mapped.
		fsyncSync(fd);
		renameSync(temporary, path);
	} catch (error) {
		unlinkSync(temporary);
		throw error;
	} finally {
		closeSync(fd);
	}
	return path;
}

/** Loads from a file without a name: slower, since it is written at each start, but nobody can get at it. */
function loadUnlinked(directory: string, bytes: Uint8Array): Native {
	const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
	try {
		writeAll(fd, bytes);
		return loadAddon(`/proc/self/fd/${fd}`);
	} finally {
		closeSync(fd);
	}
}

function writeAll(fd: number, bytes: Uint8Array): void {
	for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
}
