/** checkpoint and restore, for tests of containers that are saved and come back. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { oursOnly, type Result } from "./runtime.js";
import type { Container } from "./workspace.js";

/** Debian's criu 3.17 does not start on every kernel: not on 6.18, whose vDSO it does not understand. */
const check = spawnSync("criu", ["check"], { encoding: "utf8" });

/** On this kernel; undefined when it is not installed. */
export const criuWorks: boolean | undefined = check.error ? undefined : check.status === 0;

/** For tests that need it. */
export const withoutCriu: string | false = criuWorks
	? oursOnly
	: check.error
		? "criu is not installed"
		: `criu does not work on this kernel: ${/Error .*?: (.*)/.exec(check.stderr)?.[1] ?? check.stderr.trim()}`;

export function checkpoint(container: Container, images: string, ...args: string[]): Result {
	return container.runtime.command(["checkpoint", "--image-path", images, ...args, container.id], {
		timeoutMs: 60_000,
	});
}

/** The log is `restore.log` in `images`. */
export function restore(container: Container, images: string, ...args: string[]): Result {
	const { runtime, bundle, id } = container;
	return runtime.command(["restore", "--image-path", images, "--bundle", bundle.path, ...args, id], {
		timeoutMs: 60_000,
	});
}

/**
 * A command with pipes for standard streams, as engines have them; criu wants a regular file to be at restore what it was.
 * Its output, and that of the container, goes to `file`.
 */
export async function piped(container: Container, args: string[], file: string): Promise<Result> {
	const status = `${file}.status`;
	const script = '{ "$@" </dev/null 2>&1; echo $? >"$0.status"; } | cat >"$0" &';
	spawnSync("/bin/sh", ["-c", script, file, ...container.runtime.argv(args, [])], { stdio: "ignore", cwd: "/" });
	const ended = () => existsSync(status) && readFileSync(status, "utf8").endsWith("\n");
	for (let tries = 0; !ended() && tries < 600; tries++) await delay(100);
	const output = readFileSync(file, "utf8");
	return {
		status: ended() ? Number(readFileSync(status, "utf8")) : null,
		signal: null,
		stdout: output,
		stderr: output,
		log: [],
		error: output,
	};
}

/** The last lines of one of criu's logs; empty when there is none. */
export function logEnd(images: string, name: "dump.log" | "restore.log"): string {
	const path = join(images, name);
	return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(-12).join("\n") : "";
}
