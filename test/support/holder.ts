/** A process that keeps namespaces alive, for tests that join them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";

export interface HolderOptions {
	/** Of both kinds of ids: "inside outside size"; without it, the user namespace has none, or what unshare gave it. */
	map?: string;
	/** Put in front, for instance setpriv(1). */
	words?: string[];
	/** Reaps what is left to it: the first process of a pid namespace. */
	reaps?: boolean;
}

export class Holder {
	readonly #child: ChildProcess;

	private constructor(child: ChildProcess) {
		this.#child = child;
	}

	/** `flags` of unshare(1). Resolves when the namespaces are there and mapped. */
	static async start(flags: string[], { map, words = [], reaps = false }: HolderOptions = {}): Promise<Holder> {
		const [first = "", ...rest] = [
			...words,
			"unshare",
			...flags,
			"sh",
			"-c",
			`echo; ${reaps ? "while :; do sleep 1000 & wait $!; done" : "exec sleep 1000"}`,
		];
		const child = spawn(first, rest, { stdio: ["ignore", "pipe", "inherit"] });
		if (child.stdout) await once(child.stdout, "data");
		if (map !== undefined) for (const kind of ["uid_map", "gid_map"]) writeFileSync(`/proc/${child.pid}/${kind}`, map);
		return new Holder(child);
	}

	/** Directory of its namespaces: user, mnt, net, ... */
	get directory(): string {
		return `/proc/${this.#child.pid}/ns`;
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	path(name: string): string {
		return `${this.directory}/${name}`;
	}

	release(): void {
		this.#child.kill("SIGKILL");
	}
}
