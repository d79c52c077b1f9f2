/** exec as calls: what is asked of the kernel, in which order, and what is taken back when it fails. */
import t from "tap";
import { exec } from "../../src/container/exec.js";
import type { ExecRequest } from "../../src/container/exec-request.js";
import type { ContainerRecord } from "../../src/container/record.js";
import type { RuntimeError } from "../../src/errors.js";
import type { InitMessage } from "../../src/native/api.js";
import type { SentPlan } from "../../src/native/fake.js";
import { put, root, SceneNative } from "./scene.js";

const entered: InitMessage[] = [{ type: "pid", pid: 900, pidfd: 77 }, { type: "closed" }];

function host(
	runtime: Partial<ContainerRecord["runtime_ts"]> = {},
	record: Partial<ContainerRecord> = {},
): SceneNative {
	const native = new SceneNative({
		"/proc/self/status": "Name:\tx\nCapBnd:\t000001ffffffffff\n",
		"/sys/fs/cgroup/freezer/web/freezer.state": "THAWED\n",
	});
	put(native, { runtime, record });
	native.messages = [...entered];
	return native;
}

function request(changes: Partial<ExecRequest> = {}): ExecRequest {
	return { root, id: "web", env: {}, options: { args: ["true"] }, ...changes };
}

function failure(native: SceneNative, changes: Partial<ExecRequest> = {}): RuntimeError {
	try {
		exec(native, request(changes));
	} catch (error) {
		return error as RuntimeError;
	}
	throw new Error("it did not fail");
}

const verbs = (native: SceneNative): string[] => native.calls.map(({ verb }) => verb);
const plans = (native: SceneNative): SentPlan[] => {
	return native.callsOf("sendPlan").map(({ plan }) => JSON.parse(String(plan)) as SentPlan);
};

t.test("one plan, one process, its status", async (t) => {
	const native = host();
	native.exitStatus = 5;
	t.equal(exec(native, request()), 5);
	t.same(
		verbs(native).filter((verb) => !["lockDirectory", "close"].includes(verb)),
		["startInit", "holdSignals", "sendPlan", "receive", "receive", "supervise"],
	);
	const [plan] = plans(native);
	t.match(plan?.init[0], {
		op: "container.join",
		pid: 500,
		startTime: "1000",
		tasks: ["/sys/fs/cgroup/pids/web", "/sys/fs/cgroup/freezer/web"],
		root: "/bundle/rootfs",
	});
	t.match(native.callsOf("supervise"), [{ pid: 900, pidfd: 77, subreaper: false }]);
});

t.test("--detach leaves it alone; the pid is in the file", async (t) => {
	const native = host();
	t.equal(exec(native, request({ detach: true, pidFile: "/run/pid" })), 0);
	t.equal(native.files.read("/run/pid"), "900");
	t.notOk(verbs(native).includes("supervise"));
	t.notOk(verbs(native).includes("signalPid"));
});

t.test("the seccomp filter that was saved goes after the plan", async (t) => {
	const steps = [{ op: "seccomp.load" as const, flags: [] }];
	const native = host({ exec: { process: { cwd: "/" }, steps } });
	native.files.put(`${root}/web/seccomp`, Buffer.from("12345678").toString("base64"));
	exec(native, request());
	t.same(native.callsOf("sendSeccomp")[0]?.program, Buffer.from("12345678"));
	t.ok(verbs(native).indexOf("sendPlan") < verbs(native).indexOf("sendSeccomp"));
});

t.test("before there is a process: the init is ended, and the status is 255", async (t) => {
	const cases: [string, Partial<ExecRequest>, (native: SceneNative) => void][] = [
		["container does not exist", { id: "nope" }, () => {}],
		["bad uid", { options: { args: ["true"], user: "x" } }, () => {}],
		[
			"cannot exec in a paused container",
			{},
			(n) => n.files.put("/sys/fs/cgroup/freezer/web/freezer.state", "FROZEN\n"),
		],
		["open /p.json: no such file or directory", { processFile: "/p.json", options: { args: [] } }, () => {}],
	];
	for (const [message, changes, prepare] of cases) {
		const native = host();
		prepare(native);
		const error = failure(native, changes);
		t.equal(error.status, 255);
		t.ok(error.message.startsWith("exec failed: "), error.message);
		t.match(error.message, message);
		t.equal(native.callsOf("endInit").length, 1, message);
		t.same(native.callsOf("sendPlan"), []);
	}
});

t.test("a step that fails: the process is killed, and its pid file goes", async (t) => {
	const native = host();
	const broken = { type: "failure", syscall: "lookup", errno: 2, code: "ENOENT", detail: "true" } as const;
	const message = native.messages;
	native.messages = [];
	const index = (): number => plans(native)[0]?.init.findIndex(({ op }) => op === "process.lookup") ?? -1;
	native.messages = [message[0] as InitMessage];
	Object.defineProperty(broken, "step", { get: index });
	native.messages.push(broken as unknown as InitMessage);
	const error = failure(native, { pidFile: "/run/pid" });
	t.equal(
		error.message,
		'exec failed: unable to start container process: exec: "true": executable file not found in $PATH',
	);
	t.equal(error.context.origin, "arguments");
	t.notOk(native.files.has("/run/pid"));
	t.match(native.callsOf("signalPid"), [{ pidfd: 77, signal: 9 }]);
	t.match(native.callsOf("reap"), [{ pidfd: 77 }]);
});

