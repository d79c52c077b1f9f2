/** Containers of which more is left than their first process. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { cgroups } from "../support/leaks.js";
import { failed, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const words = runtimeName !== "crun";

/** In the host's pid namespace: what the first process leaves behind lives on. */
const shared: Edit = (config) => {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
};

async function started(script: string, edit: Edit = shared): Promise<Container> {
	const container = space.container((config, bundle) => {
		config.process.args = ["/bin/sh", "-c", script];
		config.linux.resources = { pids: { limit: 100 } };
		edit(config, bundle);
	});
	const created = container.create();
	if (created.status !== 0) throw new Error(created.stderr);
	const start = container.start();
	if (start.status !== 0) throw new Error(start.stderr);
	await container.printed("ready");
	return container;
}

/** Directories of the container's own cgroups, without those below. */
function own(container: Container): string[] {
	return cgroups(container.id).filter((path) => path.endsWith(container.id));
}

function members(container: Container): number[] {
	const lists = cgroups(container.id).map((path) => readFileSync(`${path}/cgroup.procs`, "utf8"));
	return [...new Set(lists.flatMap((list) => list.split("\n").filter(Boolean).map(Number)))];
}

const killAll = (container: Container, signal: string) =>
	container.runtime.command(["kill", "--all", container.id, signal]);

/** Two that say what they get, and are not of the first one's session. */
const speakers = `for i in 1 2; do
	setsid sh -c "trap 'echo $i got USR1' USR1; echo $i here; while :; do usleep 20000; done" &
done
trap 'echo 0 got USR1' USR1
echo ready; while :; do usleep 20000; done`;

t.test(
	"kill --all: every process gets the signal, once",
	{ skip: unlessPeer({ runc: "1.4 has no such thing" }) },
	async (t) => {
		const container = await started(speakers);
		for (const name of ["1 here", "2 here"]) await container.printed(name);
		t.equal(killAll(container, "USR1").status, 0);
		for (const name of [0, 1, 2]) await container.printed(`${name} got USR1`);
		t.equal(container.output.split("\n").filter((line) => line.endsWith("got USR1")).length, 3);
		t.equal(container.state().status, "running", "nobody stays frozen");
		t.equal(killAll(container, "KILL").status, 0);
		await container.stopped();
		t.same(members(container), []);
		t.equal(killAll(container, "9").status, 0, "on a container that has stopped");
		t.equal(container.delete().status, 0);
	},
);

t.test(
	"kill without --all: only SIGKILL is for everyone",
	{ skip: unlessPeer({ runc: "1.1 kills them only while it deletes", crun: "never is" }) },
	async (t) => {
		const container = await started(speakers);
		await container.printed("2 here");
		t.equal(container.kill("USR1").status, 0);
		await container.printed("0 got USR1");
		t.notMatch(container.output, /[12] got USR1/);
		t.equal(container.kill("KILL").status, 0);
		await eventually(() => members(container).length === 0, "all end");
		t.equal(container.delete().status, 0);
	},
);

t.test("the first process has ended, the others have not", { skip: oursOnly }, async (t) => {
	const container = await started("for i in 1 2 3; do setsid sleep 1000 & done; echo ready");
	await container.stopped();
	t.equal(members(container).length, 3);
	const term = container.kill("TERM");
	t.ok(failed(term));
	t.match(term.error, "container not running");
	t.equal(JSON.parse(container.runtime.command(["ps", "-f", "json", container.id]).stdout).length, 3);
	t.equal(container.kill("KILL").status, 0, "there is somebody to kill");
	t.same(members(container), []);
	t.ok(failed(container.kill("KILL")), "and now there is not");
	t.equal(killAll(container, "KILL").status, 0);
	t.equal(container.delete().status, 0);
});

t.test("delete ends who is left", { skip: unlessPeer({ crun: "leaves them" }) }, async (t) => {
	for (const options of [[], ["--force"]]) {
		const container = await started("for i in 1 2 3; do setsid sleep 1000 & done; echo ready");
		await container.stopped();
		t.equal(members(container).length, 3);
		t.equal(container.delete(...options).status, 0);
		t.same(space.leaks(), []);
	}
});

