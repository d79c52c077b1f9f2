/**
 * The machine of a lane: namespaces of its own, in which an engine finds an empty /run, no network devices, no iptables
 * rules, no processes and cgroups that are its own subtree. So an engine of the host is never met, and whatever the
 * lane leaves is found by looking at the whole machine.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hostMounts, mounts, removeCgroups } from "../support/leaks.js";
import { parseMountinfo } from "../support/mountinfo.js";

export interface Answer {
	/** Exit status; null when a signal ended the command, the time limit included. */
	status: number | null;
	stdout: string;
	stderr: string;
}

export interface RunOptions {
	input?: string;
	env?: Record<string, string>;
	cwd?: string;
	timeoutMs?: number;
}

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

const logs = join(import.meta.dirname, "../../build/engines");

function openLog(name: string): number {
	mkdirSync(logs, { recursive: true });
	return openSync(join(logs, name), "a");
}

export class Machine {
	/** On the host and in the machine the same path. */
	readonly directory = mkdtempSync("/tmp/rtt");
	/** Name of the machine's cgroup in each hierarchy. */
	readonly token = this.directory.slice("/tmp/".length);
	readonly #hierarchies = hierarchies();
	readonly #unshare: ChildProcess;
	/** A program that runs its arguments in the machine. */
	readonly enter: string;
	/** Shell words that put the shell into the machine's cgroups. */
	#procs: string;
	#baseline: string[] = [];
	pid = 0;

	private constructor() {
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
		this.enter = join(this.directory, "enter");
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

	static async boot(): Promise<Machine> {
		const machine = new Machine();
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
		this.#baseline = this.#inventory();
	}

	/** The environment of everything in the machine: nothing of the test runner's. */
	environment(extra: Record<string, string> = {}): Record<string, string> {
		const path = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
		return { PATH: path, HOME: "/root", TERM: "xterm", ...extra };
	}

	/** `log`: name of a file in build/engines that gets the output; it outlives the machine. */
	spawn(argv: string[], options: RunOptions & { log?: string } = {}): ChildProcess {
		const output = options.log === undefined ? "pipe" : openLog(options.log);
		return spawn(this.enter, argv, {
			stdio: [options.log === undefined ? "pipe" : "ignore", output, output],
			env: this.environment(options.env),
			cwd: options.cwd ?? this.directory,
		});
	}

	/** Runs a command to its end; one that hangs is killed after a minute. */
	async run(argv: string[], options: RunOptions = {}): Promise<Answer> {
		const child = this.spawn(argv, options);
		const answer: Answer = { status: null, stdout: "", stderr: "" };
		child.stdout?.on("data", (data: Buffer) => {
			answer.stdout += data.toString();
		});
		child.stderr?.on("data", (data: Buffer) => {
			answer.stderr += data.toString();
		});
		child.stdin?.on("error", () => {}); // the command may end before it has read everything
		child.stdin?.end(options.input ?? "");
		const timer = setTimeout(() => {
			answer.stderr += `\n(no end after ${(options.timeoutMs ?? 60_000) / 1000} s)`;
			child.kill("SIGKILL");
			// What it started may hold the pipes.
			child.stdout?.destroy();
			child.stderr?.destroy();
		}, options.timeoutMs ?? 60_000);
		answer.status = await new Promise((resolve, reject) => {
			child.once("error", reject);
			child.once("close", (status) => resolve(status));
		});
		clearTimeout(timer);
		return answer;
	}

	/** A shell script in the machine; its standard output. An error when it fails. */
	async sh(script: string): Promise<string> {
		const answer = await this.run(["sh", "-c", script]);
		if (answer.status !== 0) throw new Error(`${script}: status ${answer.status}: ${answer.stderr}`);
		return answer.stdout.trim();
	}

	read(path: string): string {
		try {
			return readFileSync(join(`/proc/${this.pid}/root`, path), "utf8");
		} catch {
			return "";
		}
	}

	list(path: string): string[] {
		try {
			return readdirSync(join(`/proc/${this.pid}/root`, path)).sort();
		} catch {
			return [];
		}
	}

	/** Pids in the machine, without its first process, zombies and those that are about to enter. */
	processes(): string[] {
		return this.list("proc")
			.filter((name) => /^\d+$/.test(name) && name !== "1")
			.filter((pid) => !/^State:\tZ/m.test(this.read(`/proc/${pid}/status`)))
			.map((pid) => `process ${pid}: ${this.read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
	}

	cgroups(): string[] {
		const found: string[] = [];
		const walk = (path: string): void => {
			if (!existsSync(path)) return;
			for (const entry of readdirSync(path, { withFileTypes: true })) {
				if (!entry.isDirectory()) continue;
				found.push(join(path, entry.name));
				walk(join(path, entry.name));
			}
		};
		for (const { point } of this.#hierarchies) walk(join(point, this.token));
		return found;
	}

	/** One line for each thing that there is in the machine and that runtimes or engines make. */
	#inventory(): string[] {
		const namespaces = this.list("/proc/1/ns").length === 0 ? ["the machine is gone"] : [];
		const table = parseMountinfo(this.read("/proc/1/mountinfo"));
		const rules = existsSync("/usr/sbin/iptables-save")
			? execFileSync(this.enter, ["iptables-save"], { encoding: "utf8", env: this.environment() })
			: "";
		const iptables = rules
			.split("\n")
			// Counters and the date are no rules.
			.filter((line) => /^(-A|:(?!.* ACCEPT)|:.*DROP)/.test(line))
			.map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
		return [
			...namespaces,
			...this.processes(),
			...table.map((mount) => `mount ${mount.point} (${mount.type})`),
			...this.cgroups().map((path) => `cgroup ${path}`),
			...this.list("/sys/class/net").map((name) => `network device ${name}`),
			...this.list("/run/netns").map((name) => `network namespace ${name}`),
			...iptables.map((line) => `iptables ${line}`),
			...["/run/runtime-ts", "/run/runc", "/run/crun"].flatMap((root) => this.#states(root)),
		];
	}

	/** Containers below a state directory. Names with an @, which no id can have, are caches. */
	#states(root: string): string[] {
		return this.list(root)
			.filter((name) => !name.startsWith("@"))
			.map((name) => `state ${join(root, name)}`);
	}

	/** From here on, what there is now is not left behind: an engine was started. */
	remember(): void {
		this.#baseline = this.#inventory();
	}

	/** What there is more than there was; waits up to ten seconds for it to go. `expected`: what is the engine's own. */
	async left(expected: RegExp[] = [], stateRoots: string[] = []): Promise<string[]> {
		let found: string[] = [];
		for (let round = 0; round < 50; round++) {
			found = [...this.#inventory(), ...stateRoots.flatMap((root) => this.#states(root))].filter(
				(line) => !this.#baseline.includes(line) && !expected.some((pattern) => pattern.test(line)),
			);
			if (found.length === 0) break;
			await delay(200);
		}
		return found;
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
