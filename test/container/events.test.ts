import t from "tap";
import { type ContainerEvent, followEvents, statsOnce } from "../../src/container/events.js";
import type { ReadyEvent } from "../../src/native/api.js";
import { put, root, SceneNative } from "./scene.js";

const memory = "/sys/fs/cgroup/memory/web";
const unified = "/sys/fs/cgroup/web";
const cgroups = { memory, pids: "/sys/fs/cgroup/pids/web" };

function onV1(): SceneNative {
	const native = new SceneNative();
	put(native, { record: { cgroup_paths: cgroups } });
	native.files.put(`${memory}/memory.oom_control`, "oom_kill_disable 0\n");
	native.files.put("/sys/fs/cgroup/pids/web/pids.current", "3\n");
	return native;
}

function onUnified(): SceneNative {
	const native = new SceneNative();
	put(native, { record: { cgroup_paths: { "": unified } } });
	native.files.put(`${unified}/memory.events`, "max 0\noom 0\noom_kill 2\n");
	native.files.put(`${unified}/pids.current`, "3\n");
	return native;
}

interface Followed {
	/** Types of the events, in order. */
	types: string[];
	notices: string[];
}

const intervalMs = 1000;

/** What happens: a step a wait. The time stands still but for `time`, which is a step that lasts. */
type Step = (native: SceneNative) => ReadyEvent[];

function follow(native: SceneNative, steps: Step[]): Followed {
	const followed: Followed = { types: [], notices: [] };
	native.events = steps.map((step) => () => step(native));
	followEvents(native, {
		root,
		id: "web",
		intervalMs,
		output: 1,
		onEvent: (event: ContainerEvent) => followed.types.push(event.type),
		onNotice: (message) => followed.notices.push(message),
	});
	return followed;
}

const lastWait = (native: SceneNative) => native.callsOf("waitEvents").at(-1);
const ready = (fd: unknown, times = 1): ReadyEvent => ({ fd: Number(fd), times });
/** The memory watch tells `times` times. */
const told =
	(times = 1): Step =>
	(native) => [ready(lastWait(native)?.events, times)];
const ended: Step = (native) => {
	native.processes.delete(500);
	return [ready(lastWait(native)?.pidfd)];
};

t.beforeEach(() => {
	time = 0;
});
let time = 0;
const now = performance.now;
performance.now = () => time;
t.teardown(() => {
	performance.now = now;
});
const lasts =
	(milliseconds: number): Step =>
	() => {
		time += milliseconds;
		return [];
	};

t.test("statistics, once", async (t) => {
	const event = statsOnce(onV1(), { root, id: "web" });
	t.match(event, {
		type: "stats",
		id: "web",
		data: { pids: { current: 3n }, intel_rdt: {}, network_interfaces: null },
	});
	t.match(statsOnce(onUnified(), { root, id: "web" }), { data: { pids: { current: 3n } } });
});

t.test("statistics of the network namespace", async (t) => {
	const native = onV1();
	const config = { rootfs: "/r", readonlyfs: false, hostname: "", labels: [] };
	put(native, { record: { cgroup_paths: cgroups, config: { ...config, namespaces: [{ type: "NEWNET", path: "" }] } } });
	const line = " eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
	native.files.put("/proc/500/net/dev", `heading\nheading\n${line}`);
	t.match(statsOnce(native, { root, id: "web" }), { data: { network_interfaces: [{ Name: "eth0", RxBytes: 1n }] } });
});

t.test("of resctrl, by the paths in the record", async (t) => {
	const native = onV1();
	const intel = { intel_rdt_path: "/rdt/web", intel_rdt_mon_path: "/rdt/web/mon_groups/web" };
	put(native, { record: { cgroup_paths: cgroups, ...intel } });
	native.files.put("/proc/self/mountinfo", "30 25 0:26 / /rdt rw - resctrl resctrl rw\n");
	native.files.put("/rdt/info/L3/cbm_mask", "fff\n");
	native.files.put("/rdt/web/schemata", "L3:0=f\n");
	native.files.put("/rdt/info/L3_MON/mon_features", "llc_occupancy\n");
	native.files.put("/rdt/web/mon_groups/web/mon_data/mon_L3_00/llc_occupancy", "5\n");
	t.match(statsOnce(native, { root, id: "web" }), {
		data: { intel_rdt: { l3_cache_schema: "L3:0=f", cmt_stats: [{ llc_occupancy: 5n }] } },
	});
});

