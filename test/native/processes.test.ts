import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { failureOf, native, scratch } from "./addon.js";

const bun = fileURLToPath(new URL("../../node_modules/.bin/bun", import.meta.url));

t.test("identity", async (t) => {
	const map = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
	t.same(native.identity(), {
		euid: process.geteuid?.(),
		egid: process.getegid?.(),
		initialUserNamespace: map.join(" ") === "0 0 4294967295",
	});
	t.match(native.buildId, /^[0-9a-f]{40}$/);
	t.match(native.libseccompVersion, /^2\.\d+\.\d+$/);
});

t.test("processStat reads past any command name", async (t) => {
	const own = native.processStat({ pid: process.pid });
	t.match(own?.startTime, /^\d+$/);
	t.match(own?.state, /^[RS]$/);
	// A name that looks like the end of the name and a state.
	const child = spawn("/bin/sh", ["-c", "printf ') Z 1 2' > /proc/self/comm; echo ok; read _"]);
	await once(child.stdout, "data");
	t.match(native.processStat({ pid: child.pid ?? 0 }), { state: /^[RS]$/, startTime: /^\d+$/ });
	child.stdin.end();
	await once(child, "exit");
	t.equal(native.processStat({ pid: child.pid ?? 0 }), undefined);
});

t.test("pidfds: open, wait, signal", async (t) => {
	const child = spawn("sleep", ["60"]);
	const pidfd = native.openPid({ pid: child.pid ?? 0 });
	if (pidfd === undefined) throw new Error("no pidfd");
	const before = process.hrtime.bigint();
	t.equal(native.waitPid({ pidfd, timeoutMs: 30 }), false);
	t.ok(process.hrtime.bigint() - before >= 30_000_000n, "not before its time");
	native.signalPid({ pidfd, signal: 15 });
	t.equal(native.waitPid({ pidfd, timeoutMs: 5000 }), true);
	const [, signal] = await once(child, "exit");
	t.equal(signal, "SIGTERM");
	t.equal(failureOf(() => native.signalPid({ pidfd, signal: 0 })).code, "ESRCH");
	native.close({ fd: pidfd });
	t.equal(native.openPid({ pid: child.pid ?? 0 }), undefined);
});

/** Runs a program over the addon in a process of its own, as the runtime would be. */
function inOwnProcess(program: string, shell = 'exec "$0" "$@"', engine = process.execPath) {
	const addon = new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname;
	const script = `const native = require(${JSON.stringify(addon)}); ${program}`;
	return spawnSync("/bin/sh", ["-c", shell, engine, "-e", script], { encoding: "utf8", timeout: 20_000 });
}

t.test("exit leaves at once, with the status", async (t) => {
	const result = inOwnProcess('process.on("exit", () => console.log("late")); native.exit(42);');
	t.match(result, { status: 42, stdout: "" });
});

t.test("print writes all of it, to slow readers too, and bears closed ones", async (t) => {
	const text = "x".repeat(300_000);
	const slow = inOwnProcess(
		`native.print({ fd: 1, text: "x".repeat(300000) })`,
		'{ "$0" "$@"; echo "status $?" >&2; } | { sleep 0.2; cat; }',
	);
	t.match(slow, { stdout: text, stderr: "status 0\n" });
	const closed = inOwnProcess(
		`native.print({ fd: 1, text: "x".repeat(300000) })`,
		'{ "$0" "$@"; echo "status $?" >&2; } | true',
	);
	t.equal(closed.stderr, "status 0\n");
	t.equal(failureOf(() => native.print({ fd: 99, text: "x" })).code, "EBADF");
});

for (const [name, engine] of [
	["node", process.execPath],
	["bun", bun],
] as const) {
	t.test(`checkPreservedFds on ${name}: not fooled by what the engine has opened`, async (t) => {
		const check = (shell: string) =>
			JSON.parse(
				inOwnProcess("console.log(JSON.stringify(native.checkPreservedFds({ count: 2 })))", shell, engine).stdout,
			);
		t.same(check('exec "$0" "$@" 3</dev/null 4</dev/null'), { ok: true });
		t.same(check('exec "$0" "$@" 3</dev/null 4<&-'), { ok: false, fd: 4 });
		t.same(check('exec "$0" "$@" 3<&- 4<&-'), { ok: false, fd: 3 });
	});
}

t.test("a verb's descriptors are close-on-exec", async (t) => {
	const directory = scratch(t);
	const lock = native.lockDirectory({ path: directory, exclusive: true, wait: false });
	const pidfd = native.openPid({ pid: process.pid });
	const notify = native.bindNotify({ path: join(directory, "notify.sock") });
	for (const fd of [lock, pidfd ?? -1, notify]) {
		const flags = /^flags:\s+0*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
		t.ok(Number.parseInt(flags, 8) & 0o2000000, `descriptor ${fd}`);
		native.close({ fd });
	}
});
