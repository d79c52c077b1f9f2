import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import { acceptConfig } from "../../src/generated/accept-config.js";
import { validateConfig } from "../../src/generated/validate-config.js";
import { validateFeatures } from "../../src/generated/validate-features.js";
import { validateState } from "../../src/generated/validate-state.js";
import { type Bent, bentText, said } from "./base.js";

const samples = `${import.meta.dirname}/samples`;

type Case = [pointer: string, value: unknown, message: string];

/** One wrong value for each kind of thing that the schema says. */
const WRONG: Case[] = [
	["/ociVersion", 1, "expected a string; found 1"],
	["/root", "rootfs", 'expected an object; found "rootfs"'],
	["/root/path", "", 'expected a string that is not empty; found ""'],
	["/root/readonly", "yes", 'expected true or false; found "yes"'],
	["/mounts", {}, "expected an array; found {}"],
	["/mounts/0", null, "expected an object; found null"],
	["/mounts/0/destination", ["/"], "expected a string; found an array of 1"],
	["/mounts/1/options/1", 7, "expected a string; found 7"],
	["/process/cwd", "tmp", 'Cwd must be an absolute path; found "tmp"'],
	["/process/args", [], "args must not be empty; found []"],
	["/process/user/uid", -1, "expected an unsigned 32-bit integer; found -1"],
	["/process/user/gid", 4294967296, "expected an unsigned 32-bit integer; found 4294967296"],
	["/process/user/umask", "022", 'expected an unsigned 32-bit integer; found "022"'],
	["/process/oomScoreAdj", 1001, "expected an integer from -1000 to 1000; found 1001"],
	["/process/rlimits", [{ type: "NOFILE", soft: 1, hard: 1 }], ""],
	["/process/scheduler", { policy: "FIFO" }, ""],
	["/process/ioPriority", { class: "IOPRIO_CLASS_BE", priority: 8 }, ""],
	["/hooks", { poststop: [{ path: "hook" }] }, ""],
	["/hooks", { poststop: [{ path: "/hook", timeout: 0 }] }, ""],
	["/annotations", { a: 1 }, ""],
	["/annotations", { "": "x" }, "names must not be empty"],
	[
		"/linux/namespaces/2/type",
		"pidd",
		'expected one of pid, network, mount, ipc, uts, user, cgroup, time; found "pidd"',
	],
	["/linux/namespaces/2/path", "proc/1/ns/mnt", 'expected an absolute path; found "proc/1/ns/mnt"'],
	["/linux/maskedPaths/0", "proc", 'expected an absolute path; found "proc"'],
	[
		"/linux/rootfsPropagation",
		"shred",
		'expected one of shared, slave, private, unbindable, rshared, rslave, rprivate, runbindable; found "shred"',
	],
	["/linux/sysctl", { "net.ipv4.ip_forward": 1 }, ""],
	["/linux/devices", [{ type: "x", path: "/dev/x" }], ""],
	["/linux/resources", { hugepageLimits: [{ pageSize: "2M", limit: 1 }] }, ""],
	["/linux/resources", { devices: [{ allow: true, access: "rx" }] }, ""],
	["/linux/resources", { blockIO: { weight: 65536 } }, ""],
	["/linux/resources", { pids: {} }, ""],
	["/linux/seccomp", { defaultAction: "ALLOW" }, ""],
	["/linux/seccomp", { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: [], action: "SCMP_ACT_LOG" }] }, ""],
	["/linux/intelRdt", { memBwSchema: "L3:0=f" }, ""],
];

/** What the entries above with an empty message say, in their order. */
const NESTED = [
	'/process/rlimits/0/type: expected a name like RLIMIT_NOFILE; found "NOFILE"',
	'/process/scheduler/policy: expected one of SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE, SCHED_DEADLINE; found "FIFO"',
	"/process/ioPriority/priority: expected an integer from 0 to 7; found 8",
	'/hooks/poststop/0/path: expected an absolute path; found "hook"',
	"/hooks/poststop/0/timeout: expected an integer from 1 to 2147483647; found 0",
	"/annotations/a: expected a string; found 1",
	"/linux/sysctl/net.ipv4.ip_forward: expected a string; found 1",
	'/linux/devices/0/type: expected one of c, b, u, p; found "x"',
	'/linux/resources/hugepageLimits/0/pageSize: expected a page size like 2MB or 1GB; found "2M"',
	'/linux/resources/devices/0/access: expected letters out of r, w and m; found "rx"',
	"/linux/resources/blockIO/weight: expected an integer from 0 to 65535; found 65536",
	"/linux/resources/pids/limit: is required, but missing",
	'/linux/seccomp/defaultAction: expected one of SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY; found "ALLOW"',
	"/linux/seccomp/syscalls/0/names: expected at least one entry; found []",
	'/linux/intelRdt/memBwSchema: expected one line that starts with MB:; found "L3:0=f"',
];

function put(config: Bent, pointer: string, value: unknown): void {
	const tokens = pointer.split("/").slice(1);
	const last = tokens.pop() as string;
	tokens.reduce((at, token) => at[token], config)[last] = value;
}