t.test("the stream: after each interval, to the container's end", async (t) => {
	const native = onV1();
	const followed = follow(native, [lasts(400), lasts(600), lasts(1000), lasts(2500), lasts(400), lasts(100), ended]);
	t.strictSame(followed, { types: ["stats", "stats", "stats", "stats"], notices: [] });
	const waits = native.callsOf("waitEvents").map(({ timeoutMs }) => timeoutMs);
	t.strictSame(waits, [1000, 600, 1000, 1000, 500, 100, 1000], "late ones are not made up for, and stay in step");
	t.ok(native.callsOf("waitEvents").every(({ output }) => output === 1));
	t.equal(native.callsOf("close").length, native.callsOf("openPid").length + native.callsOf("watchOutOfMemory").length);
});

t.test("nobody reads any more", async (t) => {
	t.strictSame(follow(onV1(), [lasts(1000), () => [ready(1)]]).types, ["stats"]);
});

t.test("v1: out of memory, also as the last thing", async (t) => {
	t.strictSame(follow(onV1(), [told(), told(7), ended]).types, ["oom", "oom"]);
	const last: Step = (native) => [...told()(native), ...ended(native)];
	t.strictSame(follow(onV1(), [last]).types, ["oom"]);
});

t.test("v1: the signal for the end of the cgroup is none for the end of memory", async (t) => {
	const removed: Step = (native) => {
		native.files.removeTree(memory);
		return [...told()(native), ...ended(native)];
	};
	t.strictSame(follow(onV1(), [removed]).types, []);
	const both: Step = (native) => {
		native.files.removeTree(memory);
		return [...told(2)(native), ...ended(native)];
	};
	t.strictSame(follow(onV1(), [both]).types, ["oom"], "one of each");
});

const events =
	(text: string): Step =>
	(native) => {
		native.files.put(`${unified}/memory.events`, text);
		return told()(native);
	};

t.test("v2: only when more processes were killed than before", async (t) => {
	const followed = follow(onUnified(), [
		events("max 5\noom 0\noom_kill 2\n"),
		events("max 9\noom 1\noom_kill 3\n"),
		events("max 10\noom 1\noom_kill 3\n"),
		events("max 10\noom 3\noom_kill 5\noom_group_kill 0\n"),
		ended,
	]);
	t.strictSame(followed.types, ["oom", "oom"]);
});

t.test("v2: the last look, although the kernel has not told yet; a cgroup that is gone", async (t) => {
	const last: Step = (native) => {
		events("oom_kill 3\n")(native);
		return ended(native);
	};
	t.strictSame(follow(onUnified(), [last]).types, ["oom"]);
	const gone: Step = (native) => {
		native.files.removeTree(unified);
		return ended(native);
	};
	t.strictSame(follow(onUnified(), [gone]).types, []);
});

t.test("without the memory controller: said, and statistics all the same", async (t) => {
	const native = new SceneNative();
	put(native, { record: { cgroup_paths: { pids: "/sys/fs/cgroup/pids/web" } } });
	t.strictSame(follow(native, [lasts(1000), ended]), {
		types: ["stats"],
		notices: ["no oom events: container web has no cgroup with the memory controller"],
	});
});

t.test("who has none", async (t) => {
	const stopped = new SceneNative();
	put(stopped, { process: undefined });
	const message = "container with id web is not running";
	t.throws(() => statsOnce(stopped, { root, id: "web" }), { message });
	t.throws(() => follow(stopped, []), { message });
	const without = new SceneNative();
	put(without, { record: { cgroup_paths: {} } });
	t.throws(() => statsOnce(without, { root, id: "web" }), { code: "cgroup", message: /has no cgroup/ });
	const none = new SceneNative();
	none.files.putDirectory(root);
	t.throws(() => statsOnce(none, { root, id: "web" }), { message: "container does not exist" });
});
