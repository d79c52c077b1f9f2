import t from "tap";
import { listProcesses } from "../../src/container/processes.js";
import { put, root, SceneNative } from "./scene.js";

const request = { root, id: "web" };

t.test("all in the cgroups and below, each once, in order", async (t) => {
	const native = new SceneNative();
	put(native);
	for (const pid of [1200, 501, 99]) native.processes.set(pid, { startTime: "1", state: "S" });
	native.processes.set(0, { startTime: "1", state: "S" });
	native.members.set("/sys/fs/cgroup/freezer/web", [500, 1200]);
	native.addCgroup("/sys/fs/cgroup/pids/web/a/b", [501]);
	native.addCgroup("/sys/fs/cgroup/pids/web/c", [99, 0]);
	t.strictSame(listProcesses(native, request), [99, 500, 501, 1200], "0 is no process that anybody here could name");
});

t.test("a stopped container has what is left of it", async (t) => {
	const native = new SceneNative();
	put(native, { process: undefined });
	t.strictSame(listProcesses(native, request), []);
	native.processes.set(501, { startTime: "1", state: "S" });
	native.members.set("/sys/fs/cgroup/pids/web", [501]);
	t.strictSame(listProcesses(native, request), [501]);
});

t.test("unknown: the container, or its processes", async (t) => {
	const native = new SceneNative();
	put(native, { record: { cgroup_paths: {} } });
	t.throws(() => listProcesses(native, request), { code: "cgroup", message: /has no cgroup/ });
	t.throws(() => listProcesses(native, { root, id: "db" }), { message: "container does not exist" });
});
