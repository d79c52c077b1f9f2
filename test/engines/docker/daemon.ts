/** A dockerd of the lane's machine, with the runtime as its default. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine, type Unable } from "../engine.js";
import { makeArchive } from "../image.js";
import { runtime, until } from "../lane.js";
import type { Machine } from "../machine.js";

export class Dockerd {
	readonly engine: Engine;
	readonly #directory: string;
	readonly #bin: string;
	#process: ChildProcess | undefined;

	/** `name`: of its directory and its log; `config`: more of daemon.json. */
	constructor(
		readonly machine: Machine,
		readonly name: string,
		config: object,
		unable: Unable,
	) {
		this.#directory = join(machine.directory, name);
		mkdirSync(this.#directory);
		// BuildKit within dockerd knows nothing of the daemon's runtimes: it runs the "runc" of the PATH.
		this.#bin = join(this.#directory, "bin");
		mkdirSync(this.#bin);
		symlinkSync(runtime, join(this.#bin, "runc"));
		const socket = `unix://${this.#directory}/docker.sock`;
		const common = {
			runtimes: { lane: { path: runtime } },
			"default-runtime": "lane",
			"data-root": join(this.#directory, "data"),
			"exec-root": join(this.#directory, "exec"),
			pidfile: join(this.#directory, "docker.pid"),
			hosts: [socket],
			"init-path": "/usr/bin/tini-static",
			// Docker calls checkpoints experimental.
			experimental: true,
			// Docker's own choice too, where systemd has booted with cgroup v2.
			"exec-opts": [`native.cgroupdriver=${machine.systemd ? "systemd" : "cgroupfs"}`],
		};
		writeFileSync(join(this.#directory, "daemon.json"), JSON.stringify({ ...common, ...config }));
		// Debian's own: another one in the PATH may be of another version.
		const cli = existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
		this.engine = new Engine("docker", machine, [cli, "--host", socket], unable, { execNotFound: 126 });
	}

	/** Waits until it answers. */
	async start(): Promise<void> {
		this.#process = this.machine.spawn(["dockerd", "--config-file", join(this.#directory, "daemon.json")], {
			log: `${this.name}.log`,
			env: { PATH: `${this.#bin}:/usr/sbin:/usr/bin:/sbin:/bin` },
		});
		await until(async () => (await this.engine.run(["version"])).status === 0, "dockerd answers", 30);
	}

	async load(): Promise<void> {
		await this.engine.ok("load", "--input", makeArchive(this.machine.directory));
	}

	/** Ends it as a service manager does, or without a chance; its exit status. */
	async end(signal: "TERM" | "KILL" = "TERM"): Promise<number | null> {
		const ended = new Promise<number | null>((resolve) => this.#process?.once("exit", resolve));
		await this.machine.sh(`kill -${signal} $(cat ${this.#directory}/docker.pid)`);
		return ended;
	}
}
