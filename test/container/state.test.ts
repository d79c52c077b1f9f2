import t from "tap";
import { list } from "../../src/container/list.js";
import { state } from "../../src/container/state.js";
import { put, root, SceneNative } from "./scene.js";

const statusOf = (native: SceneNative) => state(native, { root, id: "web" }).status;

t.test("status comes from facts", async (t) => {
	const cases: [name: string, options: Parameters<typeof put>[1], status: string][] = [
		["waits at its socket", { waiting: true }, "created"],
		["runs", {}, "running"],
		["is gone", { process: undefined }, "stopped"],
		["is a zombie", { process: { startTime: "1000", state: "Z" } }, "stopped"],
		["has another start time: the pid was reused", { process: { startTime: "1001", state: "S" } }, "stopped"],
		["is gone, and its socket's name is left", { process: undefined, waiting: true }, "stopped"],
		["was never there: create was killed", { pid: 0 }, "stopped"],
	];
	for (const [name, options, status] of cases) {
		const native = new SceneNative();
		put(native, options);
		t.equal(statusOf(native), status, name);
	}
});

t.test("a socket that nobody listens on any more", async (t) => {
	const native = new SceneNative();
	put(native, { waiting: true });
	native.listening.clear();
	t.equal(statusOf(native), "running");
});

t.test("a create at work holds the lock", async (t) => {
	const native = new SceneNative();
	put(native, { pid: 0 });
	native.lockDirectory = () => {
		throw Object.assign(new Error("flock"), { syscall: "flock", errno: 11, code: "EAGAIN" });
	};
	t.equal(statusOf(native), "creating");
});

t.test("paused, by v1 freezer and by v2", async (t) => {
	const native = new SceneNative();
	put(native);
	for (const word of ["FROZEN\n", "FREEZING\n"]) {
		native.files.put("/sys/fs/cgroup/freezer/web/freezer.state", word);
		t.equal(statusOf(native), "paused");
	}
	const unified = new SceneNative();
	put(unified, { record: { cgroup_paths: { "": "/sys/fs/cgroup/web" } } });
	t.equal(statusOf(unified), "running");
	unified.files.put("/sys/fs/cgroup/web/cgroup.freeze", "1\n");
	t.equal(statusOf(unified), "paused");
});

t.test("the state document", async (t) => {
	const native = new SceneNative();
	put(native, { runtime: { annotations: { a: "b" } } });
	const document = state(native, { root, id: "web" });
	t.strictSame(document, {
		ociVersion: "1.2.0",
		id: "web",
		pid: 500,
		status: "running",
		bundle: "/bundle",
		rootfs: "/bundle/rootfs",
		created: "2026-01-02T03:04:05.678Z",
		annotations: { a: "b" },
		owner: "",
	});
	native.processes.clear();
	t.match(state(native, { root, id: "web" }), { status: "stopped", pid: 0 });
	t.throws(() => state(native, { root, id: "db" }), { code: "container.missing", message: "container does not exist" });
});

t.test("a record of another program", async (t) => {
	const native = new SceneNative();
	for (const text of ["", "{", "null", '{"id":"web","init_process_pid":1}']) {
		native.files.put(`${root}/web/state.json`, text);
		t.throws(
			() => state(native, { root, id: "web" }),
			{ code: "container.state", context: { hint: /delete --force/ } },
			text,
		);
	}
});

t.test("list", async (t) => {
	const native = new SceneNative({ "/etc/passwd": "toor:x:0:0::/:\nroot:x:0:0::/:\n" });
	put(native, { id: "b", pid: 501 });
	put(native, { id: "a", pid: 502, process: undefined });
	native.files.put(`${root}/broken/state.json`, "{");
	native.files.putDirectory(`${root}/early`);
	native.files.put(`${root}/@seccomp/0123`, "");
	native.files.put(`${root}/stray`, "");
	const warnings: string[] = [];
	const found = list(native, { root, onWarning: (message) => warnings.push(message) });
	t.match(found, [
		{ id: "a", status: "stopped", owner: "toor" },
		{ id: "b", status: "running", owner: "toor" },
	]);
	t.equal(found.length, 2);
	t.match(warnings, [/^load container broken: /]);
	t.equal(warnings.length, 1);
});

t.test("list without a state root", async (t) => {
	const native = new SceneNative();
	t.strictSame(list(native, { env: {} }), []);
	t.throws(() => list(native, { root: "/nowhere" }), { code: "ENOENT" });
});
