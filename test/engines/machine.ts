/** A machine that a lane has to itself: what runs in it, and what it finds left there. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseMountinfo } from "../support/mountinfo.js";
import { patience } from "../support/patience.js";

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

const logs = join(import.meta.dirname, "../../build/engines");

function openLog(name: string): number {
	mkdirSync(logs, { recursive: true });
	return openSync(join(logs, name), "a");
}

export abstract class Machine {
	/** On the host and in the machine the same path. */
	readonly directory = mkdtempSync("/tmp/rtt");
	/** Name of the directory, and of the machine's cgroups where those are not the host's. */
	readonly token = this.directory.slice("/tmp/".length);
	/** A program that runs its arguments in the machine. */
	readonly enter = join(this.directory, "enter");
	/** Whether systemd is its first process, so that engines leave the cgroups to it. */
	abstract readonly systemd: boolean;
	/** Its first process, as the test's process sees it. */
	pid = 0;
	/** What was spawned and has not ended. */
	protected readonly running = new Set<ChildProcess>();
	#baseline: string[] = [];

	/** All cgroups of the machine, as absolute paths. */
	abstract cgroups(): string[];
	/** Ends the machine; what is left of it after that. */
	abstract halt(): Promise<string[]>;

	/** The environment of everything in the machine: nothing of the test runner's. */
	environment(extra: Record<string, string> = {}): Record<string, string> {
		const path = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
		return { PATH: path, HOME: "/root", TERM: "xterm", ...extra };
	}

	/** `log`: name of a file in build/engines that gets the output; it outlives the machine. */
	spawn(argv: string[], options: RunOptions & { log?: string } = {}): ChildProcess {
		const output = options.log === undefined ? "pipe" : openLog(options.log);
		const child = spawn(this.enter, argv, {
			stdio: [options.log === undefined ? "pipe" : "ignore", output, output],
			env: this.environment(options.env),
			cwd: options.cwd ?? this.directory,
		});
		this.running.add(child);
		child.once("exit", () => this.running.delete(child));
		return child;
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
		const limit = (options.timeoutMs ?? 60_000) * patience;
		const timer = setTimeout(() => {
			answer.stderr += `\n(no end after ${limit / 1000} s)`;
			child.kill("SIGKILL");
			// What it started may hold the pipes.
			child.stdout?.destroy();
			child.stderr?.destroy();
		}, limit);
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

	/** Processes in the machine, without its first process, zombies and those that are about to enter. */
	processes(): string[] {
		return this.list("proc")
			.filter((name) => /^\d+$/.test(name) && name !== "1")
			.filter((pid) => !/^State:\tZ/m.test(this.read(`/proc/${pid}/status`)))
			.map((pid) => `process ${pid}: ${this.read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
	}

	/** One line for each thing that there is in the machine and that runtimes or engines make. */
	protected inventory(): string[] {
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
		this.#baseline = this.inventory();
	}

	/** What there is more than there was; waits up to ten seconds for it to go. `expected`: what is the engine's own. */
	async left(expected: RegExp[] = [], stateRoots: string[] = []): Promise<string[]> {
		let found: string[] = [];
		const deadline = Date.now() + 10_000 * patience;
		do {
			found = [...this.inventory(), ...stateRoots.flatMap((root) => this.#states(root))].filter(
				(line) => !this.#baseline.includes(line) && !expected.some((pattern) => pattern.test(line)),
			);
			if (found.length === 0) break;
			await delay(200);
		} while (Date.now() < deadline);
		return found;
	}
}

/** All directories below one of the cgroup file system; some may go meanwhile. */
export function cgroupsBelow(directory: string): string[] {
	try {
		const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
		return below.flatMap(({ name }) => [join(directory, name), ...cgroupsBelow(join(directory, name))]);
	} catch {
		return [];
	}
}
