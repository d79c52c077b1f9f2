import t from "tap";
import { annotatedProperties, warnOfUnitAnnotations } from "../../src/cgroup/unit-annotations.js";
import type { UnitProperty } from "../../src/cgroup/unit-property.js";
import { resourceProperties, type UnitTarget } from "../../src/cgroup/unit-resources.js";

type Resources = Parameters<typeof resourceProperties>[0];

/** `name:signature=value` of each property. */
function short(properties: UnitProperty[]): string[] {
	return properties.map(
		({ name, signature, value }) => `${name}:${signature}=${JSON.stringify(value).replaceAll('"', "")}`,
	);
}

function given(resources: Resources, target: Partial<UnitTarget> = {}): string[] {
	return short(resourceProperties(resources, "1.3.0", { mode: "v2", version: 252, devices: false, ...target }));
}

const unlimited = "18446744073709551615";

t.test("v2", async (t) => {
	const table: [Resources, string[]][] = [
		[{}, []],
		[
			{ memory: { limit: 1000, reservation: 500, swap: 3000 } },
			["MemoryMax:t=1000", "MemoryLow:t=500", "MemorySwapMax:t=2000"],
		],
		[{ memory: { limit: -1, swap: -1 } }, [`MemoryMax:t=${unlimited}`, `MemorySwapMax:t=${unlimited}`]],
		[{ memory: { limit: 0, reservation: 0, swap: 0 } }, []],
		[{ cpu: { shares: 1024 } }, ["CPUWeight:t=100"]],
		[{ cpu: { idle: 1 } }, ["CPUWeight:t=0"]],
		[{ cpu: { idle: 0 } }, []],
		[{ cpu: { quota: 50000, period: 100000 } }, ["CPUQuotaPeriodUSec:t=100000", "CPUQuotaPerSecUSec:t=500000"]],
		[{ cpu: { quota: 12345, period: 50000 } }, ["CPUQuotaPeriodUSec:t=50000", "CPUQuotaPerSecUSec:t=250000"]],
		[{ cpu: { quota: 3001 } }, ["CPUQuotaPerSecUSec:t=40000"]],
		[{ cpu: { quota: -1 } }, [`CPUQuotaPerSecUSec:t=${unlimited}`]],
		[{ cpu: { period: 20000 } }, ["CPUQuotaPeriodUSec:t=20000", `CPUQuotaPerSecUSec:t=${unlimited}`]],
		[{ cpu: { cpus: "0-2,9", mems: "0" } }, ["AllowedCPUs:ay=[7,2]", "AllowedMemoryNodes:ay=[1]"]],
		[{ cpu: { cpus: "nonsense" } }, []],
		[{ cpu: { cpus: "0-99999999999" } }, []],
		[{ pids: { limit: 20 } }, ["TasksMax:t=20"]],
		[{ pids: { limit: -1 } }, [`TasksMax:t=${unlimited}`]],
		[{ pids: { limit: 0 } }, ["TasksMax:t=0"]],
		[{ blockIO: { weight: 10 } }, ["IOWeight:t=1"]],
		[{ blockIO: { weight: 1000 } }, ["IOWeight:t=10000"]],
		[{ hugepageLimits: [{ pageSize: "2MB", limit: 5 }], rdma: { d: { hcaHandles: 3 } } }, []],
	];
	for (const [resources, expected] of table) t.strictSame(given(resources), expected, JSON.stringify(resources));
});

t.test("unified files for which systemd has a property; the others it leaves alone", async (t) => {
	const files = {
		"memory.min": "1",
		"memory.low": "2",
		"memory.high": "3",
		"memory.max": "max",
		"memory.swap.max": "0",
		"memory.oom.group": "1",
		"cpu.weight": "42",
		"cpu.max": "50000 100000",
		"cpuset.cpus": "1",
		"cpuset.mems": "0",
		"pids.max": "9",
		"io.weight": "default 42",
		"hugetlb.2MB.max": "5",
	};
	t.strictSame(given({ unified: files }), [
		"MemoryMin:t=1",
		"MemoryLow:t=2",
		"MemoryHigh:t=3",
		`MemoryMax:t=${unlimited}`,
		"MemorySwapMax:t=0",
		"CPUWeight:t=42",
		"CPUQuotaPeriodUSec:t=100000",
		"CPUQuotaPerSecUSec:t=500000",
		"AllowedCPUs:ay=[2]",
		"AllowedMemoryNodes:ay=[1]",
		"TasksMax:t=9",
	]);
	t.strictSame(given({ unified: { "cpu.max": "max" } }), [`CPUQuotaPerSecUSec:t=${unlimited}`]);
	t.strictSame(given({ unified: { "cpu.idle": "1" } }), ["CPUWeight:t=0"]);
	t.strictSame(given({ unified: { "cpu.max": "what 0", "pids.max": "many", "cpu.idle": "0" } }), []);
});

t.test("what a systemd is too old for is left to the files", async (t) => {
	const resources = { cpu: { quota: 50000, period: 50000, cpus: "0", idle: 1 } };
	t.strictSame(given(resources, { version: 251 }), [
		"CPUQuotaPeriodUSec:t=50000",
		"CPUQuotaPerSecUSec:t=1000000",
		"AllowedCPUs:ay=[1]",
	]);
	t.strictSame(given(resources, { version: 243 }), ["CPUQuotaPeriodUSec:t=50000", "CPUQuotaPerSecUSec:t=1000000"]);
	t.strictSame(given(resources, { version: 241 }), ["CPUQuotaPerSecUSec:t=1000000"]);
});

