import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { hostTable, ofProcesses } from "../../src/cli/process-table.js";

t.test("the heading, and the lines of the processes", async (t) => {
	const table = "UID  PID  PPID CMD\nroot   1     0 init 12\nroot  12     1 sh\n\nroot 120    12 sleep 12\n";
	t.equal(ofProcesses(table, [12, 120]), "UID  PID  PPID CMD\nroot  12     1 sh\nroot 120    12 sleep 12\n");
	t.equal(ofProcesses(table, []), "UID  PID  PPID CMD\n");
	t.equal(ofProcesses("  PID\n    1\n   12\n", [12]), "  PID\n   12\n");
});

t.test("a table without pids", async (t) => {
	t.throws(() => ofProcesses("CMD\nsh\n", [1]), { message: "couldn't find PID field in ps output" });
	t.throws(() => ofProcesses("", [1]), { message: "couldn't find PID field in ps output" });
	t.throws(() => ofProcesses("A PID\nx\n", [1]), { message: 'unable to parse pid: "" of ps output' });
	t.throws(() => ofProcesses("PID\nx1\n", [1]), { message: 'unable to parse pid: "x1" of ps output' });
});

t.test("the host's ps: its arguments, its environment, its failures", async (t) => {
	const directory = mkdtempSync("/tmp/runtime-ts-ps-");
	t.teardown(() => rmSync(directory, { recursive: true }));
	const ps = join(directory, "ps");
	const env = { PATH: `${directory}:/usr/bin:/bin`, SECRET: "x" };
	const as = (script: string) => {
		writeFileSync(ps, `#!/bin/sh\n${script}\n`);
		chmodSync(ps, 0o755);
		return hostTable(["-o", "pid, cmd"], env);
	};
	t.equal(await as('echo "$#|$1|$2|$SECRET|$HOME"; cat; echo aside >&2'), "2|-o|pid, cmd|x|\n");
	t.equal((await as("yes 12345678 | head -c 9000000")).length, 9_000_000, "however long it is");
	await t.rejects(as("echo out; echo error >&2; exit 3"), { message: "exit status 3: out\nerror\n" });
	await t.rejects(as("kill -KILL $$"), { message: "signal: SIGKILL: " });
	await t.rejects(hostTable([], { PATH: "/nonexistent" }), {
		message: 'exec: "ps": executable file not found in $PATH',
		code: "host.unsupported",
	});
});
