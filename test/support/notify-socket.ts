/** The other end of NOTIFY_SOCKET. */
import { type ChildProcess, spawn } from "node:child_process";
import { program } from "./programs.js";
import { eventually } from "./workspace.js";

/** A socket as systemd has it for a service of Type=notify. */
export class NotifySocket {
	received = "";
	readonly #child: ChildProcess;

	constructor(readonly path: string) {
		this.#child = spawn(program("probe"), ["listen", path], { stdio: ["ignore", "pipe", "inherit"] });
		this.#child.stdout?.on("data", (data: Buffer) => {
			this.received += data;
		});
	}

	async listening(): Promise<void> {
		await eventually(() => this.received.includes("listening"), "the socket is there");
	}

	close(): void {
		this.#child.kill("SIGKILL");
	}
}