t.test("whatever fails when the container has ended, that is the reason", async (t) => {
	const native = host();
	native.messages = [{ type: "failure", step: 1, syscall: "clone3", errno: 12, code: "ENOMEM" }];
	native.processes.delete(500);
	t.equal(failure(native).message, "exec failed: cannot exec in a stopped container");
	t.equal(native.callsOf("endInit").length, 1);
});

t.test("an init that ends without a word", async (t) => {
	const native = host();
	native.messages = [{ type: "closed" }];
	t.match(failure(native).message, "the process was killed before it was ready");
});

t.test("a signal meanwhile: 128 and its number, and no process is left", async (t) => {
	const native = host();
	native.messages = [entered[0] as InitMessage, { type: "interrupted", signal: 15 }];
	const error = failure(native);
	t.equal(error.status, 143);
	t.match(native.callsOf("signalPid"), [{ pidfd: 77, signal: 9 }]);
});

t.test("v2: a cgroup that takes no process any more, but the one of the first process does", async (t) => {
	const busy: InitMessage = { type: "failure", step: 1, syscall: "clone3", errno: 16, code: "EBUSY" };
	const paths = { cgroup_paths: { "": "/sys/fs/cgroup/pod/web" } };
	const native = host({}, paths);
	native.files.put("/proc/500/cgroup", "0::/pod/web/init.scope\n");
	native.messages = [busy, ...entered];
	t.equal(exec(native, request()), 0);
	t.equal(native.callsOf("startInit").length, 2);
	t.same(
		plans(native).map(({ init }) => [init[0]?.cgroup, init[1]?.cgroup]),
		[
			["/sys/fs/cgroup/pod/web", "/sys/fs/cgroup/pod/web"],
			["/sys/fs/cgroup/pod/web/init.scope", "/sys/fs/cgroup/pod/web/init.scope"],
		],
	);

	const twice = host({}, paths);
	twice.files.put("/proc/500/cgroup", "0::/pod/web/init.scope\n");
	twice.messages = [busy, busy];
	t.match(failure(twice).message, "unable to apply cgroup configuration");

	const asked = host({}, paths);
	asked.messages = [busy];
	t.match(failure(asked, { cgroups: ["sub"] }).message, "unable to apply cgroup configuration");
	t.equal(asked.callsOf("startInit").length, 1);
});

t.test("a terminal: sized before the program starts, which waits for that", async (t) => {
	const native = host();
	native.messages = [
		entered[0] as InitMessage,
		{ type: "terminal", fd: 55, name: "/dev/pts/0" },
		{ type: "ready" },
		{ type: "closed" },
	];
	exec(native, request({ options: { args: ["sh"], tty: true } }));
	t.ok(verbs(native).indexOf("fitTerminal") < verbs(native).indexOf("send"));
	t.match(native.callsOf("supervise"), [{ terminal: 55 }]);
});

t.test("--cgroup", async (t) => {
	const tasks = (cgroups: string[]): unknown => {
		const native = host({}, { cgroup_paths: { cpu: "/c/cpu/web", cpuacct: "/c/cpu/web", pids: "/c/pids/web" } });
		exec(native, request({ cgroups }));
		return plans(native)[0]?.init[0]?.tasks;
	};
	t.same(tasks([]), ["/c/cpu/web", "/c/pids/web"]);
	t.same(tasks(["sub"]), ["/c/cpu/web/sub", "/c/pids/web/sub"]);
	t.same(tasks(["pids:sub"]), ["/c/cpu/web", "/c/pids/web/sub"]);
	t.same(tasks(["cpu:a", "pids:/b/"]), ["/c/cpu/web/a", "/c/pids/web/b"], "controllers of one hierarchy move together");
	t.same(tasks(["cpu,pids:a"]), ["/c/cpu/web/a", "/c/pids/web/a"]);
	const refusals: [string[], string][] = [
		[["a", "b"], "missing <controller>: prefix"],
		[[":a"], "empty <controller> prefix"],
		[["pids:a", "pids:b"], "controller pids specified multiple times"],
		[["memory:a"], "no cgroup of controller memory"],
		[["pids:../other"], "bad sub cgroup path: ../other"],
		[["../webby"], "bad sub cgroup path: ../webby"],
	];
	for (const [cgroups, message] of refusals) {
		t.match(failure(host({}, { cgroup_paths: { pids: "/c/pids/web" } }), { cgroups }).message, message);
	}
});

t.test("a warning about what is not granted", async (t) => {
	const process = { cwd: "/", capabilities: { bounding: ["CAP_SYS_ADMIN"] } };
	const native = host({ exec: { process, steps: [] } });
	native.files.put("/proc/self/status", "Name:\tx\nCapBnd:\t0000000000000000\n");
	const warnings: string[] = [];
	exec(native, request({ onWarning: (message, pointer) => warnings.push(`${pointer} ${message}`) }));
	t.match(warnings, [/^\/process\/capabilities\/bounding\/0 capability "CAP_SYS_ADMIN" is not granted/]);
});
