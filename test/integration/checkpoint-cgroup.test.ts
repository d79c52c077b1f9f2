/** checkpoint and restore of cgroups, in each of criu's modes. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkpoint, withoutCriu } from "../support/criu.js";
import { type Life, Lives } from "../support/lives.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;

/** The directory of the container's cgroup, for pids. */
function cgroup(container: Container): string {
	const { cgroup_paths: paths } = JSON.parse(readFileSync(join(space.root, container.id, "state.json"), "utf8"));
	return paths[""] ?? paths.pids;
}

const read = (...names: string[]) => readFileSync(join(...names), "utf8").trim();

/** Its second process is in a cgroup below the container's, which the container could have made itself. */
async function nested(): Promise<{ life: Life; container: Container; group: string }> {
	const life = await lives.running((config) => {
		config.linux.namespaces.push({ type: "cgroup" });
		config.linux.resources = { ...config.linux.resources, pids: { limit: 100 } };
	}, "sleep 1000 & echo started; while :; do sleep 1000; done");
	const { container } = life;
	await life.printed("started");
	const group = cgroup(container);
	const own = container.state().pid;
	const others = () =>
		read(group, "cgroup.procs")
			.split("\n")
			.map(Number)
			.filter((pid) => pid !== own);
	await eventually(() => others().length > 0, "there are two processes");
	mkdirSync(join(group, "sub"));
	for (const pid of others()) writeFileSync(join(group, "sub/cgroup.procs"), String(pid));
	return { life, container, group };
}

/** criu 3.17 saves no limits of v2. */
const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
const saved = unified ? "100" : "77";

const lower = (group: string) => writeFileSync(join(group, "pids.max"), "77");

t.test("soft: cgroups below the container's are made, its own has the limits of the bundle", { skip }, async (t) => {
	for (const args of [[], ["--manage-cgroups-mode", "soft"]]) {
		const { container, group } = await nested();
		lower(group);
		const images = lives.save(container, ...args);
		t.notOk(existsSync(group));
		await lives.back(container, images, ...args);
		t.equal(cgroup(container), group);
		t.equal(read(group, "sub/cgroup.procs").split("\n").length, 2);
		t.equal(read(group, "pids.max"), "100");
		t.equal(container.runtime.command(["update", "--pids-limit", "55", container.id]).status, 0);
		t.equal(read(group, "pids.max"), "55");
		t.equal(container.delete("--force").status, 0);
	}
});

t.test("full: its own has the limits that it had", { skip }, async (t) => {
	const { container, group } = await nested();
	lower(group);
	const images = lives.save(container, "--manage-cgroups-mode", "full");
	const after = await lives.back(container, images, "--manage-cgroups-mode", "full");
	t.equal(after.output().includes("criu saves no limits of cgroup v2"), unified, "which is told");
	t.equal(read(group, "sub/cgroup.procs").split("\n").length, 2);
	t.equal(read(group, "pids.max"), saved);
	t.equal(container.delete("--force").status, 0);
});

t.test("ignore: all processes are in the container's cgroup", { skip }, async (t) => {
	const { container, group } = await nested();
	const images = lives.save(container, "--manage-cgroups-mode", "ignore");
	await lives.back(container, images, "--manage-cgroups-mode", "ignore");
	t.notOk(existsSync(join(group, "sub")));
	t.equal(read(group, "cgroup.procs").split("\n").length, 3);
	t.equal(container.delete("--force").status, 0);
});

t.test("strict: as full, where no cgroup of that name is", { skip }, async (t) => {
	const { container, group } = await nested();
	lower(group);
	const images = lives.save(container, "--manage-cgroups-mode", "strict");
	mkdirSync(group);
	const refused = await lives.fails(container, images, "--manage-cgroups-mode", "strict");
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--manage-cgroups-mode strict: the cgroup .* exists/);
	t.ok(existsSync(group), "and it still does");
	rmdirSync(group);
	await lives.back(container, images, "--manage-cgroups-mode", "strict");
	t.equal(read(group, "pids.max"), saved);
	t.equal(container.delete("--force").status, 0);
});

t.test("a restored container can be paused, limited, looked at and entered", { skip }, async (t) => {
	const { container, group } = await nested();
	await lives.back(container, lives.save(container));
	const command = (...args: string[]) => container.runtime.command(args);
	t.equal(command("pause", container.id).status, 0);
	t.equal(container.state().status, "paused");
	t.equal(checkpoint(container, lives.images(), "--leave-running").status, 0, "paused, too");
	t.equal(container.state().status, "paused", "and it stays so");
	t.equal(command("resume", container.id).status, 0);
	const stats = command("events", "--stats", container.id);
	t.equal(JSON.parse(stats.stdout).data.pids.limit, 100, stats.stderr);
	t.match(command("ps", container.id).stdout, /sleep 1000/);
	const entered = command("exec", container.id, "/bin/sh", "-c", "cat /proc/self/cgroup");
	t.match(entered.stdout, /:\/$/m, "in the root of its cgroup namespace");
	t.match(read(group, "cgroup.procs"), new RegExp(`^${container.state().pid}$`, "m"));
	t.equal(command("kill", "--all", container.id, "KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

nothingLeft(t, space);