t.test("each wrong value: where, what was expected, what was found", async (t) => {
	const nested = [...NESTED];
	for (const [pointer, value, message] of WRONG) {
		const expected = message === "" ? nested.shift() : `${pointer}: ${message}`;
		t.same(said(bentText((config) => put(config, pointer, value))), [`config.json#${expected}`], pointer);
	}
	t.same(nested, []);
});

t.test("what is required", async (t) => {
	const missing = (pointer: string, message = "is required, but missing") => {
		const bend = (config: Bent) => put(config, pointer, undefined);
		t.same(said(bentText(bend)), [`config.json#${pointer}: ${message}`], pointer);
	};
	missing("/ociVersion");
	missing("/root", "root must be specified");
	missing("/root/path");
	missing("/process", "process property must not be empty");
	missing("/process/cwd", "Cwd property must not be empty");
	missing("/process/args", "args must not be empty");
	missing("/process/user/uid");
	missing("/mounts/0/destination");
	missing("/linux/namespaces/0/type");
	t.same(said("[]"), ["config.json: expected an object; found []"]);
});

t.test("all errors come in one go", async (t) => {
	const lines = said(
		bentText((config) => {
			config.hostname = 1;
			config.process.cwd = "x";
			config.linux.namespaces[0].type = "proc";
			config.linux.namespaces[1].type = "net";
			delete config.root.path;
		}),
	);
	t.equal(lines.length, 5);
	t.match(lines.join("\n"), /#\/root\/path.*#\/process\/cwd.*#\/hostname.*namespaces\/0\/type.*namespaces\/1\/type/s);
});

t.test("nothing is concluded from what does not fit", async (t) => {
	const lines = said(
		bentText((config) => {
			const zero = { type: "c", path: "/dev/z", major: 1, minor: 5 };
			config.linux.devices = [zero, { ...zero, major: "1" }];
			config.linux.netDevices = { eth0: {} };
			config.linux.namespaces.find(({ type }: { type: string }) => type === "network").type = "net";
			config.process.scheduler = { policy: "FIFO", priority: 1 };
			config.linux.memoryPolicy = { mode: "LOCAL" };
		}),
	);
	t.equal(lines.length, 4, lines.join("\n"));
	t.match(
		lines.join("\n"),
		/#\/process\/scheduler\/policy.*namespaces\/\d\/type.*#\/linux\/devices\/1\/major.*#\/linux\/memoryPolicy\/mode/s,
	);
});

function* valuesOf(value: unknown, pointer = ""): Generator<string> {
	yield pointer;
	if (typeof value !== "object" || value === null) return;
	for (const [name, entry] of Object.entries(value)) {
		yield* valuesOf(entry, `${pointer}/${name}`);
	}
}

t.test("the quick validator and the explaining one agree", async (t) => {
	const files = readdirSync(samples).map((file) => JSON.parse(readFileSync(`${samples}/${file}`, "utf8")));
	const strange = [
		undefined,
		null,
		true,
		0,
		-1,
		1.5,
		70000,
		"",
		"x",
		"/x",
		[],
		[1],
		["x"],
		{},
		{ "": "x" },
		{ type: "c" },
	];
	let refused = 0;
	fc.assert(
		fc.property(fc.constantFrom(...files), fc.nat(), fc.constantFrom(...strange), (file, position, value) => {
			const config = structuredClone(file);
			const pointers = [...valuesOf(config)]
				.slice(1)
				.filter((pointer) => !pointer.split("/").some((token) => token.includes("~")));
			const pointer = pointers[position % pointers.length] as string;
			if (/sysctl|annotations/.test(pointer) && pointer.split("/").length > 3) return;
			put(config, pointer, value);
			const verdict = validateConfig(config).length === 0;
			if (!verdict) refused++;
			t.equal(acceptConfig(config), verdict, `${pointer} = ${JSON.stringify(value)}`);
		}),
		{ numRuns: 2000 },
	);
	t.ok(refused > 200, `${refused} were refused`);
});

t.test("the quick validator takes no number that JSON.parse may have rounded", async (t) => {
	const config = JSON.parse(bentText((c) => (c.linux.resources = { memory: { limit: 2 ** 53 } })));
	t.notOk(acceptConfig(config));
	t.same(validateConfig(config), []);
});

t.test("state", async (t) => {
	const state = { ociVersion: "1.3.0", id: "a", status: "running", pid: 7, bundle: "/b", annotations: { a: "b" } };
	const { pid: _pid, ...idle } = state;
	t.same(validateState(state), []);
	t.same(validateState({ ...idle, status: "stopped", rootfs: "/more" }), []);
	t.ok(validateState(idle).some(({ params }) => params.missingProperty === "pid"));
	t.match(validateState({ ...state, bundle: "b" }), [{ instancePath: "/bundle" }]);
});

t.test("features", async (t) => {
	const features = { ociVersionMin: "1.0.0", ociVersionMax: "1.3.0", hooks: null, linux: { cgroup: { v1: true } } };
	t.same(validateFeatures(features), []);
	t.match(validateFeatures({ ociVersionMin: "1.0.0" }), [{ params: { missingProperty: "ociVersionMax" } }]);
	t.match(validateFeatures({ ...features, linux: { seccomp: { archs: "x" } } }), [
		{ instancePath: "/linux/seccomp/archs" },
	]);
});
