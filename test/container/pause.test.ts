import t from "tap";
import { pause, resume } from "../../src/container/pause.js";
import { start } from "../../src/container/start.js";
import { state } from "../../src/container/state.js";
import { put, root, SceneNative } from "./scene.js";

const request = { root, id: "web" };
const freezer = "/sys/fs/cgroup/freezer/web/freezer.state";
const unified = "/sys/fs/cgroup/web";

const statusOf = (native: SceneNative) => state(native, request).status;
/** What was written to the freezer. */
const written = (native: SceneNative) => native.callsOf("writeControl").map(({ text }) => text);

/** A container on v2; its cgroup.events says what `frozen` says. */
function onUnified(frozen: (native: SceneNative) => boolean): SceneNative {
	const native = new SceneNative();
	put(native, { record: { cgroup_paths: { "": unified } } });
	native.files.put(`${unified}/cgroup.freeze`, "0\n");
	native.files.put(`${unified}/cgroup.events`, "");
	const read = native.readText.bind(native);
	native.readText = (options) =>
		options.path === `${unified}/cgroup.events` ? `populated 1\nfrozen ${frozen(native) ? 1 : 0}\n` : read(options);
	return native;
}

t.test("v1: frozen and thawed, running and created", async (t) => {
	for (const waiting of [false, true]) {
		const native = new SceneNative();
		put(native, { waiting });
		pause(native, request);
		t.equal(statusOf(native), "paused");
		t.throws(() => start(native, { ...request, env: {} }), {
			message: "cannot start a container in the paused state",
			context: { hint: "`resume` it first" },
		});
		t.throws(() => pause(native, request), {
			message: "container not running",
			context: { hint: "it is paused already" },
		});
		t.strictSame(native.callsOf("send"), [], "nobody waits for a frozen init");
		t.throws(() => pause(native, request), { message: "container not running" });
		resume(native, request);
		t.equal(statusOf(native), waiting ? "created" : "running");
		t.strictSame(written(native), ["FROZEN", "THAWED"]);
	}
});

t.test("v1: a cgroup that stays FREEZING is thawed and frozen anew, with pauses between the looks", async (t) => {
	const native = new SceneNative();
	put(native);
	let looks = 0;
	const read = native.readText.bind(native);
	native.readText = (options) => {
		const text = read(options);
		return options.path === freezer && text.startsWith("FROZEN") && looks++ < 10 ? "FREEZING\n" : text;
	};
	pause(native, request);
	t.equal(native.readText({ path: freezer }), "FROZEN");
	t.equal(written(native).filter((word) => word === "THAWED").length, 1);
	const pauses = native.callsOf("waitEvents").map(({ timeoutMs }) => timeoutMs);
	t.strictSame(pauses.slice(0, 7), [1, 2, 4, 8, 16, 32, 1]);
	t.ok(native.callsOf("waitEvents").every(({ pidfd }) => pidfd !== undefined));
});

t.test("v1: one that does not freeze in time runs on", async (t) => {
	const native = new SceneNative();
	put(native);
	const read = native.readText.bind(native);
	let written = false;
	native.readText = (options) => (options.path === freezer && written ? "FREEZING\n" : read(options));
	const write = native.writeControl.bind(native);
	native.writeControl = (options) => {
		write(options);
		written = options.text === "FROZEN";
	};
	const now = performance.now;
	t.teardown(() => {
		performance.now = now;
	});
	let time = 0;
	performance.now = () => (time += 500);
	t.throws(() => pause(native, request), { message: "unable to freeze", code: "cgroup" });
	t.equal(read({ path: freezer }), "THAWED");
});

t.test("v1: frozen with a cgroup above it: not paused, and not to be resumed", async (t) => {
	const native = new SceneNative();
	put(native);
	native.files.put(freezer, "FROZEN\n");
	native.files.put("/sys/fs/cgroup/freezer/web/freezer.self_freezing", "0\n");
	t.equal(statusOf(native), "running");
	t.throws(() => resume(native, request), { message: "container not paused" });
});

t.test("v2: waits for cgroup.events", async (t) => {
	let changed = false;
	const native = onUnified(() => changed);
	native.events = [
		() => [],
		() => {
			changed = true;
			return [{ fd: Number(native.callsOf("waitEvents").at(-1)?.events), times: 1 }];
		},
	];
	pause(native, request);
	t.match(native.callsOf("watchFiles"), [{ paths: [`${unified}/cgroup.events`] }]);
	t.equal(native.callsOf("waitEvents").length, 2);
	t.strictSame(written(native), ["1"]);
	t.equal(statusOf(native), "paused");
	resume(native, request);
	t.strictSame(written(native), ["1", "0"]);
});

t.test("v2: the container ends while it is frozen: not paused, thawed", async (t) => {
	const native = onUnified(() => false);
	native.events = [
		() => {
			native.processes.delete(500);
			return [{ fd: Number(native.callsOf("waitEvents").at(-1)?.pidfd), times: 1 }];
		},
	];
	t.throws(() => pause(native, request), { message: "container not running" });
	t.equal(native.readText({ path: `${unified}/cgroup.freeze` }), "0");
});

t.test("v2: an empty cgroup freezes, too, but the container has stopped", async (t) => {
	const native = onUnified((native) => {
		native.processes.delete(500);
		return true;
	});
	t.throws(() => pause(native, request), { message: "container not running" });
	t.equal(native.readText({ path: `${unified}/cgroup.freeze` }), "0");
});

t.test("who cannot be paused", async (t) => {
	const stopped = new SceneNative();
	put(stopped, { process: undefined });
	t.throws(() => pause(stopped, request), { message: "container not running" });
	t.throws(() => resume(stopped, request), { message: "container not paused" });
	t.strictSame(written(stopped), []);

	const running = new SceneNative();
	put(running);
	t.throws(() => resume(running, request), { message: "container not paused" });

	const without = new SceneNative();
	put(without, { record: { cgroup_paths: {} } });
	t.throws(() => pause(without, request), { code: "cgroup", message: /^freezer not supported/ });

	const inside = new SceneNative();
	put(inside);
	inside.processes.set(process.pid, { startTime: "1", state: "R" });
	inside.members.set("/sys/fs/cgroup/freezer/web", [500, process.pid]);
	t.throws(() => pause(inside, request), { message: "cannot pause the container from inside its cgroup" });
	t.strictSame(written(inside), []);

	const none = new SceneNative();
	none.files.putDirectory(root);
	t.throws(() => pause(none, request), { message: "container does not exist" });
	t.throws(() => resume(none, request), { message: "container does not exist" });
});

t.test("descriptors are closed", async (t) => {
	const native = onUnified(() => true);
	pause(native, request);
	const closed = native.callsOf("close").length;
	t.equal(closed, native.callsOf("openPid").length + native.callsOf("watchFiles").length + lockCount(native));
});

function lockCount(native: SceneNative): number {
	return native.callsOf("lockDirectory").length;
}
