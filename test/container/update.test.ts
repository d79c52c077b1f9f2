/** `update` on a host in memory: what is written when something fails, and the part about resctrl. */
import t from "tap";
import { containerRecord } from "../../src/container/record.js";
import { recordedResources } from "../../src/container/recorded-resources.js";
import { type UpdateRequest, update } from "../../src/container/update.js";
import type { StepFailure } from "../../src/native/api.js";
import { nativeFailure } from "../../src/native/fake.js";
import type { HostStep } from "../../src/plan/schema.js";
import { put, root, SceneNative } from "./scene.js";

const pids = "/sys/fs/cgroup/pids/web";
const memory = "/sys/fs/cgroup/memory/web";

/** Control files hold what is written to them; a value with an x is refused. */
class Host extends SceneNative {
	readonly written: string[] = [];

	override executeHostSteps(options: { steps: string; pid?: number }): StepFailure | undefined {
		super.executeHostSteps(options);
		for (const [index, step] of (JSON.parse(options.steps) as HostStep[]).entries()) {
			if (step.op !== "cgroup.write" && step.op !== "resctrl.schemata") {
				if (step.op === "resctrl.create") this.files.put(`${step.path}/schemata`, "    L3:0=fff\n    MB:0=100\n");
				continue;
			}
			const path = step.op === "cgroup.write" ? step.path : `${step.path}/schemata`;
			if (step.value.includes("x")) return { step: index, syscall: "write", errno: 22, code: "EINVAL" };
			this.writeControl({ path, text: step.value });
		}
		return undefined;
	}

	override writeControl(options: { path: string; text: string }): void {
		super.writeControl(options);
		this.written.push(`${options.path}=${options.text}`);
	}
}

function host(options: Parameters<typeof put>[1] = {}): Host {
	const native = new Host({ "/proc/self/mountinfo": "" });
	put(native, { record: { cgroup_paths: { pids, memory } }, ...options });
	native.files.put(`${pids}/pids.max`, "20\n");
	native.files.put(`${memory}/memory.limit_in_bytes`, "100\n");
	native.files.put(`${memory}/memory.memsw.limit_in_bytes`, "200\n");
	return native;
}

const request = (resources: UpdateRequest["resources"], schemas?: UpdateRequest["schemas"]): UpdateRequest => ({
	root,
	id: "web",
	resources,
	nameOf: (pointer) => `here${pointer}`,
	...(schemas === undefined ? {} : { schemas }),
});

const recordOf = (native: Host) => containerRecord.parse(JSON.parse(native.files.read(`${root}/web/state.json`)));

t.test("values and record", async (t) => {
	const native = host({ runtime: { resources: { cpu: { shares: 5 } } } });
	update(native, request({ pids: { limit: 30 } }));
	t.strictSame(native.written, [`${pids}/pids.max=30`]);
	t.strictSame(recordOf(native).runtime_ts.resources, { cpu: { shares: 5 }, pids: { limit: 30 } });
	const verbs = native.calls.map(({ verb }) => verb);
	t.same(
		native.callsOf("lockDirectory").map(({ path, exclusive }) => [path, exclusive]),
		[
			[`${root}/web`, false],
			[`${root}/web/update`, true],
		],
	);
	t.ok(verbs.lastIndexOf("lockDirectory") < verbs.indexOf("executeHostSteps"), "locked");
	t.equal(verbs.at(-1), "close", "and unlocked");
});

t.test("a refusal: what was written before it is taken back, the last first", async (t) => {
	const native = host();
	const before = native.files.read(`${root}/web/state.json`);
	native.executeHostSteps = (options) =>
		options.steps.includes("pids.max")
			? { step: 0, syscall: "write", errno: 22, code: "EINVAL" }
			: Host.prototype.executeHostSteps.call(native, options);
	t.throws(() => update(native, request({ memory: { limit: 300, swap: 400 }, pids: { limit: 30 } })), {
		code: "cgroup",
		message: `unable to update: write 30 to ${pids}/pids.max: invalid argument (here/pids/limit)`,
	});
	t.strictSame(native.written, [
		`${memory}/memory.memsw.limit_in_bytes=400`,
		`${memory}/memory.limit_in_bytes=300`,
		`${memory}/memory.limit_in_bytes=100`,
		`${memory}/memory.memsw.limit_in_bytes=200`,
	]);
	t.equal(native.files.read(`${root}/web/state.json`), before);
});

t.test("a record that can't be written takes the values back too", async (t) => {
	const native = host();
	native.replaceFile = () => {
		throw nativeFailure("open", "ENOSPC", "state.json");
	};
	t.throws(() => update(native, request({ pids: { limit: 30 } })), { code: "ENOSPC" });
	t.strictSame(native.written, [`${pids}/pids.max=30`, `${pids}/pids.max=20`]);
});

t.test("what can't be taken back is told", async (t) => {
	const native = host();
	native.writeControl = () => {
		throw nativeFailure("write", "EBUSY", "somewhere");
	};
	native.executeHostSteps = ({ steps }) =>
		steps.includes("pids.max") ? { step: 0, syscall: "write", errno: 22, code: "EINVAL" } : undefined;
	t.throws(() => update(native, request({ memory: { limit: 50 }, pids: { limit: 30 } })), {
		message: /pids\.max: invalid argument/,
		context: { hint: /what was changed before could not all be taken back: write somewhere: EBUSY/ },
	});
});

