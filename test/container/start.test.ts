import t from "tap";
import { start } from "../../src/container/start.js";
import type { InitStep } from "../../src/plan/schema.js";
import { put, root, SceneNative } from "./scene.js";

function waiting(options: Parameters<typeof put>[1] = {}): SceneNative {
	const native = new SceneNative();
	put(native, { waiting: true, ...options });
	native.messages = [{ type: "closed" }];
	return native;
}

t.test("start is said once, and its socket goes", async (t) => {
	const native = waiting();
	start(native, { root, id: "web", env: {} });
	t.match(native.callsOf("send"), [{ type: "start" }]);
	t.notOk(native.files.has(`${root}/web/start.sock`));
	t.throws(() => start(native, { root, id: "web", env: {} }), { message: "cannot start an already running container" });
	t.equal(native.callsOf("send").length, 1);
});

t.test("states that cannot be started", async (t) => {
	const gone = waiting({ process: undefined });
	t.throws(() => start(gone, { root, id: "web", env: {} }), { message: "cannot start a container that has stopped" });
	const paused = waiting({ waiting: false });
	paused.files.put("/sys/fs/cgroup/freezer/web/freezer.state", "FROZEN\n");
	t.throws(() => start(paused, { root, id: "web", env: {} }), {
		message: "cannot start a container in the paused state",
	});
	t.throws(() => start(gone, { root, id: "db", env: {} }), { message: "container does not exist" });
});

t.test("a failing startContainer hook ends the container", async (t) => {
	const hook = {
		op: "hook.run",
		stage: "startContainer",
		index: 0,
		path: "/h",
		args: [],
		env: [],
		state: {},
	} satisfies InitStep as InitStep;
	const native = waiting({ runtime: { startSteps: { first: 10, steps: [hook] }, poststop: [{ path: "/z" }] } });
	native.messages = [{ type: "failure", step: 10, syscall: "hook", errno: 0, code: "", detail: "exit status 4: oh" }];
	t.throws(() => start(native, { root, id: "web", env: {} }), {
		code: "hook",
		message: /error running startContainer hook #0: exit status 4/,
	});
	t.match(native.callsOf("runHook"), [{ path: "/z" }]);
	t.notOk(native.files.has(`${root}/web`));
});

t.test("a failing exec leaves a stopped container", async (t) => {
	const exec = { op: "exec", args: ["/run.sh"], env: [], preserveFds: 0 } satisfies InitStep as InitStep;
	const native = waiting({ runtime: { startSteps: { first: 10, steps: [exec] } } });
	native.messages = [{ type: "failure", step: 10, syscall: "execve", errno: 2, code: "ENOENT", detail: "/run.sh" }];
	t.throws(() => start(native, { root, id: "web", env: {} }), { message: /exec \/run.sh: no such file or directory$/ });
	t.ok(native.files.has(`${root}/web/state.json`));
});

t.test("poststart: run after exec; a failure ends the container", async (t) => {
	const good = waiting({ runtime: { poststart: [{ path: "/p" }] } });
	start(good, { root, id: "web", env: {} });
	t.match(JSON.parse(String(good.callsOf("runHook")[0]?.stdin)), { status: "running", pid: 500 });
	const bad = waiting({ runtime: { poststart: [{ path: "/p" }] } });
	bad.hookResults = [{ status: 1 }];
	t.throws(() => start(bad, { root, id: "web", env: {} }), {
		message: "error running poststart hook #0: exit status 1",
	});
	t.notOk(bad.processes.has(500));
	t.notOk(bad.files.has(`${root}/web`));
});

t.test("sd_notify, where create was given it, too", async (t) => {
	const env = { NOTIFY_SOCKET: "/run/n" };
	const without = waiting();
	start(without, { root, id: "web", env });
	t.strictSame(without.callsOf("bindNotify"), []);
	const native = waiting();
	native.files.putDirectory(`${root}/web/notify`);
	start(native, { root, id: "web", env });
	t.match(native.callsOf("forwardNotify"), [{ target: "/run/n", pid: 500 }]);
});
