/** Cgroups of an ordinary user's containers. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import { hostMounts } from "../support/leaks.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const uid = 61_236;
const caller = new Caller(space, uid);

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

t.test("cgroups: its caller's; one that can't be made, or limits that can't, are refused by name", async (t) => {
	const { cgroup } = caller.inside(() => {}, { cgroup: "cat /proc/self/cgroup" });
	t.equal(cgroup, readFileSync("/proc/self/cgroup", "utf8").trim());
	const path = caller
		.container((config) => {
			config.linux.cgroupsPath = `/${space.token}-refused`;
		})
		.create();
	t.equal(path.status, 1);
	t.match(
		path.stderr,
		/unable to apply cgroup configuration: .*permission denied \(config.json#\/linux\/cgroupsPath\)/,
	);
	t.match(path.stderr, /hint: a cgroup can be made only where it was delegated/);
	const limits = caller
		.container((config) => {
			config.linux.resources = { pids: { limit: 10 } };
		})
		.create();
	t.equal(limits.status, 1);
	t.match(limits.stderr, /unable to apply cgroup configuration: .*permission denied/);
	t.match(
		caller.runtime.command(["--rootless", "false", "run", "--bundle", caller.container().bundle.path, "demanded"]),
		{ status: 1, stderr: /unable to apply cgroup configuration/ },
		"--rootless false: not without one",
	);
	t.same(caller.states, []);
});

const hierarchies = hostMounts().filter(({ type }) => type === "cgroup");
const noHierarchy = hierarchies.length === 0 ? "the host has no cgroup v1 hierarchy" : false;

t.test("a delegated cgroup is used, and removed", { skip: noHierarchy }, async (t) => {
	const parent = `/${space.token}-delegated`;
	const directories = hierarchies.map(({ point }) => point + parent);
	for (const directory of directories) {
		mkdirSync(directory);
		for (const file of ["cpuset.cpus", "cpuset.mems"]) {
			if (existsSync(join(directory, file)))
				writeFileSync(join(directory, file), readFileSync(join(directory, "..", file)));
		}
		execFileSync("chown", ["-R", `${uid}:${uid}`, directory]);
	}
	t.teardown(() => {
		for (const directory of directories) execFileSync("rmdir", [directory]);
	});
	const container = caller.container((config) => {
		config.linux.cgroupsPath = `${parent}/c`;
		config.linux.resources = { devices: [{ allow: false, access: "rwm" }], pids: { limit: 12 }, cpu: { shares: 512 } };
		config.process.args = [
			"/bin/sh",
			"-c",
			"cat /proc/self/cgroup /sys/fs/cgroup/pids/pids.max; sleep 1000 & sleep 1000",
		];
	});
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	t.equal(container.start().status, 0);
	await container.printed("\n12\n");
	t.match(container.output, `:pids:${parent}/c\n`);
	t.match(container.output, `:memory:${parent}/c\n`);
	t.equal(caller.runtime.command(["kill", "--all", container.id, "KILL"]).status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	for (const directory of directories) t.notOk(existsSync(`${directory}/c`), directory);
});

t.test("no state of the user is left", async (t) => {
	t.same(caller.states, []);
});

nothingLeft(t, space);