t.test("a tree of cgroups, five deep, with processes in it", async (t) => {
	const container = await started("for i in 1 2 3 4 5; do setsid sleep 1000 & done; echo ready; exec sleep 1000");
	await eventually(() => members(container).length === 6, "all are there");
	const [, ...others] = members(container).sort((a, b) => a - b);
	for (const directory of own(container)) {
		let path = directory;
		for (const [depth, pid] of others.entries()) {
			path += `/level${depth}`;
			mkdirSync(path);
			// On v1 a cgroup without processors and memory nodes takes nobody.
			for (const file of ["cpuset.cpus", "cpuset.mems"]) {
				if (!path.includes("/cpuset/")) continue;
				writeFileSync(`${path}/${file}`, readFileSync(`${dirname(path)}/${file}`, "utf8"));
			}
			writeFileSync(`${path}/cgroup.procs`, `${pid}`);
		}
	}
	t.equal(members(container).length, 6);
	if (runtimeName === "runtime-ts") {
		t.equal(JSON.parse(container.runtime.command(["ps", "-f", "json", container.id]).stdout).length, 6);
		t.equal(container.runtime.command(["pause", container.id]).status, 0);
	}
	t.equal(container.delete("--force").status, 0);
	t.same(own(container), []);
	t.same(space.leaks(), []);
});

t.test("processes that each start the next one and end: none gets away", { skip: oursOnly }, async (t) => {
	for (const end of ["delete", "kill"] as const) {
		const container = await started(
			"for i in 1 2 3 4; do setsid /bin/hop & done; echo ready; exec sleep 1000",
			(config, bundle) => {
				shared(config, bundle);
				// The ended count until somebody reaps them, and where nothing can be forked they all give up: at this pace
				// they don't come to the limit while the test runs.
				config.linux.resources = { pids: { limit: 5000 } };
				writeFileSync(join(bundle.rootfs, "bin/hop"), "#!/bin/sh\nusleep 3000\n/bin/hop &\n", { mode: 0o755 });
			},
		);
		const before = members(container);
		await eventually(() => members(container).filter((pid) => !before.includes(pid)).length >= 2, "they move on");
		if (end === "kill") {
			t.equal(killAll(container, "KILL").status, 0);
			t.same(members(container), []);
			t.equal(container.delete().status, 0);
		} else {
			t.equal(container.delete("--force").status, 0);
		}
		t.same(own(container), []);
		t.same(space.leaks(), []);
	}
});

t.test("delete --force of a created container", async (t) => {
	const container = space.container(shared);
	t.equal(container.create().status, 0);
	t.equal(container.delete("--force").status, 0);
	t.same(space.leaks(), []);
});

t.test("--regex: several at once", { skip: oursOnly }, async (t) => {
	const containers = [await started("echo ready; exec sleep 1000"), await started("echo ready; exec sleep 1000")];
	const other = await started("echo ready; exec sleep 1000");
	const { runtime } = other;
	const pattern = `^(${containers.map(({ id }) => id).join("|")})$`;
	const refused = runtime.command(["delete", "--regex", pattern]);
	t.ok(failed(refused));
	t.match(refused.error, "failed for 2 of 2 containers");
	t.equal(runtime.command(["kill", "--regex", pattern, "KILL"]).status, 0);
	for (const container of containers) await container.stopped();
	t.equal(other.state().status, "running");
	t.equal(runtime.command(["delete", "-r", pattern]).status, 0);
	for (const { bundle } of containers) t.ok(existsSync(bundle.path), "bundles stay");
	t.equal(runtime.command(["list", "-q"]).stdout, `${other.id}\n`);
	t.equal(runtime.command(["delete", "--force", "--regex", "nobody-has-this"]).status, 0);
	const bad = runtime.command(["kill", "--regex", "("]);
	t.ok(failed(bad));
	t.match(bad.error, "invalid regular expression");
	t.match(runtime.command(["kill", "--regex", "nobody-has-this", "DANCE"]).error, 'unknown signal "DANCE"');
	t.equal(runtime.command(["delete", "--force", "--regex", other.id]).status, 0);
});

t.test("kill --all of an unknown container", async (t) => {
	const result = space.runtime.command(["kill", "--all", `${space.token}-none`, "9"]);
	t.ok(failed(result));
	if (words) t.match(result.error, "container does not exist");
});

nothingLeft(t, space);