t.test("an error that is none of ours, and what can't be taken back: the error stays what it is", async (t) => {
	const native = host();
	native.writeControl = () => {
		throw nativeFailure("write", "EBUSY", "somewhere");
	};
	native.executeHostSteps = () => undefined;
	native.replaceFile = () => {
		throw nativeFailure("open", "ENOSPC", "state.json");
	};
	t.throws(() => update(native, request({ pids: { limit: 30 } })), { code: "ENOSPC" });
});

t.test("states", async (t) => {
	const stopped = host({ process: undefined });
	t.throws(() => update(stopped, request({ pids: { limit: 30 } })), { message: "container not running" });
	t.throws(() => update(host({ pid: 0 }), request({})), { message: "container not running" });
	t.throws(() => update(new Host(), request({})), { message: "container does not exist" });
	const created = host({ waiting: true });
	update(created, request({ pids: { limit: 30 } }));
	t.strictSame(created.written, [`${pids}/pids.max=30`]);
});

t.test("integers above 2^53 survive the record", async (t) => {
	const native = host();
	const resources = {
		memory: { limit: 9223372036854771711n },
		cpu: { cpus: "1", quota: -9223372036854775808n },
		hugepageLimits: [{ pageSize: "2MB", limit: 18446744073709551615n }],
		blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 18446744073709551615n }] },
	};
	put(native, {
		runtime: {
			resources: JSON.parse(
				JSON.stringify(resources, (_, value) => (typeof value === "bigint" ? String(value) : value)),
			),
		},
	});
	t.strictSame(recordedResources(recordOf(native)), resources);
});

const mountinfo = "90 30 0:90 / /sys/fs/resctrl rw,nosuid - resctrl resctrl rw\n";

function withResctrl(options: Parameters<typeof put>[1] = {}): Host {
	const native = host(options);
	native.files.put("/proc/self/mountinfo", mountinfo);
	native.files.put("/sys/fs/resctrl/schemata", "    L3:0=fff\n    MB:0=100\n");
	return native;
}

const opsOf = (native: Host) =>
	native
		.callsOf("executeHostSteps")
		.map(({ steps, pid }) =>
			[(JSON.parse(String(steps)) as HostStep[])[0]?.op, ...(pid === undefined ? [] : [pid])].join(" "),
		);

t.test("resctrl: the lines of the container's group", async (t) => {
	const native = withResctrl({ record: { cgroup_paths: { pids }, intel_rdt_path: "/sys/fs/resctrl/gold" } });
	native.files.put("/sys/fs/resctrl/gold/schemata", "    L3:0=00f\n    MB:0=20\n");
	update(native, request({}, { l3CacheSchema: "L3:0=0ff" }));
	t.strictSame(native.written, ["/sys/fs/resctrl/gold/schemata=L3:0=0ff\n"]);
	t.equal(recordOf(native).intel_rdt_path, "/sys/fs/resctrl/gold");
});

t.test("resctrl: a container without a group gets its own, with all of its processes, until delete", async (t) => {
	const native = withResctrl();
	native.processes.set(501, { startTime: "1", state: "S" });
	native.members.set(pids, [500, 501]);
	update(native, request({}, { l3CacheSchema: "L3:0=0ff", memBwSchema: "MB:0=50" }));
	t.strictSame(opsOf(native), ["resctrl.create", "resctrl.join 500", "resctrl.join 501", "resctrl.schemata"]);
	t.strictSame(native.written, ["/sys/fs/resctrl/web/schemata=L3:0=0ff\nMB:0=50\n"]);
	t.match(recordOf(native), {
		intel_rdt_path: "/sys/fs/resctrl/web",
		runtime_ts: { resctrl: ["/sys/fs/resctrl/web"] },
	});
});

t.test("resctrl: a line that the kernel refuses leaves no group, and no limit", async (t) => {
	const native = withResctrl();
	const before = native.files.read(`${root}/web/state.json`);
	t.throws(() => update(native, request({ pids: { limit: 30 } }, { l3CacheSchema: "L3:0=x" })), {
		message: /write L3:0=x to \/sys\/fs\/resctrl\/web\/schemata: invalid argument/,
	});
	t.strictSame(native.written, [
		`${pids}/pids.max=30`,
		"/sys/fs/resctrl/web/schemata=L3:0=fff\n",
		`${pids}/pids.max=20`,
	]);
	t.ok(native.callsOf("removeDirectory").some(({ path }) => path === "/sys/fs/resctrl/web"));
	t.equal(native.files.read(`${root}/web/state.json`), before);
});

t.test("resctrl: what the processor or the mount table lacks, in runc's words", async (t) => {
	const absent = /^Intel RDT\/CAT: l3 cache schema is not enabled \(--l3-cache-schema\)$/;
	t.throws(() => update(host(), request({}, { l3CacheSchema: "L3:0=f" })), { message: absent });
	const native = withResctrl();
	native.files.put("/sys/fs/resctrl/schemata", "L3CODE:0=f\n");
	t.throws(() => update(native, request({}, { memBwSchema: "MB:0=5" })), {
		message: /^Intel RDT\/MBA: memory bandwidth schema is not enabled \(--mem-bw-schema\)$/,
	});
});
