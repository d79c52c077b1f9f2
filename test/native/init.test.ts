/** The init as the addon starts it: descriptors, limits, the conversation, and what is left of it. */
import { spawnSync } from "node:child_process";
import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { InitMessage } from "../../src/native/api.js";
import { failureOf, native, needsRoot, scratch } from "./addon.js";

type Step = { op: string; [key: string]: unknown };

const clone: Step = { op: "clone", namespaces: [] };
const wait: Step = { op: "start.wait", via: "channel" };
const exec = (script: string, preserveFds = 0): Step[] => [
	{ op: "process.lookup", file: "/bin/sh", searchPath: "/bin" },
	wait,
	{ op: "exec", args: ["sh", "-c", script], env: ["A=1"], preserveFds },
];
/** Of every thread: the init is started by one of its own. */
function children(): string[] {
	const threads = readdirSync("/proc/self/task");
	const lists = threads.map((thread) => readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim());
	return lists.join(" ").split(" ").filter(Boolean);
}

function start(steps: Step[], preserveFds = 0): { channel: number; stagePid: number } {
	const before = children();
	const channel = native.startInit({ preserveFds });
	// Waits for the thread that starts it; the steps come with the second part.
	native.sendPlan({ channel, plan: JSON.stringify({ version: 1, id: "test", init: [], more: true }) });
	const stagePid = Number(children().find((pid) => !before.includes(pid)));
	native.sendPlan({ channel, plan: JSON.stringify({ version: 1, id: "test", init: steps }) });
	return { channel, stagePid };
}

const isLast = (message: InitMessage) => ["closed", "died", "failure"].includes(message.type);

/** Every message up to the last one; says start when the init is ready. */
function conversation(channel: number): InitMessage[] {
	const messages: InitMessage[] = [];
	for (;;) {
		const message = native.receive({ channel, timeoutMs: 10_000 });
		messages.push(message);
		if (message.type === "ready") native.send({ channel, type: "start" });
		if (isLast(message)) return messages;
	}
}

function pidOf(messages: InitMessage[]): { pid: number; pidfd: number } {
	const first = messages[0];
	if (first?.type !== "pid") throw new Error(`no pid but ${JSON.stringify(first)}`);
	return first;
}

t.test(
	"pid, ready, and end of file at exec; the stage is reaped, the process is ours to reap",
	{ skip: needsRoot },
	async (t) => {
		const { channel, stagePid } = start([clone, ...exec("exit 7")]);
		const messages = conversation(channel);
		t.same(
			messages.map(({ type }) => type),
			["pid", "ready", "closed"],
		);
		const { pid, pidfd } = pidOf(messages);
		t.equal(native.processStat({ pid: stagePid }), undefined, "no zombie of the stage");
		t.equal(native.reap({ pidfd }), 7);
		t.equal(native.processStat({ pid }), undefined);
		t.notOk(children().includes(String(pid)));
		native.close({ fd: pidfd });
		native.close({ fd: channel });
	},
);

t.test("a signal that comes after exec does not hide that the program runs", { skip: needsRoot }, async (t) => {
	const started = join(scratch(t), "started");
	const { channel } = start([clone, ...exec(`: > ${started}; exit 0`)]);
	native.holdSignals();
	const { pid, pidfd } = pidOf([native.receive({ channel, timeoutMs: 10_000 })]);
	t.equal(native.receive({ channel, timeoutMs: 10_000 }).type, "ready");
	native.send({ channel, type: "start" });
	while (!existsSync(started)) await delay(1);
	process.kill(process.pid, "SIGHUP");
	t.equal(native.receive({ channel, timeoutMs: 10_000 }).type, "closed", "from here on it is the program's signal");
	t.equal(native.supervise({ pid, pidfd, subreaper: false }), 0);
	native.releaseSignals();
	native.close({ fd: pidfd });
	native.close({ fd: channel });
});

t.test("a failure names step, call, errno and object, and comes before the end of the process", async (t) => {
	const { channel, stagePid } = start([
		{ op: "namespace.join", namespaces: [{ type: "network", path: "/no/such/ns" }] },
		clone,
	]);
	const pidfd = native.openPid({ pid: stagePid });
	if (pidfd === undefined) throw new Error("no pidfd");
	native.waitPid({ pidfd, timeoutMs: 5000 });
	const message = native.receive({ channel, pidfd, timeoutMs: 5000 });
	t.match(message, { type: "failure", step: 0, errno: 2, code: "ENOENT", detail: /no\/such\/ns/ });
	t.match(native.receive({ channel, timeoutMs: 5000 }), { type: "closed" });
	t.equal(native.processStat({ pid: stagePid }), undefined, "reaped");
	native.close({ fd: pidfd });
	native.close({ fd: channel });
});

