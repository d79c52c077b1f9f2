import t from "tap";
import { kill } from "../../src/container/kill.js";
import { put, root, SceneNative } from "./scene.js";

const shared = { config: { rootfs: "/r", readonlyfs: false, hostname: "", namespaces: [], labels: [] } };

/** Signals sent, as pid and number. */
function sent(native: SceneNative): [unknown, unknown][] {
	return native.callsOf("signalPid").map(({ pid, signal }) => [pid, signal]);
}

t.test("the first process gets the signal, SIGTERM by default", async (t) => {
	const native = new SceneNative();
	put(native);
	kill(native, { root, id: "web" });
	kill(native, { root, id: "web", signal: "usr1" });
	t.strictSame(sent(native), [
		[500, 15],
		[500, 10],
	]);
});

t.test("a created container can be killed", async (t) => {
	const native = new SceneNative();
	put(native, { waiting: true });
	kill(native, { root, id: "web", signal: "KILL" });
	t.strictSame(sent(native), [[500, 9]]);
});

t.test("no process: container not running", async (t) => {
	for (const process of [undefined, { startTime: "1000", state: "Z" }, { startTime: "1", state: "S" }]) {
		const native = new SceneNative();
		put(native, { process });
		t.throws(() => kill(native, { root, id: "web", signal: "9" }), { message: "container not running" });
		t.strictSame(sent(native), [], "a process with a reused pid gets nothing");
	}
});

t.test("--all reaches those that are left, and is content with nobody", async (t) => {
	const native = new SceneNative();
	put(native, { process: undefined });
	kill(native, { root, id: "web", signal: "9", all: true });
	t.strictSame(sent(native), []);
	native.processes.set(501, { startTime: "1", state: "S" });
	native.addCgroup("/sys/fs/cgroup/pids/web/sub", [501]);
	kill(native, { root, id: "web", signal: "TERM", all: true });
	t.strictSame(sent(native), [[501, 15]], "in a cgroup below, too");
	t.equal(native.readText({ path: "/sys/fs/cgroup/freezer/web/freezer.state" }), "THAWED");
});

t.test("--all sends once to each", async (t) => {
	const native = new SceneNative();
	put(native);
	native.processes.set(501, { startTime: "1", state: "S" });
	for (const controller of ["pids", "freezer"]) native.members.set(`/sys/fs/cgroup/${controller}/web`, [500, 501]);
	kill(native, { root, id: "web", signal: "HUP", all: true });
	t.strictSame(sent(native), [
		[500, 1],
		[501, 1],
	]);
});

t.test("SIGKILL without a pid namespace of its own takes the whole cgroup", async (t) => {
	const native = new SceneNative();
	put(native, { record: shared });
	native.processes.set(501, { startTime: "1", state: "S" });
	native.members.set("/sys/fs/cgroup/pids/web", [500, 501]);
	kill(native, { root, id: "web", signal: "KILL" });
	t.strictSame(sent(native), [
		[500, 9],
		[501, 9],
	]);
});

t.test("SIGKILL for who outlived the first process of a shared pid namespace", async (t) => {
	const native = new SceneNative();
	put(native, { process: undefined, record: shared });
	t.throws(() => kill(native, { root, id: "web", signal: "KILL" }), { message: "container not running" });
	native.processes.set(501, { startTime: "1", state: "S" });
	native.members.set("/sys/fs/cgroup/pids/web", [501]);
	t.throws(() => kill(native, { root, id: "web", signal: "TERM" }), { message: "container not running" });
	kill(native, { root, id: "web", signal: "KILL" });
	t.strictSame(sent(native), [[501, 9]]);
});

t.test("SIGKILL for all on v1: frozen, killed, thawed, waited for, so that none is forked behind it", async (t) => {
	const native = new SceneNative();
	put(native, { record: shared });
	native.processes.set(501, { startTime: "1", state: "S" });
	native.members.set("/sys/fs/cgroup/pids/web", [500, 501]);
	const signal = native.signalPid.bind(native);
	native.signalPid = (options) => {
		signal(options);
		// The first process has had its signal before the others are looked for.
		if (native.callsOf("signalPid").length === 1) native.processes.set(500, { startTime: "1000", state: "S" });
	};
	kill(native, { root, id: "web", signal: "KILL", all: true });
	const verbs = native.calls
		.filter(({ verb }) => verb === "writeControl" || verb === "signalPid" || verb === "waitPid")
		.map(({ verb, options }) => (verb === "writeControl" ? options.text : verb));
	t.strictSame(verbs, ["signalPid", "FROZEN", "signalPid", "signalPid", "THAWED", "waitPid", "waitPid"]);
});

t.test("without a cgroup nobody knows the others: said, unless the kernel does it", async (t) => {
	const notices = (signal: string, record: object): string[] => {
		const native = new SceneNative();
		put(native, { record: { ...record, cgroup_paths: {} } });
		const told: string[] = [];
		kill(native, { root, id: "web", signal, all: true, onNotice: (message) => told.push(message) });
		return told;
	};
	const message = "container web has no cgroup: only its first process got the signal";
	t.strictSame(notices("KILL", {}), []);
	t.strictSame(notices("TERM", {}), [message]);
	t.strictSame(notices("KILL", shared), [message]);
});

t.test("a frozen container is thawed to die", async (t) => {
	const native = new SceneNative();
	put(native);
	native.files.put("/sys/fs/cgroup/freezer/web/freezer.state", "FROZEN\n");
	kill(native, { root, id: "web", signal: "TERM" });
	t.equal(native.readText({ path: "/sys/fs/cgroup/freezer/web/freezer.state" }), "FROZEN\n", "SIGTERM waits");
	kill(native, { root, id: "web", signal: "KILL" });
	t.equal(native.readText({ path: "/sys/fs/cgroup/freezer/web/freezer.state" }), "THAWED");
});

t.test("never itself, wherever it was put", async (t) => {
	const native = new SceneNative();
	put(native);
	native.processes.set(process.pid, { startTime: "1", state: "R" });
	native.members.set("/sys/fs/cgroup/pids/web", [process.pid, 500]);
	kill(native, { root, id: "web", signal: "TERM", all: true });
	t.strictSame(sent(native), [[500, 15]]);
});

t.test("misuse", async (t) => {
	const native = new SceneNative();
	put(native);
	t.throws(() => kill(native, { root, id: "web", signal: "NOPE" }), { message: 'unknown signal "NOPE"' });
	t.throws(() => kill(native, { root, id: "db" }), { message: "container does not exist" });
});
