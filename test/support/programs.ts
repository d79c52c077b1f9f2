/** Compiles the C programs of the tests, once for each version of their source, into build/test. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

const source = join(import.meta.dirname, "programs");
const output = join(import.meta.dirname, "../../build/test");

/**
 * `terminal` runs a command on a new pty, or receives one from a console socket; `probe`, `kernel` and `held` run in
 * containers, static; `agent` answers seccomp notifications; `pidfd` is the caller of `--pidfd-socket`.
 * Test files run in parallel: each compiles to a name of its own, and rename(2) decides.
 */
export function program(name: "terminal" | "probe" | "kernel" | "agent" | "pidfd" | "held"): string {
	const file = join(source, `${name}.c`);
	const hash = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);
	const binary = join(output, `${name}-${hash}`);
	if (!existsSync(binary)) {
		mkdirSync(output, { recursive: true });
		const fresh = `${binary}.${process.pid}`;
		execFileSync("cc", ["-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-static", "-o", fresh, file], {
			stdio: "inherit",
		});
		renameSync(fresh, binary);
	}
	return binary;
}
