/** A containerd of the lane's machine; its shims, and so its containers, outlive it. */
import type { ChildProcess } from "node:child_process";
import type { Machine } from "../machine.js";

export class Containerd {
	#process: ChildProcess | undefined;

	/** `log`: name of its log file in build/engines. `path`: what is in front of the PATH. */
	constructor(
		readonly machine: Machine,
		readonly config: string,
		readonly log: string,
		readonly path?: string,
	) {}

	/** `ready`: waits until it answers. */
	async start(ready: () => Promise<void>): Promise<void> {
		const env = this.path === undefined ? {} : { env: { PATH: `${this.path}:/usr/sbin:/usr/bin:/sbin:/bin` } };
		this.#process = this.machine.spawn(["containerd", "--config", this.config], { log: this.log, ...env });
		await ready();
	}

	/** Ends it as a service manager does; its exit status. */
	async end(): Promise<number | null> {
		const exit = new Promise<number | null>((resolve) => this.#process?.once("exit", resolve));
		await this.machine.sh("kill $(pidof containerd)");
		return exit;
	}
}
