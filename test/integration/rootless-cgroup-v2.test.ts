/** An ordinary user and the unified hierarchy: cgroups where they are delegated, a clear word where they are not. */
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { hostMounts } from "../support/leaks.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const root = hostMounts().find(({ type }) => type === "cgroup2")?.point ?? "";
const read = (path: string) => readFileSync(path, "utf8").trim();
const controllers = root === "" ? [] : read(`${root}/cgroup.controllers`).split(" ");
const lacking = ["memory", "pids"].filter((name) => !controllers.includes(name));
if (oursOnly || lacking.length > 0) {
	t.plan(0, oursOnly || `cgroup v2 of this host lacks controllers (${lacking.join(" ")}): run make test-vm`);
	process.exit(0);
}

const space = workspace(t);
const uid = 61_800;

/** What cgroup-v2.rst ("Model of Delegation") says to give away, with a cgroup in it for the caller. */
const top = `${root}/${space.token}-delegated`;
const tree = `${top}/user`;
const delegated = tree.slice(root.length);
writeFileSync(`${root}/cgroup.subtree_control`, "+memory +pids");
mkdirSync(top);
// These and no others, whatever the root passes on.
writeFileSync(`${top}/cgroup.subtree_control`, "+memory +pids");
mkdirSync(`${tree}/caller`, { recursive: true });
for (const directory of [tree, `${tree}/caller`]) {
	chownSync(directory, uid, uid);
	for (const file of ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"])
		chownSync(join(directory, file), uid, uid);
}
const removeTree = (): void => {
	for (const directory of [`${tree}/caller`, tree, top]) if (existsSync(directory)) rmdirSync(directory);
};
t.teardown(removeTree);

const inTree = new Caller(space, uid, {
	before: ["sh", "-c", `echo $$ > ${tree}/caller/cgroup.procs; exec "$@"`, "sh"],
});
const elsewhere = new Caller(space, uid);

const limited = (config: Config): void => {
	config.linux.cgroupsPath = `${delegated}/container`;
	config.linux.resources = {
		// In every configuration of an engine; a device program takes the host's root.
		devices: [{ allow: false, access: "rwm" }],
		pids: { limit: 12 },
		memory: { limit: 64 << 20 },
	};
};

t.test("in a delegated tree the container has its cgroup with its limits, which delete removes", async (t) => {
	const container = inTree.container((config) => {
		limited(config);
		config.linux.namespaces.push({ type: "cgroup" });
		const own = "cd /sys/fs/cgroup; cat /proc/self/cgroup pids.max memory.max";
		config.process.args = ["/bin/sh", "-c", `${own}; echo done; sleep 1000 & sleep 1000`];
	});
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	const directory = `${tree}/container`;
	const update = (...limits: string[]) => inTree.runtime.command(["update", ...limits, container.id]);
	t.equal(update("--pids-limit", "13", "--memory", "32M").status, 0);
	t.same([read(`${directory}/pids.max`), read(`${directory}/memory.max`)], ["13", `${32 << 20}`]);
	t.equal(update("--memory", "64M", "--cpu-share", "100").status, 1, "a controller that was not delegated");
	t.equal(read(`${directory}/memory.max`), `${32 << 20}`);
	t.equal(update("--pids-limit", "12", "--memory", "64M").status, 0);
	t.equal(read(`${directory}/cgroup.procs`), `${container.state().pid}`);
	t.equal(read(`/proc/${container.state().pid}/cgroup`), `0::${delegated}/container`);
	t.equal(container.start().status, 0);
	await container.printed("done");
	t.equal(container.output, `0::/\n12\n${64 << 20}\ndone\n`);
	t.equal(inTree.runtime.command(["kill", "--all", container.id, "KILL"]).status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	t.notOk(existsSync(directory));
});

t.test("a caller outside of the tree may not move a process into it: that is said", async (t) => {
	const result = elsewhere.container(limited).create();
	t.equal(result.status, 1);
	t.match(
		result.stderr,
		/unable to apply cgroup configuration: .*container: permission denied \(config.json#\/linux\/cgroupsPath\)\s+hint: .*delegated to the caller/,
	);
	t.notOk(existsSync(`${tree}/container`));
	t.same(elsewhere.states, []);
});

t.test("a cgroup that is not delegated, limits without one: refused by name", async (t) => {
	const path = elsewhere
		.container((config) => {
			config.linux.cgroupsPath = `/${space.token}-refused`;
		})
		.create();
	t.equal(path.status, 1);
	t.match(path.stderr, /permission denied \(config.json#\/linux\/cgroupsPath\)\s+hint: .*delegated/);
	const limits = elsewhere
		.container((config) => {
			config.linux.resources = { pids: { limit: 10 } };
		})
		.create();
	t.equal(limits.status, 1);
	t.match(limits.stderr, /unable to apply cgroup configuration: .*permission denied/);
	t.same(elsewhere.states, []);
});

t.test("a controller that was not delegated: the limit is named", async (t) => {
	const result = inTree
		.container((config) => {
			limited(config);
			config.linux.resources = { cpu: { shares: 512 } };
		})
		.create();
	t.equal(result.status, 1);
	t.match(result.stderr, /\(config.json#\/linux\/resources\/cpu\/shares\)/);
	t.notOk(existsSync(`${tree}/container`));
});

t.test("without a cgroupsPath the container stays in its caller's cgroup", async (t) => {
	const { cgroup } = inTree.inside(() => {}, { cgroup: "cat /proc/self/cgroup" });
	t.equal(cgroup, `0::${delegated}/caller`);
});

t.test("nothing is left in the tree", async (t) => {
	t.doesNotThrow(removeTree);
	t.notOk(existsSync(top));
});

nothingLeft(t, space);
