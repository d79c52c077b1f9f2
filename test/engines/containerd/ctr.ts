/** ctr, containerd's own client: what it is told, and what it shows. */
import { join } from "node:path";
import { answers, script } from "../../support/workspace.js";
import { image } from "../image.js";
import { runtime, until } from "../lane.js";
import type { Answer, Machine, RunOptions } from "../machine.js";

export type Ctr = ReturnType<typeof ctrOf>;

/** `directory`: has containerd's socket; logs and the runtime's state go there too. */
export function ctrOf(machine: Machine, directory: string) {
	const socket = join(directory, "containerd.sock");
	const root = join(directory, "runtime-root");
	const argv = ["ctr", "--address", socket, "--namespace", "lane"];
	const ctr = (args: string[], options: RunOptions = {}): Promise<Answer> => machine.run([...argv, ...args], options);
	const ok = async (...args: string[]): Promise<string> => {
		const answer = await ctr(args);
		if (answer.status !== 0)
			throw new Error(`ctr ${args.join(" ")}: status ${answer.status}: ${answer.stderr}${answer.stdout}`);
		return answer.stdout.trim();
	};
	const ready = () => until(async () => (await ctr(["version"])).status === 0, "containerd answers");

	let count = 0;
	const unused = () => `c${++count}`;
	/** Systemd's driver takes the name of a unit. */
	const cgroup = (id: string) => (machine.systemd ? `system.slice:lane:${id}` : `/lane/${id}`);
	/** The words in front of those for a container. */
	const run = (id: string) => {
		const systemd = ["--runc-systemd-cgroup", "--cgroup", cgroup(id)];
		return ["run", "--runc-binary", runtime, "--runc-root", root, ...(machine.systemd ? systemd : [])];
	};
	const once = (flags: string[], command: string[], options: RunOptions = {}) => {
		const id = unused();
		return ctr([...run(id), "--rm", ...flags, image, id, ...command], options);
	};
	async function inside<Key extends string>(
		flags: string[],
		questions: Record<Key, string>,
	): Promise<Record<Key, string>> {
		// ctr loses output of a container that ends at once, with every runtime.
		const answer = await once(flags, ["/bin/sh", "-c", script(questions).replace(/exit 0\n$/, "sleep 0.3; exit 0\n")]);
		if (answer.status !== 0) throw new Error(`ctr run ${flags.join(" ")}: ${answer.stderr}${answer.stdout}`);
		return answers(questions, answer.stdout);
	}
	/** A container in the background, whose output goes to a file. */
	async function detached(flags: string[], command: string[]): Promise<string> {
		const id = unused();
		await ok(...run(id), "--detach", "--log-uri", `file://${directory}/${id}.log`, ...flags, image, id, ...command);
		return id;
	}
	const log = (id: string) => machine.read(`${directory}/${id}.log`);
	const sleeping = (flags: string[] = []) => detached(flags, ["/bin/sleep", "1000"]);
	const status = async (id: string) => new RegExp(`^${id} +\\d+ +(\\w+)`, "m").exec(await ok("task", "list"))?.[1];
	const pid = async (id: string) => Number(new RegExp(`^${id} +(\\d+)`, "m").exec(await ok("task", "list"))?.[1]);
	const stopped = (id: string) => until(async () => (await status(id)) === "STOPPED", `${id} stops`);
	/** Ends its task, and removes both; the task's exit status. */
	async function remove(id: string, kill = true): Promise<number> {
		if (kill) await ok("task", "kill", "--signal", "SIGKILL", id);
		await stopped(id);
		const { status, stderr } = await ctr(["task", "delete", id]);
		await ok("container", "delete", id);
		// ctr tells it in a warning.
		return status === 0 ? Number(/non-zero exit code (\d+)/.exec(stderr)?.[1] ?? 0) : -1;
	}
	const exec = (id: string, flags: string[], command: string[], options: RunOptions = {}) =>
		ctr(["task", "exec", "--exec-id", unused(), ...flags, id, ...command], options);

	return {
		machine,
		directory,
		socket,
		root,
		argv,
		cgroup,
		run,
		ready,
		ctr,
		ok,
		unused,
		once,
		inside,
		detached,
		log,
		sleeping,
		status,
		pid,
		stopped,
		remove,
		exec,
	};
}