t.test("v1", async (t) => {
	const resources = {
		memory: { limit: 1000, reservation: 500, swap: 3000 },
		cpu: { shares: 512, quota: 10000, cpus: "0" },
		pids: { limit: 5 },
		blockIO: { weight: 300 },
	};
	t.strictSame(given(resources, { mode: "v1" }), [
		"MemoryLimit:t=1000",
		"CPUShares:t=512",
		"CPUQuotaPerSecUSec:t=100000",
		"TasksMax:t=5",
		"BlockIOWeight:t=300",
	]);
});

t.test("a property knows the value that it comes from", async (t) => {
	const [limit] = resourceProperties({ memory: { limit: 1 } }, "1.3.0", { mode: "v2", version: 252, devices: true });
	t.equal(limit?.at, "/linux/resources/memory/limit");
});

function devices(rules: NonNullable<Resources["devices"]>): { allow: unknown; policy: unknown; inexact: string[] } {
	const inexact: string[] = [];
	const target = {
		mode: "v2",
		version: 252,
		devices: true,
		onInexactDevices: (rule: string) => inexact.push(rule),
	} as const;
	const list = resourceProperties({ devices: rules }, "1.3.0", target);
	const value = (name: string) => list.find((property) => property.name === name)?.value;
	return { allow: value("DeviceAllow"), policy: value("DevicePolicy"), inexact };
}

const standard = [
	["/dev/char/1:3", "rwm"],
	["/dev/char/1:5", "rwm"],
	["/dev/char/1:7", "rwm"],
	["/dev/char/1:8", "rwm"],
	["/dev/char/1:9", "rwm"],
	["/dev/char/5:0", "rwm"],
	["/dev/char/5:2", "rwm"],
	["/dev/char/10:200", "rwm"],
	["char-136", "rwm"],
];

t.test("devices: a list of what is allowed", async (t) => {
	const deny = { allow: false, access: "rwm" };
	t.strictSame(devices([deny]), {
		policy: "strict",
		allow: [["char-*", "m"], ["block-*", "m"], ...standard],
		inexact: [],
	});
	t.strictSame(
		devices([
			deny,
			{ allow: true, type: "c", major: 10, minor: 229, access: "rw" },
			{ allow: true, type: "b", major: 8, access: "r" },
			{ allow: true, type: "c", major: 10, minor: 229, access: "m" },
			{ allow: true, type: "c", major: 7, minor: 1, access: "rwm" },
			{ allow: false, type: "c", major: 7, minor: 1, access: "w" },
			{ allow: false, type: "b", major: 8, access: "rwm" },
		]),
		{
			policy: "strict",
			allow: [["/dev/char/10:229", "rwm"], ["/dev/char/7:1", "rm"], ["char-*", "m"], ["block-*", "m"], ...standard],
			inexact: [],
		},
	);
	const { allow } = devices([deny, { allow: true, major: 4, minor: 5, access: "r" }]);
	t.match(
		allow,
		[
			["/dev/block/4:5", "r"],
			["/dev/char/4:5", "r"],
		],
		"both types",
	);
});

t.test("devices: all of them", async (t) => {
	t.strictSame(devices([{ allow: true, access: "rwm" }]), { policy: "auto", allow: [], inexact: [] });
});

t.test("devices: what systemd has no words for is said", async (t) => {
	const deny = { allow: false, access: "rwm" };
	t.strictSame(
		devices([
			deny,
			{ allow: true, type: "c", major: 7, access: "rw" },
			{ allow: false, type: "c", major: 7, minor: 3, access: "w" },
		]).inexact,
		["c 7:3 w"],
		"an exception from a wildcard",
	);
	t.strictSame(devices([deny, { allow: true, type: "c", minor: 3, access: "r" }]).inexact, ["c *:3 r"]);
	const exception = [
		{ allow: true, access: "rwm" },
		{ allow: false, type: "b", major: 8, access: "rwm" },
	] as const;
	t.match(devices([...exception]), { policy: "auto", allow: [], inexact: ["b 8:* rwm"] });
});

t.test("org.systemd.property.*", async (t) => {
	const annotations = {
		"org.systemd.property.TimeoutStopUSec": "uint64 123456789",
		"org.systemd.property.TimeoutStopSec": "7",
		"org.systemd.property.RuntimeMaxSec": "double 1.5",
		"org.systemd.property.CollectMode": "'inactive-or-failed'",
		"org.systemd.property.After": "['a.service', 'b.service']",
		other: "nonsense",
	};
	t.strictSame(short(annotatedProperties({ annotations })), [
		"TimeoutStopUSec:t=123456789",
		"TimeoutStopUSec:t=7000000",
		"RuntimeMaxUSec:t=1500000",
		"CollectMode:s=inactive-or-failed",
		"After:as=[a.service,b.service]",
	]);
	const warnings: { at?: string | undefined; message: string }[] = [];
	warnOfUnitAnnotations({ annotations: { "org.systemd.property.a/b": "", other: "" } }, warnings);
	t.match(warnings, [{ at: "/annotations/org.systemd.property.a~1b", message: /has no effect/ }]);
	t.equal(warnings.length, 1);
	const bad: [string, string, RegExp][] = [
		["X", "true", /"X" is no name of a property/],
		["a/b", "true", /is no name/],
		["Slice", "user.slice", /"user.slice" is not GVariant text: unknown word "user" \(a text needs quotes\)/],
		["TimeoutStopSec", "'7'", /expected a number of seconds/],
		["TimeoutStopSec", "-7", /expected a number of seconds/],
	];
	for (const [name, value, message] of bad) {
		t.throws(
			() => annotatedProperties({ annotations: { [`org.systemd.property.${name}`]: value } }),
			{ code: "config.invalid", message, context: { pointer: /^\/annotations\/org.systemd.property/ } },
			`${name}=${value}`,
		);
	}
});
