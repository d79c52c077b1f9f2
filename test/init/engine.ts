/** Runs plans with the real init, through engine.cc: no TypeScript of the runtime is between a test and the C++. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TAP } from "tap";
import type { InitStep } from "../../src/plan/schema.js";

const top = join(import.meta.dirname, "../..");
const init = join(top, "build/Release/init");

export interface Event {
	event: string;
	pid?: number;
	errno?: number;
	name?: string;
	rows?: number;
	columns?: number;
	microseconds?: number[];
	failure?: { step: number; syscall: string; errno: number; detail?: string };
}

export interface Result {
	status: number | null;
	stdout: string;
	/** Without the events. */
	stderr: string;
	events: Event[];
	/** The failure with the op of its step in place of the number. */
	failure: { op: string | undefined; syscall: string; errno: number; detail: string } | undefined;
}

function compileEngine(): string {
	const sources = ["test/init/engine.cc", "addon/common/frame.cc"].map((name) => join(top, name));
	const hash = createHash("sha256");
	for (const source of sources) hash.update(readFileSync(source));
	const binary = join(top, "build/test", `engine-${hash.digest("hex").slice(0, 12)}`);
	if (existsSync(binary)) return binary;
	mkdirSync(join(top, "build/test"), { recursive: true });
	const fresh = `${binary}.${process.pid}`;
	const flags = ["-std=c++20", "-O1", "-D_GNU_SOURCE", `-I${join(top, "addon")}`];
	execFileSync("c++", [...flags, "-o", fresh, ...sources], { stdio: "inherit" });
	renameSync(fresh, binary);
	return binary;
}

/** A rootfs of busybox in a directory of its own. Undefined without root, after the test file was skipped. */
export class Scene {
	readonly directory = mkdtempSync(join(tmpdir(), "rti"));
	readonly rootfs = join(this.directory, "rootfs");
	readonly engine = compileEngine();
	readonly init = init;
	#plans = 0;

	constructor() {
		for (const name of ["bin", "dev", "proc", "sys", "tmp", "etc"])
			mkdirSync(join(this.rootfs, name), { recursive: true });
		copyFileSync("/bin/busybox", join(this.rootfs, "bin/busybox"));
		for (const name of "cat echo grep head id ls mkdir pwd readlink sh sleep stat touch tty wc".split(" "))
			symlinkSync("busybox", join(this.rootfs, "bin", name));
	}

	path(...names: string[]): string {
		return join(this.directory, ...names);
	}

	/** Runs to the end. `during` is called once the init is ready, with its pid, before start. */
	async run(
		steps: InitStep[],
		options: string[] = [],
		during?: (pid: number) => void,
		rest: object = {},
	): Promise<Result> {
		const plan = this.path(`plan${++this.#plans}.json`);
		writeFileSync(plan, JSON.stringify({ version: 1, id: "test", init: steps, ...rest }));
		const child = spawn(this.engine, [init, plan, ...options, ...(during ? ["--hold"] : [])], { stdio: "pipe" });
		let stdout = "";
		let stderr = "";
		let asked = false;
		child.stdout.on("data", (data) => (stdout += data));
		child.stderr.on("data", (data) => {
			stderr += data;
			if (during === undefined || asked || !stderr.includes('"event":"ready"')) return;
			asked = true;
			try {
				during(Number(/"pid":(\d+)/.exec(stderr)?.[1]));
			} finally {
				child.stdin.end();
			}
		});
		if (!during) child.stdin.end();
		const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
		return this.#result(steps, status, stdout, stderr);
	}

	#result(steps: InitStep[], status: number | null, stdout: string, stderr: string): Result {
		const lines = stderr.split("\n");
		const events = lines.filter((line) => line.startsWith("@ ")).map((line) => JSON.parse(line.slice(2)) as Event);
		const failure = events.find((event) => event.failure)?.failure;
		return {
			status,
			stdout,
			stderr: lines.filter((line) => !line.startsWith("@ ")).join("\n"),
			events,
			failure: failure && {
				op: steps[failure.step]?.op,
				syscall: failure.syscall,
				errno: failure.errno,
				detail: failure.detail ?? "",
			},
		};
	}

	remove(): void {
		rmSync(this.directory, { recursive: true, force: true });
	}
}

export function scene(t: TAP): Scene {
	if (process.getuid?.() !== 0) {
		t.plan(0, "containers of these tests need root");
		process.exit(0);
	}
	if (!existsSync(init)) throw new Error(`${init} is missing: make addon`);
	const made = new Scene();
	t.teardown(() => made.remove());
	return made;
}
