/** What every integration test file has: a directory of its own, a state root of its own, names of its own. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TAP } from "tap";
import { type Bundle, type Edit, makeBundle, writeConfig } from "./bundle.js";
import { findLeaks, mounts, processes, removeCgroups } from "./leaks.js";
import { patience } from "./patience.js";
import { type CommandOptions, type Result, Runtime } from "./runtime.js";

export interface State {
	ociVersion: string;
	id: string;
	pid: number;
	status: string;
	bundle: string;
	rootfs?: string;
	created?: string;
	owner?: string;
	annotations?: Record<string, string>;
}

export class Container {
	#output = "";

	constructor(
		readonly id: string,
		readonly bundle: Bundle,
		readonly runtime: Runtime,
	) {}

	create(args: string[] = [], options: CommandOptions = {}): Result {
		const result = this.runtime.command(["create", "--bundle", this.bundle.path, ...args, this.id], options);
		this.#output = this.runtime.lastOutput;
		return result;
	}

	run(args: string[] = [], options: CommandOptions = {}): Result {
		const result = this.runtime.command(["run", "--bundle", this.bundle.path, ...args, this.id], options);
		this.#output = this.runtime.lastOutput;
		return result;
	}

	start(): Result {
		return this.runtime.command(["start", this.id]);
	}

	kill(...args: string[]): Result {
		return this.runtime.command(["kill", this.id, ...args]);
	}

	/** Options come before the id, as every caller has it. */
	delete(...args: string[]): Result {
		return this.runtime.command(["delete", ...args, this.id]);
	}

	state(): State {
		const result = this.runtime.command(["state", this.id]);
		if (result.status !== 0) throw new Error(`state ${this.id}: ${result.stderr}`);
		return JSON.parse(result.stdout) as State;
	}

	/** What the container wrote to the standard output of `create` or `run`, by now. */
	get output(): string {
		return readFileSync(this.#output, "utf8");
	}

	/** Waits until the container's process is gone. */
	async stopped(): Promise<void> {
		await eventually(() => this.state().status === "stopped", `${this.id} stops`);
	}

	async printed(text: string): Promise<void> {
		await eventually(() => this.output.includes(text), `${this.id} prints ${text}`);
	}
}

/** Polls, for what has no event to wait for; fails after ten seconds, of an ordinary machine. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
	const deadline = Date.now() + 10_000 * patience;
	while (!condition()) {
		if (Date.now() > deadline) throw new Error(`in ${10 * patience} seconds it did not happen that ${what}`);
		await delay(10);
	}
}

export class Workspace {
	readonly directory = mkdtempSync("/tmp/rtt");
	/** Part of every name: of this directory, so of every mount source below it, and of every id and cgroup. */
	readonly token = this.directory.slice("/tmp/".length);
	readonly root = join(this.directory, "root");
	readonly runtime: Runtime;
	#count = 0;

	constructor() {
		// A container's root in a user namespace has to get through to its rootfs.
		chmodSync(this.directory, 0o711);
		mkdirSync(this.root, { mode: 0o700 });
		mkdirSync(join(this.directory, "io"));
		this.runtime = new Runtime(this.root, join(this.directory, "io"));
	}

	container(edit: Edit = () => {}): Container {
		const id = `${this.token}-${++this.#count}`;
		const bundle = makeBundle(join(this.directory, `b${this.#count}`), id, join(this.directory, "programs"), edit);
		return new Container(id, bundle, this.runtime);
	}

	/**
	 * Runs a container in which each command of `questions` runs in turn, and answers with what each of them wrote
	 * (standard error too), trimmed. A container that fails to run is an error.
	 */
	inside<Key extends string>(
		edit: Edit,
		questions: Record<Key, string>,
		options: CommandOptions = {},
	): Record<Key, string> {
		return inside((asking) => this.container(asking), edit, questions, options);
	}

	leaks(): string[] {
		return findLeaks(this.token, this.root);
	}

	/** A file on the host that nothing but the tests has: for what must not be reached or changed. */
	path(...names: string[]): string {
		return join(this.directory, ...names);
	}

	/** Kills and unmounts what is left, so that removing the directory never reaches through a leaked mount. */
	remove(): void {
		for (const pid of processes(this.token)) {
			try {
				process.kill(pid, "SIGKILL");
			} catch {
				// It ended by itself.
			}
		}
		for (const point of mounts(this.token)) execFileSync("umount", ["-l", point]);
		removeCgroups(this.token);
		if (mounts(this.token).length === 0) rmSync(this.directory, { recursive: true, force: true });
	}
}

/** Workspace.inside for a container that `make` makes. */
export function inside<Key extends string>(
	make: (edit: Edit) => Container,
	edit: Edit,
	questions: Record<Key, string>,
	options: CommandOptions,
): Record<Key, string> {
	const container = make((config, bundle) => {
		config.process.args = ["/bin/sh", "-c", script(questions)];
		edit(config, bundle);
	});
	const result = container.run([], options);
	if (result.status !== 0) throw new Error(`run failed with ${result.status}: ${result.stderr}${result.stdout}`);
	return answers(questions, result.stdout);
}

export function script(questions: Record<string, string>): string {
	const parts = Object.entries(questions).map(([key, text]) => `echo '@@ ${key}'\n{ ${text}\n} 2>&1`);
	return `${parts.join("\n")}\nexit 0\n`;
}

export function answers<Key extends string>(questions: Record<Key, string>, output: string): Record<Key, string> {
	const found = new Map<string, string>();
	for (const part of output.split(/^@@ /m).slice(1)) {
		const end = part.indexOf("\n");
		found.set(part.slice(0, end), part.slice(end + 1).trim());
	}
	const result = {} as Record<Key, string>;
	for (const key of Object.keys(questions) as Key[]) result[key] = found.get(key) ?? "(no answer)";
	return result;
}

/** First line of a test file. Needs root; `nothingLeft` is its last line. */
export function workspace(t: TAP): Workspace {
	if (process.getuid?.() !== 0) {
		t.plan(0, "containers of these tests need root");
		process.exit(0);
	}
	if (!existsSync("/bin/busybox")) throw new Error("the tests need busybox-static");
	const space = new Workspace();
	t.teardown(() => space.remove());
	return space;
}

export function nothingLeft(t: TAP, space: Workspace): void {
	t.test("no process, mount, cgroup, socket or state is left", async (t) => {
		await eventually(() => space.leaks().length === 0, "everything is gone").catch(() => {});
		t.same(space.leaks(), []);
	});
}

export { writeConfig };
