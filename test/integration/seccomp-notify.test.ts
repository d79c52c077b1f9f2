/** SCMP_ACT_NOTIFY: the listener's way to the agent, and what a profile has to allow for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync } from "node:fs";
import t from "tap";
import type { Config, Syscall } from "../support/config.js";
import { program } from "../support/programs.js";
import { unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
let agents = 0;

interface Agent {
	socket: string;
	output(): string;
	/** The container process state that came. */
	state(): Record<string, unknown>;
	process: ChildProcess;
}

async function startAgent(...more: string[]): Promise<Agent> {
	const socket = space.path(`agent${++agents}.sock`);
	const file = `${socket}.out`;
	const fd = openSync(file, "w");
	const process = spawn(program("agent"), [socket, ...more], { stdio: ["ignore", fd, "inherit"] });
	closeSync(fd);
	const output = () => readFileSync(file, "utf8");
	await eventually(() => output().includes("listening"), "the agent listens");
	const state = () => JSON.parse(/^state (.*)$/m.exec(output())?.[1] ?? "null");
	return { socket, output, state, process };
}

async function ended(agent: Agent): Promise<void> {
	const exit = new Promise((resolve) => agent.process.once("exit", resolve));
	if (agent.process.exitCode === null && agent.process.signalCode === null) await exit;
}

const notify =
	(agent: Pick<Agent, "socket">, names: string[], more: object = {}, others: Syscall[] = []) =>
	(config: Config): void => {
		config.linux.seccomp = {
			defaultAction: "SCMP_ACT_ALLOW",
			listenerPath: agent.socket,
			syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }, ...others],
			...more,
		};
	};

const mkdir = ["mkdir", "mkdirat"];
const oneState = unlessPeer({ crun: "1.8 sends a state without pid and status" });

for (const noNewPrivileges of [true, false]) {
	const title = noNewPrivileges ? "with no_new_privs" : "without no_new_privs";
	t.test(`run ${title}: the agent decides`, { skip: oneState }, async (t) => {
		const agent = await startAgent();
		const seen = space.inside(
			(config) => {
				notify(agent, mkdir, { listenerMetadata: "words for the agent" })(config);
				config.process.noNewPrivileges = noNewPrivileges;
				config.annotations = { "some.key": "value" };
			},
			{ mkdir: "probe call mkdir /tmp/d", fds: "ls /proc/self/fd | wc -w" },
		);
		t.equal(seen.mkdir, "EOPNOTSUPP");
		await ended(agent);
		t.match(agent.output(), /^message 0 fds 1$/m);
		t.match(agent.output(), /^call \d+ pid \d+$/m, "the question came with the caller's pid on the host");
		t.match(agent.output(), /^end /m, "the listener hangs up when the container ends: nobody else holds it");
		const { pid, ociVersion, fds, metadata, state } = agent.state() as Record<string, Record<string, unknown>>;
		t.match(ociVersion, /^\d+\.\d+\.\d+/);
		t.same(fds, ["seccompFd"]);
		t.type(pid, "number");
		t.equal(metadata, "words for the agent");
		t.match(state, {
			ociVersion: /^1\./,
			id: new RegExp(space.token),
			pid,
			bundle: new RegExp(`^${space.directory}`),
			annotations: { "some.key": "value" },
		});
		t.ok(["creating", "created"].includes(String(state?.status)), `${state?.status}`);
	});

	t.test(`create and start ${title}`, { skip: oneState }, async (t) => {
		const agent = await startAgent();
		const container = space.container((config) => {
			notify(agent, mkdir)(config);
			config.process.noNewPrivileges = noNewPrivileges;
			config.process.args = ["/bin/probe", "call", "mkdir", "/tmp/d"];
		});
		t.equal(container.create().status, 0);
		const { pid } = container.state();
		t.equal(container.start().status, 0);
		await container.printed("EOPNOTSUPP");
		t.equal(agent.state().pid, pid);
		t.notOk("metadata" in agent.state());
		await container.stopped();
		t.equal(container.delete().status, 0);
		await ended(agent);
	});
}

