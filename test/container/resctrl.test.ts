import t from "tap";
import { create } from "../../src/container/create.js";
import { destroy } from "../../src/container/delete.js";
import { gatherFacts } from "../../src/container/facts.js";
import { containerRecord } from "../../src/container/record.js";
import type { HostStep } from "../../src/plan/schema.js";
import { config, host, leftovers, request } from "./bundle.js";
import { put, root, SceneNative } from "./scene.js";

const mount = "90 30 0:90 / /sys/fs/resctrl rw,nosuid - resctrl resctrl rw\n";

function withRdt(intelRdt: object, files: Record<string, string> = {}): SceneNative {
	const native = host(config({ linux: { namespaces: [{ type: "pid" }, { type: "mount" }], intelRdt } }));
	native.files.put("/proc/self/mountinfo", native.files.read("/proc/self/mountinfo") + mount);
	native.files.putDirectory("/sys/fs/resctrl");
	for (const [path, text] of Object.entries(files)) native.files.put(path, text);
	return native;
}

const spec = (intelRdt: object) => ({ linux: { intelRdt } }) as Parameters<typeof gatherFacts>[1];

function executed(native: SceneNative): string[] {
	return native
		.callsOf("executeHostSteps")
		.map(({ steps, pid }) => {
			const ops = (JSON.parse(String(steps)) as HostStep[]).map(({ op }) => op);
			return `${ops.join(" ")}${pid === undefined ? "" : ` of ${pid}`}`;
		})
		.filter((line) => !line.startsWith("cgroup"));
}

t.test("what the host has", async (t) => {
	const files = { "/sys/fs/resctrl/gold/schemata": "L3:0=f\n", "/sys/fs/resctrl/schemata": "L3:0=ff\n" };
	const native = withRdt({}, files);
	t.same(gatherFacts(native, spec({})).resctrl, { root: "/sys/fs/resctrl" });
	t.same(gatherFacts(native, spec({ closID: "gold" })).resctrl, { root: "/sys/fs/resctrl", schemata: "L3:0=f\n" });
	t.same(gatherFacts(native, spec({ closID: "/" })).resctrl, { root: "/sys/fs/resctrl", schemata: "L3:0=ff\n" });
	t.same(gatherFacts(native, spec({ closID: "none" })).resctrl, { root: "/sys/fs/resctrl" });
	t.equal(gatherFacts(host(), spec({})).resctrl, undefined, "no mount");
	t.equal(gatherFacts(native, { linux: {} } as Parameters<typeof gatherFacts>[1]).resctrl, undefined, "not asked for");
});

t.test("groups are made before the process is there, and joined when it is", async (t) => {
	const native = withRdt({ memBwSchema: "MB:0=50", enableMonitoring: true });
	create(native, request);
	t.same(executed(native), ["resctrl.create resctrl.schemata resctrl.create", "resctrl.join resctrl.join of 500"]);
	const record = containerRecord.parse(JSON.parse(native.files.read(`${root}/web/state.json`)));
	t.match(record, {
		intel_rdt_path: "/sys/fs/resctrl/web",
		intel_rdt_mon_path: "/sys/fs/resctrl/web/mon_groups/web",
		runtime_ts: { resctrl: ["/sys/fs/resctrl/web/mon_groups/web", "/sys/fs/resctrl/web"] },
	});
});

t.test("delete removes the container's own groups", async (t) => {
	const native = new SceneNative({ "/proc/self/status": "CapBnd:\t000001ffffffffff\n" });
	const own = ["/sys/fs/resctrl/web/mon_groups/web", "/sys/fs/resctrl/web"];
	native.files.putDirectory("/sys/fs/resctrl/web");
	put(native, { process: undefined, record: { cgroup_paths: {} }, runtime: { resctrl: own } });
	destroy(native, { root, id: "web" });
	t.same(
		native.callsOf("removeDirectory").map(({ path, missingOk }) => [path, missingOk]),
		own.map((path) => [path, true]),
	);
	t.equal(native.files.stat("/sys/fs/resctrl/web"), undefined);
});

t.test("a group of that name that is there already is not taken, and stays", async (t) => {
	const native = withRdt({}, { "/sys/fs/resctrl/web/schemata": "L3:0=f\n" });
	t.throws(() => create(native, request), {
		code: "cgroup",
		message: /the resctrl group \/sys\/fs\/resctrl\/web exists already/,
		context: { pointer: "/linux/intelRdt" },
	});
	t.ok(native.files.stat("/sys/fs/resctrl/web"));
	t.same(
		leftovers(native).filter((path) => !path.startsWith("/sys/fs/resctrl")),
		[],
	);
});

t.test("a create that fails removes what it made, a class that closID names too", async (t) => {
	const native = withRdt({ closID: "gold", memBwSchema: "MB:0=50" });
	native.messages = [{ type: "pid", pid: 500, pidfd: 60 }, { type: "died" }];
	t.throws(() => create(native, request));
	t.ok(native.callsOf("removeDirectory").some(({ path }) => path === "/sys/fs/resctrl/gold"));
});

t.test("the kernel's refusal is an error of the config value", async (t) => {
	const native = withRdt({ l3CacheSchema: "L3:0=0" });
	const plain = native.executeHostSteps.bind(native);
	native.executeHostSteps = (options) => {
		plain(options);
		if (!options.steps.includes("schemata")) return undefined;
		return { step: 1, syscall: "write", errno: 22, code: "EINVAL", detail: "Mask out of range" };
	};
	t.throws(() => create(native, request), {
		message: /write L3:0=0 to \/sys\/fs\/resctrl\/web\/schemata: invalid argument \(Mask out of range\)/,
		context: { pointer: "/linux/intelRdt/l3CacheSchema" },
	});
});