t.test("ended in the middle: nothing is left of it, whatever it has cloned", { skip: needsRoot }, async (t) => {
	for (const steps of [[], [clone], [clone, wait]]) {
		const { channel } = start([...steps]);
		native.endInit({ channel });
		t.strictSame(children(), []);
	}
	const channel = native.startInit({ preserveFds: 0 });
	native.endInit({ channel });
	t.strictSame(children(), [], "before it was sent anything");
});

t.test("an unknown step is refused", async (t) => {
	const { channel } = start([{ op: "no.such.step" }]);
	t.match(conversation(channel).at(-1), { type: "failure", step: 0 });
	native.receive({ channel });
	native.close({ fd: channel });
});

t.test("receive does not hang: time limit, and the death of the process", { skip: needsRoot }, async (t) => {
	const { channel } = start([clone, ...exec("exit 0")]);
	const messages: InitMessage[] = [];
	while (messages.at(-1)?.type !== "ready") messages.push(native.receive({ channel, timeoutMs: 10_000 }));
	t.match(
		failureOf(() => native.receive({ channel, timeoutMs: 50 })),
		{ code: "ETIMEDOUT" },
	);
	const { pidfd } = pidOf(messages);
	native.signalPid({ pidfd, signal: 9 });
	t.match(native.receive({ channel, pidfd, timeoutMs: 10_000 }).type, /^(closed|died)$/);
	t.equal(native.reap({ pidfd }), 137);
	t.equal(failureOf(() => native.send({ channel, type: "start" })).code, "EPIPE");
	native.close({ fd: pidfd });
	native.close({ fd: channel });
});

t.test("stray descriptors stay out, preserved ones go in", { skip: needsRoot }, async (t) => {
	// Opened without O_CLOEXEC by a shell, as a careless caller would leave them; and taken over by the engine as 3 and 4.
	const addon = new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname;
	const directory = scratch(t);
	writeFileSync(join(directory, "three"), "three");
	const plan = {
		version: 1,
		id: "x",
		init: [clone, ...exec("ls /proc/self/fd; cat <&3; grep Sig[BI] /proc/self/status; env", 1)],
	};
	const program = `const native = require(${JSON.stringify(addon)});
		const channel = native.startInit({ preserveFds: 1 });
		native.sendPlan({ channel, plan: ${JSON.stringify(JSON.stringify(plan))} });
		let pidfd, type;
		while (type !== "closed") {
			const message = native.receive({ channel, timeoutMs: 10000 });
			type = message.type;
			if (type === "pid") pidfd = message.pidfd;
			if (type === "ready") native.send({ channel, type: "start" });
			if (type === "failure") throw new Error(JSON.stringify(message));
		}
		native.exit(native.reap({ pidfd }));`;
	const shell = `exec "$0" "$@" 3<${directory}/three 5</dev/null 9</dev/null`;
	const run = (engine: string) => spawnSync("/bin/sh", ["-c", shell, engine, "-e", program], { encoding: "utf8" });
	const expected = "0\n1\n2\n3\n4\nthreeSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nA=1\nPWD=";
	for (const engine of [process.execPath, new URL("../../node_modules/.bin/bun", import.meta.url).pathname]) {
		const result = run(engine);
		t.equal(result.stdout.slice(0, expected.length), expected, `${engine} ${result.stderr}`);
	}
});

t.test("the soft limit of open files is the caller's again", { skip: needsRoot }, async (t) => {
	const addon = new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname;
	const program = `const native = require(${JSON.stringify(addon)}); native.restoreOpenFilesLimit();
		native.print({ fd: 1, text: native.runHook({ path: "/bin/sh", args: ["sh", "-c", "ulimit -Sn"], env: [], stdin: "" }).output });`;
	// `; true` keeps the shell from replacing itself: it is the parent that the limit comes from.
	const result = spawnSync("/bin/sh", ["-c", 'ulimit -Sn 777; "$0" "$@"; true', process.execPath, "-e", program], {
		encoding: "utf8",
	});
	t.equal(result.stdout, "777\n");
});

