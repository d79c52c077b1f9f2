/** The runner of `make conformance`, with a suite whose programs misbehave. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import t from "tap";
import { findSuite, runProgram } from "../conformance/suite.js";
import { hostMounts, processes } from "../support/leaks.js";
import { oursOnly } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const hierarchy = hostMounts().find(({ type, superblock }) => type === "cgroup" && superblock.includes("pids"))?.point;

const noPids = hierarchy === undefined ? "this host has no cgroup v1 hierarchy of pids" : false;

/** A folder with one shell program, which finds the runtime in $RUNTIME; and a runtime that does what `runtime` says. */
function suiteOf(name: string, program: string, runtime: string) {
	const directory = space.path(name);
	mkdirSync(directory);
	writeFileSync(`${directory}/runtimetest`, "");
	writeFileSync(`${directory}/${name}.t`, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
	writeFileSync(`${directory}/runtime`, `#!/bin/sh\n${runtime}\n`, { mode: 0o755 });
	const suite = findSuite(directory);
	return (limitMs: number) => runProgram(suite, `${directory}/${name}.t`, `${directory}/runtime`, limitMs);
}

t.test("a folder without built programs is an error", async (t) => {
	t.throws(() => findSuite(space.path("nowhere")), /nowhere does not exist/);
	mkdirSync(space.path("empty"));
	t.throws(() => findSuite(space.path("empty")), /has no built programs/);
	writeFileSync(space.path("empty", "a.t"), "");
	t.throws(() => findSuite(space.path("empty")), /runtimetest/);
});

t.test("a program that hangs in its runtime is ended, and the runtime with it", { skip: oursOnly }, async (t) => {
	const run = await suiteOf("hang", '"$RUNTIME" start c1', `echo $$ >${space.path("pid")}\nexec sleep 1000`)(700);
	t.match(run, { status: null, timedOut: true, leaks: [] });
	const pid = spawnSync("cat", [space.path("pid")], { encoding: "utf8" }).stdout.trim();
	t.match(pid, /^\d+$/);
	await eventually(() => !existsSync(`/proc/${pid}`), "the runtime's process is gone");
	t.match(run.directory, /^\/tmp\/rttconf/);
	t.notOk(existsSync(run.directory));
});

t.test("what a container leaves is named and removed", { skip: oursOnly || noPids }, async (t) => {
	const id = `${space.token}-left`;
	const cgroup = `${hierarchy}/${id}`;
	const runtime = [
		`[ "$3" = create ] || exit 0`,
		`mkdir -p ${cgroup} $2/${id} "$TMPDIR/m"`,
		`mount -t tmpfs none "$TMPDIR/m"`,
		`setsid sh -c 'echo $$ >${cgroup}/cgroup.procs; exec sleep 1000' </dev/null >/dev/null 2>&1 &`,
		`until grep -q . ${cgroup}/cgroup.procs; do sleep 0.01; done`,
	].join("\n");
	const run = await suiteOf("left", `"$RUNTIME" create ${id}; echo 1..0`, runtime)(10_000);
	t.match(run, { status: 0, timedOut: false, leftContainers: [id] });
	const kinds = run.leaks.map((leak) => leak.split(" ", 1)[0]);
	t.same(new Set(kinds), new Set(["process", "mount", "cgroup", "state"]), run.leaks.join("\n"));
	t.same(processes(id), []);
	t.notOk(existsSync(cgroup));
	t.notOk(existsSync(run.directory));
});

const path = `${hierarchy}/testdir`;
const parents = noPids || (existsSync(path) ? `${path} is there already` : false);

t.test(
	"the parents of the suite's relative path are not the runtime's to remove",
	{ skip: oursOnly || parents },
	async (t) => {
		const clean = await suiteOf("parents", '"$RUNTIME" create c', `mkdir -p ${path}/cgrouptest`)(10_000);
		t.same(clean.leaks, []);
		t.notOk(existsSync(path));
		const left = await suiteOf("child", '"$RUNTIME" create c', `mkdir -p ${path}/cgrouptest/container`)(10_000);
		t.match(left.leaks[0], /testdir\/cgrouptest\/container$/);
		t.notOk(existsSync(path));
	},
);

nothingLeft(t, space);
