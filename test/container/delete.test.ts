import t from "tap";
import { destroy } from "../../src/container/delete.js";
import { nativeFailure } from "../../src/native/fake.js";
import { put, root, SceneNative } from "./scene.js";

/** What is left of containers. */
function leftovers(native: SceneNative): string[] {
	return native.files.paths().filter((path) => path.includes("/web"));
}

t.test("a stopped container goes without a trace and without a signal", async (t) => {
	const native = new SceneNative();
	put(native, { process: undefined });
	destroy(native, { root, id: "web" });
	t.strictSame(leftovers(native), []);
	t.strictSame(native.callsOf("signalPid"), []);
});

t.test("a created one is killed first", async (t) => {
	const native = new SceneNative();
	put(native, { waiting: true });
	destroy(native, { root, id: "web" });
	t.match(native.callsOf("signalPid"), [{ pid: 500, signal: 9 }]);
	t.strictSame(leftovers(native), []);
});

t.test("one that ends just before its signal, and one that can't be signalled", async (t) => {
	const ending = new SceneNative();
	put(ending, { waiting: true });
	ending.signalPid = () => {
		ending.processes.delete(500);
		throw nativeFailure("pidfd_send_signal", "ESRCH");
	};
	destroy(ending, { root, id: "web" });
	t.strictSame(leftovers(ending), []);

	const foreign = new SceneNative();
	put(foreign, { waiting: true });
	foreign.signalPid = () => {
		throw nativeFailure("pidfd_send_signal", "EPERM");
	};
	t.throws(() => destroy(foreign, { root, id: "web", force: true }), { code: "EPERM" });
	t.ok(foreign.files.has(`${root}/web/state.json`), "it is still known");
});

t.test("a running one needs --force", async (t) => {
	const native = new SceneNative();
	put(native);
	t.throws(() => destroy(native, { root, id: "web" }), {
		code: "container.state",
		message: "cannot delete container web that is not stopped: running",
	});
	t.ok(native.processes.has(500));
	destroy(native, { root, id: "web", force: true });
	t.strictSame(leftovers(native), []);
});

t.test("a paused one: thawed, killed, removed", async (t) => {
	const native = new SceneNative();
	put(native);
	native.files.put("/sys/fs/cgroup/freezer/web/freezer.state", "FROZEN\n");
	t.throws(() => destroy(native, { root, id: "web" }), { message: /not stopped: paused$/ });
	destroy(native, { root, id: "web", force: true });
	t.match(native.callsOf("writeControl"), [{ text: "THAWED" }]);
	t.strictSame(leftovers(native), []);
});

t.test("an unknown id", async (t) => {
	const native = new SceneNative();
	native.files.putDirectory(root);
	t.throws(() => destroy(native, { root, id: "web" }), { message: "container does not exist" });
	t.doesNotThrow(() => destroy(native, { root, id: "web", force: true }));
});

t.test("the directory of a create that was killed early goes in both ways", async (t) => {
	for (const force of [true, false]) {
		const native = new SceneNative();
		native.files.putDirectory(`${root}/web/notify`);
		if (force) destroy(native, { root, id: "web", force });
		else t.throws(() => destroy(native, { root, id: "web", force }), { message: "container does not exist" });
		t.strictSame(leftovers(native), []);
	}
});

t.test("a record without a process: its cgroups go", async (t) => {
	const native = new SceneNative();
	put(native, { pid: 0 });
	destroy(native, { root, id: "web" });
	t.strictSame(leftovers(native), []);
});

t.test("processes that are left in the cgroup, also below it, are killed", async (t) => {
	const native = new SceneNative();
	put(native, { process: undefined });
	native.processes.set(501, { startTime: "1", state: "S" });
	native.addCgroup("/sys/fs/cgroup/pids/web/a");
	native.addCgroup("/sys/fs/cgroup/pids/web/a/b", [501]);
	destroy(native, { root, id: "web" });
	t.match(native.callsOf("signalPid"), [{ pid: 501, signal: 9 }]);
	t.strictSame(leftovers(native), []);
});

t.test("on v2 the kernel is asked to kill them, those being forked included", async (t) => {
	const unified = "/sys/fs/cgroup/web";
	const native = new SceneNative();
	put(native, { process: undefined, record: { cgroup_paths: { "": unified } } });
	native.files.put(`${unified}/cgroup.kill`, "");
	native.addCgroup(`${unified}/a`, [501]);
	native.processes.set(501, { startTime: "1", state: "S" });
	destroy(native, { root, id: "web" });
	t.match(native.callsOf("writeControl"), [{ path: `${unified}/cgroup.kill`, text: "1" }]);
	t.strictSame(leftovers(native), []);
});

t.test("an empty cgroup of v2 is only removed; without cgroup.kill (before Linux 5.14) each is killed", async (t) => {
	const unified = "/sys/fs/cgroup/web";
	const native = new SceneNative();
	const record = { cgroup_paths: { "": unified } };
	put(native, { process: undefined, record });
	native.files.put(`${unified}/cgroup.kill`, "");
	destroy(native, { root, id: "web" });
	t.strictSame(native.callsOf("writeControl"), []);

	put(native, { process: undefined, record });
	native.addCgroup(`${unified}/a`, [501]);
	native.processes.set(501, { startTime: "1", state: "S" });
	destroy(native, { root, id: "web" });
	t.match(native.callsOf("signalPid"), [{ pid: 501, signal: 9 }]);
	t.strictSame(leftovers(native), []);
});

t.test("poststop hooks: state on stdin, a failure is a warning, all run before the directory goes", async (t) => {
	const native = new SceneNative();
	put(native, {
		process: undefined,
		runtime: { poststop: [{ path: "/one" }, { path: "/two", args: ["two", "x"], env: [], timeout: 3 }] },
	});
	native.hookResults = [{ status: 3, output: "no" }];
	const warnings: string[] = [];
	destroy(native, { root, id: "web", env: { A: "b" }, onWarning: (message) => warnings.push(message) });
	t.strictSame(warnings, ["error running poststop hook #0: exit status 3, output: no"]);
	const [one, two] = native.callsOf("runHook");
	t.match(one, { path: "/one", args: ["/one"], env: ["A=b"] });
	t.strictSame(JSON.parse(String(one?.stdin)), {
		ociVersion: "1.2.0",
		id: "web",
		status: "stopped",
		bundle: "/bundle",
	});
	t.match(two, { path: "/two", args: ["two", "x"], timeoutMs: 3000 });
	t.strictSame(two?.env, []);
	t.equal(native.calls.at(-1)?.verb === "close" && native.calls.at(-2)?.verb, "removeTree");
});

t.test("a process that does not end", async (t) => {
	const native = new SceneNative();
	put(native);
	native.waitPid = () => false;
	t.throws(() => destroy(native, { root, id: "web", force: true }), { message: "container init still running" });
	t.ok(native.files.has(`${root}/web/state.json`), "can be tried again");
});

t.test("a command at work", async (t) => {
	const busy = Object.assign(new Error("flock"), { syscall: "flock", errno: 11, code: "EAGAIN" });
	const native = new SceneNative();
	put(native, { waiting: true });
	native.lockDirectory = ({ wait }) => {
		if (!wait) throw busy;
		return 99;
	};
	t.throws(() => destroy(native, { root, id: "web" }), { message: /not stopped: creating$/ }, "is not waited for");
	destroy(native, { root, id: "web", force: true });
	t.strictSame(leftovers(native), [], "--force goes ahead");
});
