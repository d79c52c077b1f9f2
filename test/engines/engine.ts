/** An engine with a command line like Docker's, as the suites drive it. */

import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Terminal } from "../support/terminal.js";
import { answers, script } from "../support/workspace.js";
import { image } from "./image.js";
import type { Answer, Machine, RunOptions } from "./machine.js";

/** Why a test can't pass on this engine, whatever the runtime; a missing line means that it has to. */
export type Unable = Partial<
	Record<
		| "allCapabilities"
		| "bridge"
		| "checkpoint"
		| "devices"
		| "healthTimer"
		| "hostIpc"
		| "limits"
		| "oomSeen"
		| "pause"
		| "publish",
		string
	>
>;

/** In what engines and their versions differ. */
export interface Quirks {
	/** Exit status of `exec` of a program that is not there: 126 with Docker before 25. */
	execNotFound?: number;
	/** Podman's rm is patient with a process that doesn't mind SIGTERM, Docker's is not. */
	removeFlags?: string[];
}

export class Engine {
	#count = 0;
	/** A directory of the machine that every user may write to. */
	readonly shared: string;

	constructor(
		readonly name: string,
		readonly machine: Machine,
		/** Words in front of each command. */
		readonly argv: string[],
		readonly unable: Unable = {},
		readonly quirks: Quirks = {},
		readonly options: RunOptions = {},
	) {
		this.shared = join(machine.directory, "shared");
		mkdirSync(this.shared, { recursive: true });
		chmodSync(this.shared, 0o777); // whatever the umask
	}

	unusedName(): string {
		return `lane-${++this.#count}`;
	}

	run(args: string[], options: RunOptions = {}): Promise<Answer> {
		return this.machine.run([...this.argv, ...args], { ...this.options, ...options });
	}

	/** Standard output of a command that has to succeed. */
	async ok(...args: string[]): Promise<string> {
		const answer = await this.run(args);
		if (answer.status !== 0) {
			throw new Error(`${this.name} ${args.join(" ")}: status ${answer.status}: ${answer.stderr}${answer.stdout}`);
		}
		return answer.stdout.trim();
	}

	/** Runs a container to its end, and removes it. */
	once(flags: string[], command: string[], options: RunOptions = {}): Promise<Answer> {
		return this.run(["run", "--rm", ...flags, image, ...command], options);
	}

	/** Runs commands in one container; what each of them wrote, standard error too. */
	async inside<Key extends string>(flags: string[], questions: Record<Key, string>): Promise<Record<Key, string>> {
		const answer = await this.once(flags, ["/bin/sh", "-c", script(questions)]);
		if (answer.status !== 0) throw new Error(`${this.name} run ${flags.join(" ")}: ${answer.stderr}${answer.stdout}`);
		return answers(questions, answer.stdout);
	}

	/** A container in the background; its name. It is removed by `remove`. */
	async detached(flags: string[], command: string[]): Promise<string> {
		const name = this.unusedName();
		await this.ok("run", "--detach", "--name", name, ...flags, image, ...command);
		return name;
	}

	sleeping(flags: string[] = []): Promise<string> {
		return this.detached(flags, ["/bin/sleep", "1000"]);
	}

	async remove(...names: string[]): Promise<void> {
		await this.ok("rm", "--force", ...(this.quirks.removeFlags ?? []), ...names);
	}

	inspect(name: string, format: string): Promise<string> {
		return this.ok("inspect", "--format", format, name);
	}

	/** A command at a terminal, as a person's. */
	terminal(...args: string[]): Terminal {
		return new Terminal(["run", this.machine.enter, ...this.argv, ...args], this.machine.environment(this.options.env));
	}
}

export { image };
