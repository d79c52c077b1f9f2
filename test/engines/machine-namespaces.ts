/**
 * The machine of a lane: namespaces of its own, in which an engine finds an empty /run, no network devices, no iptables
 * rules, no processes and cgroups that are its own subtree. So an engine of the host is never met, and whatever the
 * lane leaves is found by looking at the whole machine.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hostMounts, mounts, removeCgroups } from "../support/leaks.js";
import { cgroupsBelow, Machine } from "./machine.js";

interface Hierarchy {
	type: string;
	options: string;
	point: string;
}

/** Each hierarchy once: some machines mount them at more than one place. */
function hierarchies(): Hierarchy[] {
	const found = new Map<string, Hierarchy>();
	for (const { type, superblock, point, root } of hostMounts()) {
		if (!type.startsWith("cgroup") || root !== "/") continue;
		// The rest is what the mount is of: controllers or a name. cgroup2 takes its options from the first mount.
		const of = superblock.filter(
			(word) => word !== "rw" && word !== "ro" && !/^(release_agent|memory_|nsd|clone)/.test(word),
		);
		const options = type === "cgroup2" ? "rw" : of.join(",");
		if (!found.has(`${type} ${options}`)) found.set(`${type} ${options}`, { type, options, point });
	}
	return [...found.values()];
}

export class NamespaceMachine extends Machine {
	readonly systemd = false;
	readonly #hierarchies = hierarchies();
	readonly #unshare: ChildProcess;
	/** Shell words that put the shell into the machine's cgroups. */
	#procs: string;

	private constructor() {
		super();
		chmodSync(this.directory, 0o711);
		const lines = this.#hierarchies.map(({ type, options, point }) => `${type} ${options} ${point}\n`);
		writeFileSync(join(this.directory, "cgroups"), lines.join(""));
		for (const hierarchy of this.#hierarchies) this.#makeCgroup(hierarchy);
		// The machine's root of the cgroups is where its first process is when it gets its cgroup namespace.
		const procs = this.#hierarchies.map(({ point }) => join(point, this.token, "cgroup.procs"));
		const join_ = `for file in ${procs.join(" ")}; do echo $$ > $file || exit 99; done`;
		const unshare = "unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child";
		const script = join(import.meta.dirname, "machine.sh");
		this.#unshare = spawn("sh", ["-c", `${join_}; exec ${unshare} ${script} ${this.directory}`], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.#procs = join_;
	}
	#makeCgroup({ type, options, point }: Hierarchy): void {
		const path = join(point, this.token);
		mkdirSync(path);
		// A new cpuset of v1 has no CPU and no memory node, and takes no process.
		if (type === "cgroup" && options.split(",").includes("cpuset"))
			for (const file of ["cpuset.cpus", "cpuset.mems"])
				writeFileSync(join(path, file), readFileSync(join(point, file)));
	}

	/**
	 * A cgroup of v2 that has processes can't give controllers to the ones below: they move into one of their own, as
	 * systemd's does on a machine that has booted.
	 */
	#leaveRoot({ type, point }: Hierarchy): void {
		const root = join(point, this.token);
		const controllers = type === "cgroup2" ? readFileSync(join(root, "cgroup.controllers"), "utf8").trim() : "";
		if (controllers === "") return;
		mkdirSync(join(root, "init"));
		for (const pid of [this.pid, this.#unshare.pid]) writeFileSync(join(root, "init/cgroup.procs"), String(pid));
		writeFileSync(join(root, "cgroup.subtree_control"), `+${controllers.replaceAll(" ", " +")}`);
		this.#procs = this.#procs.replace(join(root, "cgroup.procs"), join(root, "init/cgroup.procs"));
	}

	static async boot(): Promise<NamespaceMachine> {
		const machine = new NamespaceMachine();
		// An error outside of the tests ends the process without a teardown.
		process.once("exit", () => machine.#abandon());
		try {
			await machine.#boot();
			return machine;
		} catch (error) {
			await machine.halt();
			throw error;
		}
	}

	async #boot(): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			this.#unshare.stdout?.once("data", () => resolve());
			this.#unshare.once("exit", () => reject(new Error("the lane's machine did not start")));
		});
		const unshare = this.#unshare.pid;
		this.pid = Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, "utf8").trim());
		for (const hierarchy of this.#hierarchies) this.#leaveRoot(hierarchy);
		const namespaces = `nsenter --target ${this.pid} --mount --pid --net --ipc --uts --cgroup`;
		// A command of the machine runs in its cgroup, which entering a namespace does not bring about.
		writeFileSync(this.enter, `#!/bin/sh\n${this.#procs}\nexec ${namespaces} --wdns="$PWD" -- "$@"\n`, { mode: 0o755 });
		await this.run(["true"]);
		this.remember();
	}

	cgroups(): string[] {
		return this.#hierarchies.flatMap(({ point }) => cgroupsBelow(join(point, this.token)));
	}

	/** What `halt` does, without waiting for promises. */
	#abandon(): void {
		if (!existsSync(this.directory)) return;
		this.#unshare.kill("SIGKILL");
		const gone = () => this.#hierarchies.every(({ point }) => !existsSync(join(point, this.token)));
		for (let round = 0; round < 50 && !gone(); round++) {
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
			removeCgroups(this.token);
		}
		rmSync(this.directory, { recursive: true, force: true });
	}

	/** Ends everything in the machine; what is left of it on the host after that. */
	async halt(): Promise<string[]> {
		if (this.#unshare.exitCode === null && this.#unshare.signalCode === null) {
			const gone = new Promise((resolve) => this.#unshare.once("exit", resolve));
			this.#unshare.stdin?.end();
			await gone;
		}
		const left = mounts(this.token).map((point) => `mount ${point}`);
		for (let round = 0; round < 50; round++) {
			removeCgroups(this.token);
			if (this.#hierarchies.every(({ point }) => !existsSync(join(point, this.token)))) break;
			await delay(100);
		}
		for (const { point } of this.#hierarchies) {
			const path = join(point, this.token);
			if (existsSync(path)) left.push(`cgroup ${path}`);
			try {
				rmdirSync(path);
			} catch {
				// Gone, or reported.
			}
		}
		if (left.length === 0) rmSync(this.directory, { recursive: true, force: true });
		return left;
	}
}
