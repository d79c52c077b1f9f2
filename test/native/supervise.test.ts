/** The foreground without a terminal. With one, test/integration/terminal.test.ts has it on real ptys. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { native, needsRoot, scratch } from "./addon.js";

const addon = new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname;

/** Supervises `script` as the process behind the init, in a process of its own that can be sent signals. */
function supervised(script: string, more = "", before = ""): ChildProcess & { output: string } {
	const init = [
		{ op: "clone", namespaces: [] },
		{ op: "process.lookup", file: "/bin/sh", searchPath: "/bin" },
		{ op: "start.wait", via: "channel" },
		{ op: "exec", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"], preserveFds: 0 },
	];
	const program = `const native = require(${JSON.stringify(addon)});
		native.setSubreaper();
		// As \`run\` does: a signal that comes before supervise() is held for it, and does not end this process.
		native.holdSignals({ all: true });
		const channel = native.startInit({ preserveFds: 0 });
		native.sendPlan({ channel, plan: ${JSON.stringify(JSON.stringify({ version: 1, id: "x", init }))} });
		let pid, pidfd, type;
		while (type !== "closed") {
			const message = native.receive({ channel, timeoutMs: 10000 });
			type = message.type;
			if (type === "pid") ({ pid, pidfd } = message);
			if (type === "ready") native.send({ channel, type: "start" });
			if (type === "failure") throw new Error(JSON.stringify(message));
		}
		${before}
		const status = native.supervise({ pid, pidfd, subreaper: true ${more} });
		native.exit(status);`;
	const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
	const result = Object.assign(child, { output: "" });
	child.stdout?.on("data", (data: Buffer) => {
		result.output += data.toString();
	});
	return result;
}

/** Waits until the process has said it; that it ends instead, is an error. */
async function said(child: ChildProcess & { output: string }, pattern: RegExp): Promise<void> {
	const gone = new AbortController();
	const end = (): void => gone.abort();
	child.once("exit", end);
	try {
		while (!pattern.test(child.output)) await once(child.stdout ?? child, "data", { signal: gone.signal });
	} catch (error) {
		throw new Error(`ended before it said ${pattern}: ${child.output}`, { cause: error });
	} finally {
		child.off("exit", end);
	}
}

t.test("the status of the process is the status", { skip: needsRoot }, async (t) => {
	t.same(await once(supervised("exit 7"), "close"), [7, null]);
	t.same(await once(supervised("kill -KILL $$"), "close"), [137, null]);
	t.same(await once(supervised("kill -SEGV $$"), "close"), [139, null]);
});

t.test("signals go on to the process", { skip: needsRoot }, async (t) => {
	const names = ["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TSTP", "CONT", "WINCH"] as const;
	const traps = names.map((name) => `trap 'echo got ${name}' ${name};`).join(" ");
	const child = supervised(`${traps} trap 'echo got TERM; exit 3' TERM; echo ready; while :; do sleep 0.05; done`);
	await said(child, /ready/);
	for (const name of names) {
		child.kill(`SIG${name}`);
		await said(child, new RegExp(`got ${name}`));
		t.pass(name);
	}
	// Neither of these is for the process, and neither ends the runtime.
	child.kill("SIGURG");
	child.kill("SIGCHLD");
	child.kill("SIGTERM");
	t.same(await once(child, "close"), [3, null]);
	t.notMatch(child.output, /URG|CHLD/);
});

t.test("signals that came before it had begun are the process's", { skip: needsRoot }, async (t) => {
	const script = "trap 'echo got USR1' USR1; trap 'echo got USR2; exit 3' USR2; while :; do sleep 0.05; done";
	// The first while receive() waits, the second after it.
	const sends = `
		const pause = new Int32Array(new SharedArrayBuffer(4));
		Atomics.wait(pause, 0, 0, 300);
		process.kill(process.pid, "SIGUSR1");
		try { native.receive({ channel, timeoutMs: 50 }); } catch {}
		process.kill(process.pid, "SIGUSR2");`;
	const child = supervised(script, "", sends);
	t.same(await once(child, "close"), [3, null]);
	t.match(child.output, /^got USR1\ngot USR2\n/);
});

t.test("orphans are reaped while it runs", { skip: needsRoot }, async (t) => {
	const zombies = `for pid in $(cat /proc/$PPID/task/*/children); do grep -q '^State:.Z' /proc/$pid/status && echo zombie $pid; done`;
	const child = supervised(`for i in 1 2 3 4 5; do (sleep 0.1 & ); done; sleep 0.6; ${zombies}; echo looked; exit 0`);
	t.same(await once(child, "close"), [0, null]);
	t.equal(child.output, "looked\n");
});

t.test("READY=1 goes on with the pid of the process; nothing else does", { skip: needsRoot }, async (t) => {
	const directory = scratch(t);
	const target = join(directory, "systemd.sock");
	const proxy = join(directory, "notify.sock");
	const receiver = native.bindNotify({ path: target });
	t.match(native.stat({ path: target }), { type: "socket", mode: 0o666 });
	const more = `, notify: { fd: native.bindNotify({ path: ${JSON.stringify(proxy)} }), target: ${JSON.stringify(target)} }`;
	// perl-base is on every Debian.
	const send = (text: string) =>
		`perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, "${text}", 0, sockaddr_un("${proxy}")) or die $!';`;
	const child = supervised(
		`echo pid $$; ${send("STATUS=busy")} ${send("READY=1\\nSTATUS=up")} sleep 0.3; exit 4`,
		more,
	);
	t.same(await once(child, "close"), [4, null]);
	const pid = /pid (\d+)/.exec(child.output)?.[1];
	const received = spawn("/bin/sh", ["-c", "dd bs=4096 count=1 status=none <&3"], {
		stdio: ["ignore", "pipe", "inherit", receiver],
	});
	const [datagram] = (await once(received.stdout ?? received, "data")) as [Buffer];
	t.equal(datagram.toString(), `READY=1\nMAINPID=${pid}\n`);
	native.close({ fd: receiver });
});

t.test("forwardNotify returns when the process ends before it is ready", async (t) => {
	const directory = scratch(t);
	const fd = native.bindNotify({ path: join(directory, "notify.sock") });
	const child = spawn("sleep", ["0.2"]);
	const pidfd = native.openPid({ pid: child.pid ?? 0 }) ?? -1;
	native.forwardNotify({ fd, target: join(directory, "none.sock"), pid: child.pid ?? 0, pidfd });
	t.pass("returned");
	await once(child, "exit");
	native.close({ fd });
	native.close({ fd: pidfd });
});
