/** Drives the runtime under test as an engine would: one process for each command, its answers read from files. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import {
	closeSync,
	copyFileSync,
	existsSync,
	linkSync,
	openSync,
	readFileSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** `RUNTIME` is a command line: a binary, or `node build/js/cli/entry-node.js`; files are found from the repository. */
const command = (process.env.RUNTIME ?? "build/runtime-ts").split(" ").map((word) => {
	const file = resolve(repository, word);
	// Tests that give the runtime another PATH must not take node away from it.
	if (word === "node") return process.execPath;
	return existsSync(file) ? file : word;
});

/** The peers are run to check the tests themselves; what is only ours, or missing in the peer's version, is skipped. */
export const runtimeName: "runc" | "crun" | "runtime-ts" = (() => {
	const name = basename(command[0] ?? "");
	return name === "runc" || name === "crun" ? name : "runtime-ts";
})();

/** `skip` of what only the standalone binary can do. */
export const onNode = basename(command[0] ?? "") === "node" ? "Node obeys NODE_OPTIONS before the runtime can" : false;

/** Every user may search the directories on the way to it. */
function isOpen(path: string): boolean {
	const directory = dirname(path);
	return (statSync(directory).mode & 1) === 1 && (directory === "/" || isOpen(directory));
}

/**
 * The runtime where an ordinary user can execute it: a repository below a closed home (/root) has none, and then
 * `directory`, which must be open, gets one.
 */
export function programForUsers(directory: string): readonly string[] {
	const closed = command.find((word) => word.startsWith("/") && !isOpen(word));
	if (closed === undefined) return command;
	if (onNode) throw new Error(`ordinary users can't reach ${closed}: on Node the repository has to be open to them`);
	const copy = join(directory, basename(closed));
	try {
		if (!existsSync(copy)) linkSync(closed, copy);
	} catch {
		copyFileSync(closed, copy); // another file system
	}
	return command.map((word) => (word === closed ? copy : word));
}

/** `skip` of a test that a peer cannot pass: the reason, or false where it has to pass. */
export function unlessPeer(reasons: Partial<Record<"runc" | "crun", string>>): string | false {
	// RUN_SKIPPED shows whether a reason still holds: a test that passes with it needs no reason.
	if (runtimeName === "runtime-ts" || process.env.RUN_SKIPPED) return false;
	return reasons[runtimeName] ?? false;
}

/** Exit status 1, as runc's callers expect; crun fails with 255 in places. */
export function failed(result: Result): boolean {
	return runtimeName === "crun" ? result.status !== 0 && result.status !== null : result.status === 1;
}

export const oursOnly = unlessPeer({
	runc: "checks what only runtime-ts does",
	crun: "checks what only runtime-ts does",
});

export interface LogRecord {
	level: string;
	msg: string;
	time: string;
	[key: string]: unknown;
}

export interface Result {
	/** Exit status; null when a signal ended it, the driver's time limit included. */
	status: number | null;
	signal: string | null;
	stdout: string;
	stderr: string;
	log: LogRecord[];
	/** Message of the last error in the log: what containerd shows to its users. */
	error: string;
}

export interface CommandOptions {
	input?: string;
	env?: Record<string, string>;
	cwd?: string;
	/** Descriptors from 3 on. */
	fds?: (number | "pipe")[];
	/** Shell words put in front, for instance `ulimit -Sn 1000;`. */
	shell?: string;
	timeoutMs?: number;
	/** Instead of `--log FILE --log-format json`. */
	globals?: string[];
	debug?: boolean;
	/** True: standard input is closed rather than empty. */
	closedInput?: boolean;
}

export class Runtime {
	#count = 0;

	/** Without `root` the runtime takes its default. `caller`: words in front of each command, which make it another user's. */
	constructor(
		readonly root: string | undefined,
		readonly scratch: string,
		readonly caller: readonly string[] = [],
		readonly program: readonly string[] = command,
	) {}

	/** The runtime's own environment: nothing of the test runner's. */
	static environment(extra: Record<string, string> = {}): Record<string, string> {
		return { PATH: process.env.PATH ?? "", HOME: "/root", ...extra };
	}

	argv(args: string[], globals: string[]): [string, ...string[]] {
		// tap loads a module of its own into every Node that a test starts, and it makes standard output non-blocking.
		const plain = onNode ? ["/usr/bin/env", "-u", "NODE_OPTIONS", ...this.program] : this.program;
		const root = this.root === undefined ? [] : ["--root", this.root];
		const [first = "", ...rest] = [...this.caller, ...plain, ...root, ...globals, ...args];
		return [first, ...rest];
	}

	/**
	 * Runs one command to its end. Its standard streams are files: a created container inherits them, and with pipes
	 * the driver would wait for the container's end.
	 */
	command(args: string[], options: CommandOptions = {}): Result {
		const name = join(this.scratch, `${++this.#count}`);
		const files = { in: `${name}.in`, out: `${name}.out`, err: `${name}.err`, log: `${name}.log` };
		writeFileSync(files.in, options.input ?? "");
		const stdio = [openSync(files.in, "r"), openSync(files.out, "w"), openSync(files.err, "w")];
		let [file, ...rest] = this.argv(args, [
			...(options.debug ? ["--debug"] : []),
			...(options.globals ?? ["--log", files.log, "--log-format", "json"]),
		]);
		const prefix = `${options.shell ?? ""}${options.closedInput ? "exec 0<&-;" : ""}`;
		if (prefix !== "") [file, ...rest] = ["/bin/sh", "-c", `${prefix} exec "$@"`, "sh", file, ...rest];
		const child = spawnSync(file, rest, {
			stdio: [...stdio, ...(options.fds ?? [])],
			env: Runtime.environment(options.env),
			cwd: options.cwd ?? "/",
			timeout: options.timeoutMs ?? 20_000,
			killSignal: "SIGKILL",
		});
		for (const fd of stdio) closeSync(fd);
		if (child.error && !("code" in child.error && child.error.code === "ETIMEDOUT")) throw child.error;
		const log = existsSync(files.log) ? parseLog(readFileSync(files.log, "utf8")) : [];
		return {
			status: child.status,
			signal: child.signal,
			stdout: readFileSync(files.out, "utf8"),
			stderr: readFileSync(files.err, "utf8"),
			log,
			error: log.filter((record) => record.level === "error").at(-1)?.msg ?? "",
		};
	}

	/** Where the last command's standard output goes on arriving after its end: a created container writes there. */
	get lastOutput(): string {
		return join(this.scratch, `${this.#count}.out`);
	}

	/** Starts a command and leaves it running, for the foreground. */
	spawn(args: string[], options: SpawnOptions = {}): ChildProcess {
		const [file, ...rest] = this.argv(args, []);
		return spawn(file, rest, { cwd: "/", ...options, env: { ...Runtime.environment(), ...options.env } });
	}
}

/** Exit status of a command that was left running; one that hangs is killed, and an error. */
export async function finished(child: ChildProcess, seconds = 15): Promise<number | null> {
	const running = child.exitCode === null && child.signalCode === null;
	if (running) {
		const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
		await new Promise((resolve) => child.once("exit", resolve));
		clearTimeout(timer);
	}
	if (child.signalCode !== null) throw new Error(`the runtime was ended by ${child.signalCode}`);
	return child.exitCode;
}

function parseLog(text: string): LogRecord[] {
	return (
		text
			.split("\n")
			// crun mixes plain text in; to containerd such a log is unreadable.
			.filter((line) => line !== "" && (runtimeName !== "crun" || line.startsWith("{")))
			.map((line) => JSON.parse(line) as LogRecord)
	);
}
