/** The built addon, and directories for the tests that use it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NativeFailure } from "../../src/native/api.js";
import { loadAddon } from "../../src/native/load.js";

export const native = loadAddon(fileURLToPath(new URL("../../build/Release/runtime_ts.node", import.meta.url)));

export const isRoot = process.geteuid?.() === 0;
export const needsRoot = isRoot ? false : "needs root";

/** An empty directory that goes with the test. */
export function scratch(t: { teardown(action: () => void): void }): string {
	const directory = mkdtempSync(join(tmpdir(), "runtime-ts-native-"));
	t.teardown(() => rmSync(directory, { recursive: true, force: true }));
	return directory;
}

/** What the verb threw; fails loudly when it did not. */
export function failureOf(verb: () => unknown): NativeFailure {
	try {
		verb();
	} catch (error) {
		return error as NativeFailure;
	}
	throw new Error("expected the verb to fail");
}
