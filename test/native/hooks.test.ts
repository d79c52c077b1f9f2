import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { native, scratch } from "./addon.js";

const shell = (script: string, more: { stdin?: string; timeoutMs?: number; cwd?: string; env?: string[] } = {}) =>
	native.runHook({ path: "/bin/sh", args: ["sh", "-c", script], env: [], stdin: "", ...more });

t.test("a hook has the state on stdin, just the environment it is given, and its own session", async (t) => {
	const result = shell("cat; env; cat /proc/$$/stat", {
		stdin: '{"id":"x"}\n',
		env: ["A=1"],
		cwd: "/usr",
	});
	t.match(result, { status: 0, signal: 0, timedOut: false });
	const [state, ...rest] = result.output.trimEnd().split("\n");
	t.equal(state, '{"id":"x"}');
	t.same(new Set(rest.slice(0, -1)), new Set(["A=1", "PWD=/usr"]));
	// proc(5): pid (comm) state ppid pgrp session
	const [pid, , , , group, session] = (rest.at(-1) ?? "").split(" ");
	t.equal(group, pid);
	t.equal(session, pid);
});

t.test("a hook inherits no descriptor, no signal mask and no ignored signal", async (t) => {
	const result = shell("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status");
	t.equal(result.output, "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
});

t.test("status and signal of a hook that fails, and what it said", async (t) => {
	t.match(shell("echo out; echo err >&2; exit 3"), { status: 3, signal: 0, output: "out\nerr\n", timedOut: false });
	t.match(shell("kill -SEGV $$"), { status: -1, signal: 11, timedOut: false });
});

t.test("a hook that can't be started says why", async (t) => {
	const run = (path: string, cwd?: string) =>
		native.runHook({ path, args: [path], env: [], stdin: "x", ...(cwd === undefined ? {} : { cwd }) });
	t.match(run("/no/such/hook"), { status: -1, failure: { syscall: "exec", errno: 2, code: "ENOENT" } });
	t.match(run("/etc/passwd"), { failure: { syscall: "exec", code: "EACCES" } });
	t.match(run("/bin/true", "/no/such/directory"), { failure: { syscall: "chdir", code: "ENOENT" } });
});

t.test("an overdue hook is killed with all of its group", async (t) => {
	const file = join(scratch(t), "pids");
	const result = shell(`sleep 100 & echo $! > ${file}; echo waiting; sleep 100`, { timeoutMs: 300 });
	t.match(result, { status: -1, signal: 9, timedOut: true, output: "waiting\n" });
	t.ok(result.durationMs >= 300 && result.durationMs < 3000, `${result.durationMs} ms`);
	const child = Number(readFileSync(file, "utf8"));
	// SIGKILL has been sent to it, but it dies in its own time, and its new parent reaps it in its.
	const state = () => native.processStat({ pid: child })?.state ?? "gone";
	for (let i = 0; i < 100 && !/^(gone|Z|X)$/.test(state()); i++) await new Promise((done) => setTimeout(done, 20));
	t.match(state(), /^(gone|Z|X)$/);
});

t.test("a hook that ignores SIGTERM and prints for ever is overdue all the same", async (t) => {
	const result = shell("trap '' TERM; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", { timeoutMs: 300 });
	t.match(result, { timedOut: true, signal: 9 });
	t.equal(result.output.length, 65_536);
});

t.test("a large state and a hook that never reads it; much output and nobody in the way", async (t) => {
	t.match(shell("exit 0", { stdin: "s".repeat(1 << 20) }), { status: 0 });
	t.match(shell("exec <&-; sleep 0.1; exit 5", { stdin: "s".repeat(1 << 20) }), { status: 5 });
	t.equal(shell("wc -c", { stdin: "s".repeat(1 << 20) }).output.trim(), String(1 << 20));
	const loud = shell("head -c 1000000 /dev/zero | tr '\\0' z; exit 4");
	t.equal(loud.status, 4);
	t.equal(loud.output, "z".repeat(65_536));
	const last = shell("head -c 1000000 /dev/zero | tr '\\0' z; echo the reason; exit 4");
	t.equal(last.output.length, 65_536);
	t.ok(last.output.endsWith("zthe reason\n"), "what it said last is why it failed");
});

t.test("a daemon that a hook leaves behind is not waited for, nor killed", async (t) => {
	const result = shell("sleep 2 & echo $!", { timeoutMs: 10_000 });
	t.equal(result.status, 0);
	t.ok(result.durationMs < 1500, `${result.durationMs} ms`);
	t.match(native.processStat({ pid: Number(result.output) })?.state, /^[SRD]$/);
	process.kill(Number(result.output), "SIGKILL");
});

t.test("no zombie is left", async (t) => {
	for (let i = 0; i < 5; i++) shell("exit 1");
	const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ").filter(Boolean);
	for (const pid of children) t.not(native.processStat({ pid: Number(pid) })?.state, "Z");
	t.pass("looked at all children");
});
