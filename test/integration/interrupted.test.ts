import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { onNode, oursOnly } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, type Workspace, workspace } from "../support/workspace.js";

const space = workspace(t);
// Of a pid namespace's first process the kernel keeps away every signal that it has no handler for.
const sleeps: Edit = (config) => {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
	config.process.args = ["/bin/sleep", "1000"];
};

interface Ending {
	status: number | null;
	signal: string | null;
	stderr: string;
}

async function interrupted(
	container: Container,
	command: "create" | "run",
	signal: NodeJS.Signals,
	when: () => Promise<unknown>,
): Promise<Ending> {
	const child = container.runtime.spawn([command, "--bundle", container.bundle.path, container.id], {
		stdio: ["ignore", "ignore", "pipe"],
	});
	let stderr = "";
	child.stderr?.on("data", (data: Buffer) => {
		stderr += data;
	});
	const exited = once(child, "exit");
	const closed = once(child, "close");
	await when();
	child.kill(signal);
	const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
	const [status, ended] = (await exited) as [number | null, string | null];
	clearTimeout(timer);
	// A created container keeps the pipe open.
	if (status !== 0) await closed;
	return { status, signal: ended, stderr };
}

async function isClean(
	t: { same(found: unknown, wanted: unknown, message: string): boolean },
	space: Workspace,
	when: string,
): Promise<void> {
	await eventually(() => space.leaks().length === 0, "everything is gone").catch(() => {});
	t.same(space.leaks(), [], when);
}

t.test(
	"run, sent SIGTERM at any moment: nothing is left, and the status tells of the signal",
	{ skip: oursOnly },
	async (t) => {
		let cleaned = 0;
		// Node itself takes 30 ms and more to start.
		const step = onNode ? 5 : 1;
		for (let milliseconds = step; milliseconds <= 40 * step; milliseconds += step) {
			const container = space.container(sleeps);
			const { status, signal, stderr } = await interrupted(container, "run", "SIGTERM", () => delay(milliseconds));
			// Before the id is claimed there is nothing to take back, and the signal ends the runtime as any program.
			if (signal !== "SIGTERM") {
				t.equal(status, 143, `after ${milliseconds} ms: ${stderr}`);
				cleaned++;
			}
			await isClean(t, space, `after ${milliseconds} ms`);
		}
		t.ok(cleaned > 5, `${cleaned} of them came after the claim`);
	},
);

t.test("create, sent SIGTERM at any moment: a container, or nothing", { skip: oursOnly }, async (t) => {
	for (let milliseconds = 1; milliseconds <= 30; milliseconds++) {
		const container = space.container(sleeps);
		const { status, signal, stderr } = await interrupted(container, "create", "SIGTERM", () => delay(milliseconds));
		if (signal === null && status === 0) {
			t.equal(container.state().status, "created");
			t.equal(container.delete("--force").status, 0);
		} else if (signal === null) {
			t.equal(status, 143, stderr);
			t.match(stderr, /interrupted by SIGTERM/);
		}
		await isClean(t, space, `after ${milliseconds} ms`);
	}
});

t.test("a hook that hangs can be given up", { skip: oursOnly }, async (t) => {
	const seconds = `${4000 + process.pid}`;
	for (const kind of ["createRuntime", "createContainer", "poststart"] as const) {
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
			const mark = space.path(`${kind}-${signal}`);
			const container = space.container((config, bundle) => {
				sleeps(config, bundle);
				const script = `: > ${mark}; sleep ${seconds} & sleep ${seconds}`;
				config.hooks = { [kind]: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }] };
			});
			const ending = await interrupted(container, "run", signal, () =>
				eventually(() => existsSync(mark), "the hook runs"),
			);
			t.equal(ending.status, 128 + constants.signals[signal], `${kind}: ${ending.stderr}`);
			t.match(ending.stderr, `interrupted by ${signal}`);
			await eventually(() => processesNamed(`sleep\0${seconds}\0`).length === 0, "the hook is gone").catch(() => {});
			t.same(processesNamed(`sleep\0${seconds}\0`), [], `${kind}: the hook and its children are gone`);
			await isClean(t, space, `${kind} ${signal}`);
		}
	}
});

t.test("an init that is stuck before it has made a process is given up", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		sleeps(config, bundle);
		// Opened by the init: nobody reads from it.
		execFileSync("mkfifo", [join(bundle.path, "fifo")]);
		config.annotations = { "run.oci.hooks.stdout": join(bundle.path, "fifo") };
		config.hooks = { createContainer: [{ path: "/bin/true" }] };
	});
	const ending = await interrupted(container, "create", "SIGTERM", () => delay(500));
	t.equal(ending.status, 143, ending.stderr);
	await isClean(t, space, "stuck");
});

const resets = onNode && "Node takes every signal back that its caller ignores";

t.test("what the caller ignores stays ignored", { skip: oursOnly || resets }, async (t) => {
	const mark = space.path("ignored");
	const container = space.container((config, bundle) => {
		sleeps(config, bundle);
		config.process.args = ["/bin/sh", "-c", "grep SigIgn /proc/self/status; exit 3"];
		const script = `: > ${mark}; kill -HUP $PPID; sleep 0.2`;
		config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }] };
	});
	const result = container.run([], { shell: "trap '' HUP;" });
	t.equal(result.status, 3, result.stderr);
	t.ok(existsSync(mark));
	t.match(result.stdout, /SigIgn:\t0000000000000000/, "the container starts with all signals as the kernel has them");
});

function processesNamed(commandLine: string): string[] {
	return readdirSync("/proc").filter((name) => {
		if (!/^\d+$/.test(name)) return false;
		try {
			return readFileSync(`/proc/${name}/cmdline`, "latin1") === commandLine;
		} catch {
			return false; // it has ended meanwhile
		}
	});
}

nothingLeft(t, space);
