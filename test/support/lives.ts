/** Containers that are saved and come back: each of their lives, and what they print in it. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.js";
import { checkpoint, logEnd, piped } from "./criu.js";
import { program } from "./programs.js";
import type { Result } from "./runtime.js";
import { type Container, eventually, type Workspace } from "./workspace.js";

/** Counts on standard output; the number of a moment is what a process has in memory. */
export const counter = "i=0; while :; do i=$((i+1)); echo $i; usleep 100000; done";

/** A container from `run` or `restore` on. */
export class Life {
	constructor(
		readonly container: Container,
		readonly file: string,
	) {}

	readonly output = (): string => readFileSync(this.file, "utf8");

	readonly printed = (text: string): Promise<void> =>
		eventually(() => this.output().includes(text), `it prints ${text}`).catch((error: Error) => {
			throw new Error(`${error.message}: ${this.output()}`);
		});
}

/** A container with programs/held.c, and the directory that it shares with the test. */
export interface Holding extends Life {
	/** On the host; `/shared` in the container. */
	shared: string;
	/** It says what it has now. */
	go(life: Life): Promise<string>;
}

export class Lives {
	#count = 0;

	constructor(readonly space: Workspace) {}

	/** A directory for images, which is not there yet. */
	images(): string {
		return this.space.path(`images${++this.#count}`);
	}

	async begin(container: Container, args: string[], images?: string): Promise<Life> {
		const file = this.space.path(`life${++this.#count}`);
		const result = await piped(container, [...args, "--bundle", container.bundle.path, container.id], file);
		const life = new Life(container, file);
		if (result.status !== 0) throw new Error(`${life.output()}\n${images ? logEnd(images, "restore.log") : ""}`);
		return life;
	}

	/** `run --detach` of a shell script. */
	async running(edit: Edit = () => {}, script = counter): Promise<Life> {
		const container = this.space.container((config, bundle) => {
			config.process.args = ["/bin/sh", "-c", script];
			config.root.readonly = false;
			edit(config, bundle);
		});
		return this.begin(container, ["run", "--detach"]);
	}

	/** `run --detach` of programs/held.c, up to its `ready`, or what it says before. */
	async holding(kind: string, args: string[], edit: Edit = () => {}, until = "ready"): Promise<Holding> {
		const shared = this.space.path(`shared${++this.#count}`);
		mkdirSync(shared);
		const life = await this.running((config, bundle) => {
			copyFileSync(program("held"), join(bundle.rootfs, "bin/held"));
			config.process.args = ["/bin/held", kind, "/shared/go", ...args];
			config.mounts.push({ destination: "/shared", type: "bind", source: shared, options: ["bind"] });
			edit(config, bundle);
		});
		await life.printed(until);
		const go = async (after: Life) => {
			writeFileSync(join(shared, "go"), "");
			await after.printed("end ");
			return after.output();
		};
		return Object.assign(life, { shared, go });
	}

	/** `checkpoint`, which has to succeed. */
	save(container: Container, ...args: string[]): string {
		const images = this.images();
		const result = checkpoint(container, images, ...args);
		if (result.status !== 0) throw new Error(`${result.stderr}\n${logEnd(images, "dump.log")}`);
		return images;
	}

	/** `restore --detach`. */
	back(container: Container, images: string, ...args: string[]): Promise<Life> {
		return this.begin(container, ["restore", "--detach", "--image-path", images, ...args], images);
	}

	/** The same with what the command answers, when that is expected to fail. */
	async fails(container: Container, images: string, ...args: string[]): Promise<Result> {
		const file = this.space.path(`life${++this.#count}`);
		const bundle = container.bundle.path;
		const command = ["restore", "--detach", "--image-path", images, "--bundle", bundle, ...args, container.id];
		return piped(container, command, file);
	}
}