t.test(
	"every flag goes with a listener",
	{ skip: unlessPeer({ runc: "1.1.5 has no flags", crun: "1.8 lacks them" }) },
	async (t) => {
		const agent = await startAgent();
		const flags = ["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
		const seen = space.inside(notify(agent, mkdir, { flags }), { mkdir: "probe call mkdir /tmp/d" });
		t.equal(seen.mkdir, "EOPNOTSUPP");
		await ended(agent);
	},
);

t.test(
	"execve, close and the rest of what a start needs may be asked about",
	{ skip: unlessPeer({ runc: "hangs", crun: "hangs" }) },
	async (t) => {
		for (const noNewPrivileges of [true, false]) {
			const agent = await startAgent();
			const names = ["execve", "close", "openat", "read", "sendmsg", "recvmsg", "prctl", "setresuid", ...mkdir];
			const seen = space.inside(
				(config) => {
					notify(agent, names)(config);
					config.process.noNewPrivileges = noNewPrivileges;
				},
				{ mkdir: "probe call mkdir /tmp/d" },
			);
			t.equal(seen.mkdir, "EOPNOTSUPP");
			await ended(agent);
		}
	},
);

t.test(
	"a profile that allows nothing but write, capset and the program's own calls",
	{ skip: unlessPeer({ runc: "needs more", crun: "needs more" }) },
	async (t) => {
		const own =
			"execve exit_group brk arch_prctl set_tid_address set_robust_list rseq prlimit64 readlinkat readlink getrandom mprotect newfstatat fstat ioctl munmap mmap";
		for (const noNewPrivileges of [true, false]) {
			const agent = await startAgent();
			const names = [...own.split(" "), "write", ...(noNewPrivileges ? [] : ["capset"])];
			const container = space.container((config) => {
				config.process.noNewPrivileges = noNewPrivileges;
				config.process.args = ["/bin/probe", "call", "mkdir", "/tmp/d"];
				config.linux.seccomp = {
					defaultAction: "SCMP_ACT_KILL_PROCESS",
					listenerPath: agent.socket,
					syscalls: [
						{ names: mkdir, action: "SCMP_ACT_NOTIFY" },
						{ names, action: "SCMP_ACT_ALLOW" },
					],
				};
			});
			const result = container.run();
			t.match(result.stdout, /^EOPNOTSUPP$/m, result.stderr);
			await ended(agent);
		}
	},
);

t.test(
	"a profile that forbids write is an error that says so",
	{ skip: unlessPeer({ runc: "hangs", crun: "needs no write" }) },
	async (t) => {
		for (const action of ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"]) {
			for (const noNewPrivileges of [true, false]) {
				const edit = (config: Config) => {
					notify({ socket: space.path("nobody.sock") }, mkdir, {}, [{ names: ["write"], action }])(config);
					config.process.noNewPrivileges = noNewPrivileges;
				};
				const run = space.container(edit).run();
				t.equal(run.status, 1);
				t.match(run.error, /seccomp listener|loading seccomp filter|was killed before it was ready/, run.error);
				const container = space.container(edit);
				const create = container.create();
				t.equal(create.status, 0, create.error);
				const start = container.start();
				t.equal(start.status, 1);
				t.match(start.error, /seccomp listener/);
				await container.stopped();
				t.equal(container.delete().status, 0);
			}
		}
	},
);

t.test("an agent that has gone leaves nobody waiting", { skip: unlessPeer({ crun: "another state" }) }, async (t) => {
	const agent = await startAgent("leave");
	const container = space.container((config) => {
		notify(agent, ["execve"])(config);
		config.process.args = ["/bin/true"];
	});
	t.equal(container.create().status, 0);
	// Whether the agent is still there when the process comes to exec is a matter of time; it answers nothing in any case.
	const start = container.start();
	t.equal(start.status, 1);
	t.match(start.error, /function not implemented/i);
	await container.stopped();
	container.delete("--force");
	await ended(agent);
});

t.test("no agent", async (t) => {
	for (const noNewPrivileges of [true, false]) {
		const result = space
			.container((config) => {
				notify({ socket: space.path("nobody.sock") }, mkdir)(config);
				config.process.noNewPrivileges = noNewPrivileges;
				config.process.args = ["/bin/sh", "-c", "echo it ran"];
			})
			.run();
		t.not(result.status, 0);
		t.notMatch(result.stdout, /it ran/);
		t.match(result.stderr, /no such file or directory/i);
		t.match(result.stderr, unlessPeer({ crun: "other words" }) ? /seccomp/ : /failed to connect with seccomp agent/);
	}
});

t.test(
	"a long state, a relative path, a listenerPath without NOTIFY",
	{ skip: unlessPeer({ runc: "", crun: "" }) },
	async (t) => {
		const agent = await startAgent();
		const seen = space.inside(
			(config, bundle) => {
				notify(agent, mkdir, { listenerMetadata: "x".repeat(30_000) })(config);
				const up = bundle.path
					.split("/")
					.slice(1)
					.map(() => "..")
					.join("/");
				if (config.linux.seccomp) config.linux.seccomp.listenerPath = `${up}${agent.socket}`;
			},
			{ mkdir: "probe call mkdir /tmp/d" },
		);
		t.equal(seen.mkdir, "EOPNOTSUPP");
		await ended(agent);
		t.equal(String(agent.state().metadata).length, 30_000);

		const socket = space.path("never.sock");
		t.match(
			space.inside(notify({ socket }, mkdir, { syscalls: [] }), { mkdir: "probe call mkdir /dev/d" }).mkdir,
			/^ok/,
		);
		t.notOk(existsSync(socket));
	},
);

t.test("exec: a listener for its process, in a container that runs", { skip: oneState }, async (t) => {
	for (const noNewPrivileges of [true, false]) {
		const first = await startAgent();
		const container = space.container((config) => {
			notify(first, mkdir)(config);
			config.process.noNewPrivileges = noNewPrivileges;
			config.process.args = ["/bin/sleep", "1000"];
		});
		t.equal(container.create().status, 0);
		t.equal(container.start().status, 0);
		await eventually(() => first.state() !== null, "the first process's listener comes");
		// Each agent takes one listener.
		const second = await startAgent();
		renameSync(second.socket, first.socket);
		const result = container.runtime.command(["exec", container.id, "/bin/probe", "call", "mkdir", "/tmp/d"]);
		t.equal(result.stdout, "EOPNOTSUPP\n", result.stderr);
		await ended(second);
		const { pid, state } = second.state() as { pid: number; state: Record<string, unknown> };
		t.equal(state.pid, container.state().pid, "the container's");
		t.equal(state.status, "running");
		t.not(pid, state.pid, "the process's own");
		t.equal(container.runtime.command(["exec", container.id, "/bin/true"]).status, 255, "nobody listens any more");
		t.equal(container.delete("--force").status, 0);
		await ended(first);
	}
});

nothingLeft(t, space);
