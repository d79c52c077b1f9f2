import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { failed, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
/** crun has words of its own for most errors. */
const words = runtimeName !== "crun";

function sleeper(): Container {
	return space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
}

t.test("created, running, stopped, gone", { skip: unlessPeer({ crun: "1.8 tells a relative rootfs" }) }, async (t) => {
	const container = space.container((config) => {
		config.annotations = { "com.example.key": "value" };
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	const created = container.state();
	t.match(created, {
		id: container.id,
		status: "created",
		bundle: container.bundle.path,
		rootfs: container.bundle.rootfs,
		annotations: { "com.example.key": "value" },
		ociVersion: /^1\.\d/,
		owner: "",
		created: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
	});
	t.ok(created.pid > 1);
	t.equal(container.start().status, 0);
	const running = container.state();
	t.equal(running.status, "running");
	t.equal(running.pid, created.pid);
	t.equal(readFileSync(`/proc/${running.pid}/cmdline`, "utf8"), "/bin/sleep\0" + "1000\0");
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.match(container.state(), { status: "stopped", pid: 0 });
	t.equal(container.delete().status, 0);
	const gone = container.runtime.command(["state", container.id]);
	t.ok(failed(gone));
	if (words) t.match(gone.error, "container does not exist");
	t.equal(container.create().status, 0, "the id is free again");
	t.equal(container.delete("--force").status, 0);
});

t.test("the program does not run before start, and not twice", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/echo", "ran"];
	});
	t.equal(container.create().status, 0);
	t.equal(container.output, "");
	t.equal(container.start().status, 0);
	await container.stopped();
	t.equal(container.output, "ran\n");
	const again = container.start();
	t.ok(failed(again));
	if (words) t.match(again.error, "cannot start a container that has stopped");
	t.equal(container.output, "ran\n");
	t.equal(container.delete().status, 0);
});

t.test("what config.json becomes after create has no effect", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/echo", "as created"];
	});
	t.equal(container.create().status, 0);
	rmSync(join(container.bundle.path, "config.json"));
	t.equal(container.start().status, 0);
	await container.stopped();
	t.equal(container.output, "as created\n");
	t.equal(container.state().status, "stopped");
	t.equal(container.delete().status, 0);
});

t.test("a running container is not started again", async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const again = container.start();
	t.ok(failed(again));
	if (words) t.match(again.error, "cannot start an already running container");
	t.equal(container.state().status, "running");
	t.equal(container.delete("--force").status, 0);
});

t.test("delete: running only with force, created always, unknown only with force", async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const refused = container.delete();
	t.ok(failed(refused));
	if (words) t.match(refused.error, `cannot delete container ${container.id} that is not stopped: running`);
	t.equal(container.state().status, "running");
	t.equal(container.delete("--force").status, 0);
	const unknown = container.delete();
	t.ok(failed(unknown));
	if (words) t.match(unknown.error, "container does not exist");
	const forced = container.delete("--force");
	t.equal(forced.status, 0);
	t.equal(forced.stderr, "");
});

t.test("delete of a created container", async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.delete().status, 0);
	t.same(space.leaks(), []);
});

t.test(
	"kill: names, numbers, default, unknown signals",
	{ skip: unlessPeer({ crun: "1.8 takes sigusr2 for another" }) },
	async (t) => {
		const container = space.container((config) => {
			config.process.args = ["/bin/probe", "signals"];
		});
		t.equal(container.create().status, 0);
		t.equal(container.start().status, 0);
		await container.printed("ready");
		for (const [argument, number] of [
			["HUP", 1],
			["SIGINT", 2],
			["10", 10],
			["sigusr2", 12],
			["winch", 28],
			["RTMIN+3", 37],
		] as const) {
			if (argument === "RTMIN+3" && runtimeName === "runc") continue; // names none of them
			const result = container.kill(argument);
			t.equal(result.status, 0, `${argument} ${result.stderr}`);
			await container.printed(`signal ${number}\n`);
		}
		const unknown = container.kill("DANCE");
		t.ok(failed(unknown));
		if (words) t.match(unknown.error, "unknown signal");
		t.equal(container.kill().status, 0);
		await container.stopped();
		t.match(container.output, /signal 15\n$/, "TERM when none is given");
		t.equal(container.delete().status, 0);
	},
);

t.test("kill: a created container, a stopped one, an unknown one", async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	const stopped = container.kill("TERM");
	t.ok(failed(stopped));
	if (words) t.match(stopped.error, "container not running");
	if (words) t.equal(container.runtime.command(["kill", "--all", container.id, "9"]).status, 0, "--all is at ease");
	t.equal(container.delete().status, 0);
	const unknown = container.kill("TERM");
	t.ok(failed(unknown));
	if (words) t.match(unknown.error, "container does not exist");
});

t.test(
	"SIGKILL without a pid namespace ends every process of the container",
	{ skip: unlessPeer({ crun: "1.8 needs --all" }) },
	async (t) => {
		const container = space.container((config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
			config.process.args = ["/bin/sh", "-c", "setsid sleep 1000 & echo ready; exec sleep 1000"];
		});
		t.equal(container.create().status, 0);
		t.equal(container.start().status, 0);
		await container.printed("ready");
		t.equal(container.kill("KILL").status, 0);
		await container.stopped();
		t.equal(container.delete().status, 0);
		t.same(space.leaks(), []);
	},
);

t.test("the bundle and the pid file may be relative, and everything works from elsewhere", async (t) => {
	const container = sleeper();
	const create = container.runtime.command(["create", "--pid-file", "pid", container.id], {
		cwd: container.bundle.path,
	});
	t.equal(create.status, 0, create.stderr);
	const file = readFileSync(join(container.bundle.path, "pid"), "utf8");
	t.equal(file, `${container.state().pid}`, "a number, no newline");
	t.equal(container.state().bundle, container.bundle.path);
	t.equal(container.start().status, 0);
	t.equal(container.delete("--force").status, 0);
});

t.test("run --detach", async (t) => {
	const container = sleeper();
	const pidFile = space.path("detached.pid");
	t.equal(container.run(["--detach", "--pid-file", pidFile]).status, 0);
	t.equal(container.state().status, "running");
	t.equal(readFileSync(pidFile, "utf8"), `${container.state().pid}`);
	t.equal(container.delete("--force").status, 0);
});

t.test("options as Go's flag package takes them", { skip: unlessPeer({ crun: "takes two dashes" }) }, async (t) => {
	const container = sleeper();
	const { runtime, bundle, id } = container;
	t.equal(runtime.command(["create", "-bundle", bundle.path, `-pid-file=${space.path("p")}`, id]).status, 0);
	t.equal(runtime.command(["kill", id, "KILL"]).status, 0);
	t.equal(runtime.command(["delete", "-force=true", id]).status, 0);
});

t.test(
	"the session keyring is new, and named for the container",
	{ skip: unlessPeer({ crun: "1.8 names it otherwise" }) },
	async (t) => {
		const questions = { keys: "cat /proc/keys" };
		const keys = (options: string[]) => {
			const container = space.container((config) => {
				config.linux.maskedPaths = [];
				config.process.args = ["/bin/sh", "-c", questions.keys];
			});
			return { id: container.id, text: container.run(options).stdout };
		};
		const fresh = keys([]);
		t.match(fresh.text, `_ses.${fresh.id}`);
		const kept = keys(["--no-new-keyring"]);
		t.notMatch(kept.text, `_ses.${kept.id}`);
	},
);

nothingLeft(t, space);
