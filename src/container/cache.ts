/**
 * Compiled seccomp filters, kept below the state root: `@seccomp` cannot be a container's id.
 *
 * libseccomp takes one to two milliseconds for the profile that engines use, as long as a quarter of a whole
 * start, and they use the same one for nearly every container. An entry's name comes from a cheap hash; what decides
 * is its content, which holds the complete profile and the libseccomp version that made the filter.
 */
import type { Native } from "../native/api.js";
import { failedWith, isNativeFailure } from "./errno.js";

/** More profiles than one host uses; beyond it the folder is emptied, so that it cannot grow for ever. */
const capacity = 64;

export interface Filter {
	program: Uint8Array;
	/** Keeps a filter that had to be compiled; to be called when nobody waits. */
	keep?: () => void;
}

export function seccompFilter(native: Native, root: string, profile: string): Filter {
	const folder = `${root}/@seccomp`;
	const path = `${folder}/${hash(profile)}`;
	const key = `${native.libseccompVersion} ${native.buildId}\n${profile}\n`;
	const found = readEntry(native, path, key);
	if (found) return { program: found };
	const program = native.compileSeccomp({ profile });
	return { program, keep: () => writeEntry(native, folder, path, key, program) };
}

function readEntry(native: Native, path: string, key: string): Uint8Array | undefined {
	let text: string;
	try {
		text = native.readText({ path });
	} catch (error) {
		if (failedWith(error, "ENOENT")) return undefined;
		throw error;
	}
	if (!text.startsWith(key)) return undefined;
	const program = Buffer.from(text.slice(key.length), "base64");
	// struct sock_filter has eight bytes.
	return program.length > 0 && program.length % 8 === 0 ? program : undefined;
}

/** A cache that cannot be written (full disk, read-only root) is no reason to fail. */
function writeEntry(native: Native, folder: string, path: string, key: string, program: Uint8Array): void {
	try {
		native.makeDirectory({ path: folder, mode: 0o700, existOk: true });
		const entries = native.listDirectory({ path: folder });
		if (entries.length >= capacity) {
			for (const { name } of entries) native.removeFile({ path: `${folder}/${name}`, missingOk: true });
		}
		native.replaceFile({ path, text: key + Buffer.from(program).toString("base64"), mode: 0o600 });
	} catch (error) {
		if (!isNativeFailure(error)) throw error;
	}
}

/**
 * FNV-1a over the length and some 500 characters spread over the text. Two profiles that differ only between them take
 * turns in one entry; hashing all of 20 KB would cost an unoptimised interpreter half a millisecond.
 */
function hash(text: string): string {
	let low = 0x811c9dc5;
	let high = 0x811c9dc5 ^ text.length;
	const step = Math.max(1, Math.floor(text.length / 500));
	for (let index = 0; index < text.length; index += step) {
		const unit = text.charCodeAt(index);
		low = Math.imul(low ^ unit, 0x01000193);
		high = Math.imul(high ^ (unit + index), 0x01000193);
	}
	return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}