t.test(
	"cgroups, hooks, listener: what the init waits for comes with its descriptors",
	{ skip: needsRoot },
	async (t) => {
		const directory = scratch(t);
		mkdirSync(join(directory, "one"));
		mkdirSync(join(directory, "two"));
		// v1 has the one file, v2 the other.
		writeFileSync(join(directory, "one", "tasks"), "");
		writeFileSync(join(directory, "two", "cgroup.procs"), "");
		const { channel } = start([
			clone,
			{ op: "cgroup.join" },
			{ op: "hooks.sync" },
			...exec("exit 0").map((step) => (step.op === "start.wait" ? { ...step, via: "socket" } : step)),
		]);
		native.sendCgroups({ channel, directories: [join(directory, "one"), join(directory, "two")] });
		const missing = failureOf(() => native.sendCgroups({ channel, directories: [join(directory, "none")] }));
		t.match(missing, { code: "ENOENT", detail: join(directory, "none", "cgroup.procs") });
		// Longer than sun_path can be.
		const deep = join(directory, "d".repeat(120));
		mkdirSync(deep);
		const path = join(deep, "start.sock");
		native.sendListener({ channel, path });
		t.match(native.stat({ path }), { type: "socket", mode: 0o600 });

		const messages: InitMessage[] = [];
		while (messages.at(-1)?.type !== "ready") {
			const message = native.receive({ channel, timeoutMs: 10_000 });
			if (message.type === "hooks") native.send({ channel, type: "hooks" });
			messages.push(message);
			t.notMatch(message.type, /failure|closed/);
		}
		t.same(
			messages.map(({ type }) => type),
			["pid", "hooks", "ready"],
		);
		for (const file of ["one/tasks", "two/cgroup.procs"]) t.match(readFileSync(join(directory, file), "utf8"), /^0/);

		const { pidfd } = pidOf(messages);
		native.signalPid({ pidfd, signal: 9 });
		native.reap({ pidfd });
		t.equal(failureOf(() => native.connect({ path, wait: true })).code, "ECONNREFUSED", "its listener is gone with it");
		t.equal(failureOf(() => native.connect({ path: `${path}.none`, wait: true })).code, "ENOENT");
		native.close({ fd: pidfd });
		native.close({ fd: channel });
	},
);

t.test(
	"the init runs from a sealed memfd, and from an unnamed file where that is forbidden",
	{ skip: needsRoot },
	async (t) => {
		const image = () => {
			const { channel } = start([clone, ...exec("exit 0")]);
			const first = native.receive({ channel, timeoutMs: 10_000 });
			if (first.type !== "pid") throw new Error(JSON.stringify(first));
			const target = readlinkSync(`/proc/${first.pid}/exe`);
			const writable = (() => {
				try {
					closeSync(openSync(`/proc/${first.pid}/exe`, "r+"));
					return true;
				} catch {
					return false;
				}
			})();
			native.signalPid({ pidfd: first.pidfd, signal: 9 });
			native.reap({ pidfd: first.pidfd });
			native.close({ fd: first.pidfd });
			native.close({ fd: channel });
			return { target, writable };
		};
		t.match(image(), { target: /memfd:runtime-ts-init/, writable: false });
		// The sysctl belongs to the pid namespace: in one of its own, the machine does not notice.
		const addon = new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname;
		const plan = JSON.stringify({ version: 1, id: "x", init: [clone, wait] });
		const program = `const native = require(${JSON.stringify(addon)});
		const channel = native.startInit({ preserveFds: 0 });
		native.sendPlan({ channel, plan: ${JSON.stringify(plan)} });
		const message = native.receive({ channel, timeoutMs: 10000 });
		native.print({ fd: 1, text: require("fs").readlinkSync("/proc/" + message.pid + "/exe") });
		native.signalPid({ pidfd: message.pidfd, signal: 9 });`;
		const forbid = 'mount -t proc proc /proc && echo 2 > /proc/sys/vm/memfd_noexec && exec "$0" "$@"';
		const result = spawnSync("unshare", ["-pfm", "/bin/sh", "-c", forbid, process.execPath, "-e", program], {
			encoding: "utf8",
		});
		t.match(result.stdout, /\/#\d+ \(deleted\)$/, result.stderr);
	},
);
