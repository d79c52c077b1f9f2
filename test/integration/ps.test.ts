import { readFileSync } from "node:fs";
import t from "tap";
import { failed, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

function shell(script: string): Container {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", script];
	});
	const result = container.create();
	if (result.status !== 0) throw new Error(result.stderr);
	return container;
}

const ps = (container: Container, options: string[], ...args: string[]) =>
	container.runtime.command(["ps", ...options, container.id, ...args]);

/** Command lines of the processes, as the host sees them. */
function commandLines(pids: number[]): string[] {
	return pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()).sort();
}

t.test("json: the host's pids of every process", async (t) => {
	const container = shell("sleep 1001 & sleep 1002 & exec sleep 1000");
	const { pid } = container.state();
	const created = JSON.parse(ps(container, ["--format", "json"]).stdout);
	t.ok(created.includes(pid), "a created container has one");
	t.equal(container.start().status, 0);
	await eventually(() => JSON.parse(ps(container, ["-f", "json"]).stdout).length === 3, "three are there");
	const result = ps(container, ["--format=json"]);
	t.match(result.stdout, /^\[\d+,\d+,\d+\]\n$|^\[\s*\d+,\s*\d+,\s*\d+\s*\]\n$/);
	t.equal(result.stderr, "", "go-runc reads both streams as one");
	const pids = JSON.parse(result.stdout) as number[];
	await eventually(() => commandLines(pids).every((line) => line.includes("sleep")), "all have come to sleep");
	t.same(commandLines(pids), ["sleep 1000", "sleep 1001", "sleep 1002"]);
	t.equal(container.delete("--force").status, 0);
});

t.test("the table, with ps's own options", { skip: unlessPeer({ crun: "has only pids" }) }, async (t) => {
	const container = shell("sleep 1001 & exec sleep 1000");
	t.equal(container.start().status, 0);
	await eventually(() => JSON.parse(ps(container, ["-f", "json"]).stdout).length === 2, "two are there");
	const pids = JSON.parse(ps(container, ["-f", "json"]).stdout) as number[];
	const lines = (text: string) => text.trimEnd().split("\n");
	const [heading, ...rows] = lines(ps(container, []).stdout);
	t.match(heading, /^UID +PID +PPID /);
	t.same(rows.map((row) => Number(row.split(/\s+/)[1])).sort(), [...pids].sort());
	t.match(rows[0], /sleep 100[01]$/);
	t.same(lines(ps(container, ["--format", "table"], "-o", "pid,args").stdout).slice(1).length, 2);
	t.match(ps(container, [], "aux").stdout, /^USER +PID +%CPU/);
	t.equal(ps(container, [], "aux").stderr, "");
	const columns = ps(container, [], "-o", "args");
	t.ok(failed(columns));
	t.match(columns.error, "couldn't find PID field in ps output");
	const bad = ps(container, [], "--bogus");
	t.ok(failed(bad));
	t.match(bad.error, /^exit status 1: error: unknown gnu long option/);
	t.equal(container.delete("--force").status, 0);
});

t.test("without a ps on the host", { skip: oursOnly }, async (t) => {
	const container = shell("exec sleep 1000");
	const env = { PATH: "/nonexistent" };
	const result = container.runtime.command(["ps", container.id], { env });
	t.ok(failed(result));
	t.match(result.error, 'exec: "ps": executable file not found in $PATH');
	t.equal(container.runtime.command(["ps", "--format", "json", container.id], { env }).status, 0, "json needs none");
	t.equal(container.delete("--force").status, 0);
});

t.test("a stopped container, an unknown one, a bad format", { skip: unlessPeer({ crun: "fails" }) }, async (t) => {
	const container = shell("exec sleep 1000");
	const format = ps(container, ["--format", "xml"]);
	t.ok(failed(format));
	t.match(format.stderr, "invalid format option");
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(ps(container, ["--format", "json"]).stdout, "null\n");
	t.equal(ps(container, []).stdout.split("\n").length, 2, "the heading");
	t.equal(container.delete().status, 0);
	const unknown = ps(container, []);
	t.ok(failed(unknown));
	if (runtimeName !== "crun") t.match(unknown.error, "container does not exist");
});

nothingLeft(t, space);
