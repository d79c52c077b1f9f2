/** Buildah with an isolation that calls the runtime itself, without a monitor between. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Terminal } from "../../support/terminal.js";
import { answers, script } from "../../support/workspace.js";
import { image } from "../image.js";
import type { Answer, Machine, RunOptions } from "../machine.js";

export interface BuildahOptions {
	/** Words in front of `buildah`. */
	become?: string[];
	env: Record<string, string>;
	/** Of `run` and `build`: isolation, runtime and what else each of them needs. */
	flags: string[];
	/** For the files of builds: one that Buildah's user can read. */
	directory: string;
	cwd?: string;
}

export class Buildah {
	readonly context: string;
	readonly flags: string[];
	readonly env: Record<string, string>;
	readonly directory: string;
	readonly #argv: string[];
	readonly #cwd: string | undefined;
	#builds = 0;
	/** The working container of `run`. */
	container = "";

	constructor(
		readonly machine: Machine,
		{ become = [], env, flags, directory, cwd }: BuildahOptions,
	) {
		this.#argv = [...become, "buildah"];
		this.env = env;
		this.flags = flags;
		this.directory = directory;
		this.#cwd = cwd;
		this.context = join(directory, "context");
		mkdirSync(this.context, { recursive: true });
	}

	command(args: string[], options: RunOptions = {}): Promise<Answer> {
		const cwd = this.#cwd === undefined ? {} : { cwd: this.#cwd };
		return this.machine.run([...this.#argv, ...args], { ...cwd, ...options, env: { ...this.env, ...options.env } });
	}

	/** Standard output of a command that has to succeed. */
	async ok(...args: string[]): Promise<string> {
		const answer = await this.command(args);
		if (answer.status !== 0) {
			throw new Error(`buildah ${args.join(" ")}: status ${answer.status}: ${answer.stderr}${answer.stdout}`);
		}
		return answer.stdout.trim();
	}

	run(flags: string[], command: string[], options: RunOptions = {}): Promise<Answer> {
		return this.command(["run", ...this.flags, ...flags, this.container, ...command], options);
	}

	terminal(command: string[]): Terminal {
		const words = [this.machine.enter, ...this.#argv, "run", ...this.flags, "--tty", this.container, ...command];
		return new Terminal(["run", ...words], this.machine.environment(this.env));
	}

	async inside<Key extends string>(flags: string[], questions: Record<Key, string>): Promise<Record<Key, string>> {
		const answer = await this.run(flags, ["/bin/sh", "-c", script(questions)]);
		if (answer.status !== 0) throw new Error(`buildah run ${flags.join(" ")}: ${answer.stderr}${answer.stdout}`);
		return answers(questions, answer.stdout);
	}

	/** Builds a Containerfile of these lines after the FROM; the answer, and the image's name. */
	async build(
		lines: string[],
		flags: string[] = [],
		env: Record<string, string> = {},
	): Promise<Answer & { name: string }> {
		const name = `localhost/built:${++this.#builds}`;
		const file = join(this.context, `Containerfile.${this.#builds}`);
		writeFileSync(file, [`FROM ${image}`, ...lines, ""].join("\n"), { mode: 0o644 });
		const words = ["build", ...this.flags, ...flags, "--layers=false", "--tag", name, "--file", file, this.context];
		return { ...(await this.command(words, { env })), name };
	}

	/** What a file of an image has. */
	async fileOf(name: string, path: string): Promise<string> {
		const working = await this.ok("from", name);
		const answer = await this.ok("run", ...this.flags, working, "cat", path);
		await this.ok("rm", working);
		return answer;
	}

	/** Of an image that was built from these lines: what the file has. The image is removed. */
	async built(path: string, lines: string[], flags: string[] = []): Promise<string> {
		const { status, stderr, name } = await this.build(lines, flags);
		if (status !== 0) throw new Error(`buildah build ${flags.join(" ")}: status ${status}: ${stderr}`);
		const text = await this.fileOf(name, path);
		await this.ok("rmi", name);
		return text;
	}
}
