import t from "tap";
import { create } from "../../src/container/create.js";
import { run } from "../../src/container/run.js";
import type { HostStep } from "../../src/plan/schema.js";
import { config, host, request } from "./bundle.js";
import type { SceneNative } from "./scene.js";

const spec = config({
	linux: {
		namespaces: [{ type: "pid" }, { type: "mount" }, { type: "network" }],
		netDevices: { eth0: { name: "up%d" }, eth1: {} },
	},
	hooks: { createRuntime: [{ path: "/hook" }] },
});

function scene(): SceneNative {
	const native = host(spec);
	native.messages = [
		{ type: "pid", pid: 500, pidfd: 60 },
		{ type: "netDevices" },
		{ type: "hooks" },
		{ type: "ready" },
		{ type: "closed" },
	];
	return native;
}

/** The ops of each time that host steps ran, those of cgroups left out. */
function executed(native: SceneNative): string[] {
	return native
		.callsOf("executeHostSteps")
		.map(({ steps, pid }) => {
			const ops = (JSON.parse(String(steps)) as HostStep[]).map(({ op }) => op);
			return `${ops.join(" ")}${pid === undefined ? "" : ` of ${pid}`}`;
		})
		.filter((line) => !line.startsWith("cgroup"));
}

t.test("create moves when the init asks, and answers", async (t) => {
	const native = scene();
	create(native, request);
	t.same(executed(native), ["netDevice.move netDevice.move of 500"]);
	t.same(
		native.callsOf("send").map(({ type }) => type),
		["netDevices", "hooks"],
	);
});

t.test("run forgets the way back before it waits for the container's end", async (t) => {
	const native = scene();
	run(native, request);
	t.same(executed(native), ["netDevice.move netDevice.move of 500", "netDevices.keep"]);
	const verbs = native.calls.map(({ verb }) => verb);
	t.ok(verbs.lastIndexOf("executeHostSteps") < verbs.indexOf("supervise"));
});

t.test("a create that fails later moves the devices back, before the process ends", async (t) => {
	const native = scene();
	native.hookResults = [{ status: 1 }, { status: 1 }];
	t.throws(() => create(native, request), { code: "hook" });
	t.same(executed(native), ["netDevice.move netDevice.move of 500", "netDevices.return"]);
	const last = native.calls.findLastIndex(({ options }) => String(options.steps).includes("netDevices.return"));
	t.ok(last < native.calls.findIndex(({ verb }) => verb === "signalPid"));
});

t.test("the move that fails is named, and those before it are moved back", async (t) => {
	const native = scene();
	const plain = native.executeHostSteps.bind(native);
	native.executeHostSteps = (options) => {
		plain(options);
		if (!options.steps.includes("netDevice.move")) return undefined;
		return { step: 1, syscall: "rtnetlink", errno: 19, code: "ENODEV", detail: "eth1" };
	};
	t.throws(() => create(native, request), {
		message: /move network device eth1 into the container: no such device \(config\.json#\/linux\/netDevices\/eth1\)/,
		context: { pointer: "/linux/netDevices/eth1", hint: /has no device of that name/ },
	});
	t.same(executed(native).at(-1), "netDevices.return");
});

t.test("what could not be moved back is said", async (t) => {
	const native = scene();
	native.hookResults = [{ status: 1 }];
	const plain = native.executeHostSteps.bind(native);
	native.executeHostSteps = (options) => {
		plain(options);
		if (!options.steps.includes("netDevices.return")) return undefined;
		return { step: 0, syscall: "rtnetlink", errno: 17, code: "EEXIST" };
	};
	t.throws(() => create(native, request), {
		code: "hook",
		context: { hint: /move the network devices back: file exists/ },
	});
});
