/** The two ends that a terminal can have outside of the container: a person's pty, or an engine's console socket. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { program } from "./programs.js";
import { Runtime } from "./runtime.js";
import { eventually } from "./workspace.js";

export class Terminal {
	/** What came out of the pty. */
	output = "";
	/** Answers of the terminal program, see programs/terminal.c. */
	answers = "";
	readonly #child: ChildProcess;

	constructor(args: string[], env: Record<string, string> = {}) {
		this.#child = spawn(program("terminal"), args, {
			stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
			env: Runtime.environment(env),
			cwd: "/",
		});
		this.#child.stdout?.on("data", (data: Buffer) => {
			this.output += data.toString();
		});
		(this.#child.stdio[4] as Readable).on("data", (data: Buffer) => {
			this.answers += data.toString();
		});
	}

	write(text: string): void {
		this.#child.stdin?.write(text);
	}

	#order(text: string): void {
		(this.#child.stdio[3] as Writable).write(`${text}\n`);
	}

	size(rows: number, columns: number): void {
		this.#order(`size ${rows} ${columns}`);
	}

	hangUp(): void {
		this.#order("quit");
	}

	/** Modes that are set on the pty now, of echo, icanon, isig, onlcr. */
	async modes(): Promise<string[]> {
		const before = this.answers.length;
		this.#order("flags");
		await eventually(() => /^flags.*\n/m.test(this.answers.slice(before)), "the terminal tells its modes");
		return modesIn(this.answers.slice(before));
	}

	async shows(pattern: RegExp): Promise<void> {
		await eventually(() => pattern.test(this.output), `the terminal shows ${pattern}`).catch((error: Error) => {
			throw new Error(`${error.message}; it shows ${JSON.stringify(this.output)}`);
		});
	}

	async answered(pattern: RegExp): Promise<void> {
		await eventually(() => pattern.test(this.answers), `the terminal answers ${pattern}`).catch((error: Error) => {
			throw new Error(
				`${error.message}; it said ${JSON.stringify(this.answers)} and shows ${JSON.stringify(this.output)}`,
			);
		});
	}

	/** Exit status of the command on the pty, and the modes that it left. */
	async ended(): Promise<{ status: number; modes: string[] }> {
		await this.answered(/^exit \d+\n/m);
		return {
			status: Number(/^exit (\d+)$/m.exec(this.answers)?.[1]),
			modes: modesIn(this.answers.slice(this.answers.lastIndexOf("flags"))),
		};
	}

	close(): void {
		this.#child.kill("SIGKILL");
	}
}

function modesIn(text: string): string[] {
	return (/^flags(.*)$/m.exec(text)?.[1] ?? "").split(" ").filter((word) => word !== "");
}
