/** The plan of a container whose cgroup is a unit of systemd's. */
import t from "tap";
import type { SystemdFacts } from "../../src/cgroup/systemd.js";
import type { HostStep } from "../../src/plan/schema.js";
import { compile, defaultSpec, stepsOf, v1, v2 } from "../plan/fixture.js";

const systemd: SystemdFacts = {
	user: false,
	bus: [{ address: "unix:path=/run/systemd/private", broker: false }],
	version: 252,
	controlGroup: "",
};
const options = { systemdCgroup: true };
const onV2 = { host: { cgroup: v2, systemd }, options };
const onV1 = { host: { cgroup: v1, systemd }, options };

function specWith(cgroupsPath?: string) {
	const spec = defaultSpec();
	if (cgroupsPath === undefined) delete (spec.linux as { cgroupsPath?: string }).cgroupsPath;
	else spec.linux.cgroupsPath = cgroupsPath;
	return spec;
}

type Start = Extract<HostStep, { op: "systemd.start" }>;

function names(step: HostStep | undefined): string[] {
	return (step as Start).properties.map(({ name, value }) => (typeof value === "string" ? `${name}=${value}` : name));
}

t.test("v2: the unit first, then the files in its cgroup; the init is born there", async (t) => {
	const spec = specWith("a-b.slice:pre:c1");
	spec.linux.resources = { ...spec.linux.resources, pids: { limit: 7 } };
	const plan = compile(spec, onV2);
	const directory = "/sys/fs/cgroup/a.slice/a-b.slice/pre-c1.scope";
	t.strictSame(plan.cgroups, [{ controller: "", path: directory, entered: true }]);
	const [start, create, ...rest] = plan.host;
	t.match(start, { op: "systemd.start", unit: "pre-c1.scope", cgroup: "/a.slice/a-b.slice/pre-c1.scope", enter: true });
	t.match(create, { op: "cgroup.create", path: directory });
	t.ok(rest.some((step) => step.op === "cgroup.write" && step.path === `${directory}/pids.max`));
	t.ok(rest.some((step) => step.op === "cgroup.devices"));
	t.equal(stepsOf(plan, "cgroup.join").length, 0);
	t.equal(stepsOf(plan, "clone")[0]?.cgroup, undefined);
	const given = names(start);
	for (const property of [
		"Description=runtime-ts container c1",
		"Slice=a-b.slice",
		"Delegate=true",
		"DefaultDependencies=false",
		"MemoryAccounting=true",
		"IOAccounting=true",
		"TasksMax=7",
		"DevicePolicy=strict",
		"DeviceAllow",
	])
		t.ok(given.includes(property), property);
	t.notOk(given.includes("BlockIOAccounting=true"));
});

t.test("v1: systemd has put the init into its own hierarchy, the others are joined", async (t) => {
	const plan = compile(specWith("a.slice:pre:c1"), onV1);
	t.strictSame(
		plan.cgroups.map(({ path, entered }) => [path, entered === true]),
		v1.v1.map(({ path, controllers }) => [`${path}/a.slice/pre-c1.scope`, controllers[0] === "name=systemd"]),
	);
	t.equal(plan.host[0]?.op, "systemd.start");
	t.equal(stepsOf(plan, "cgroup.join").length, 1);
	t.ok(names(plan.host[0]).includes("BlockIOAccounting=true"));
});

t.test("a slice holds the process as any other cgroup does", async (t) => {
	const plan = compile(specWith("a.slice:pre:a-pod.slice"), onV2);
	const [start] = plan.host;
	t.match(start, { op: "systemd.start", unit: "a-pod.slice", enter: false });
	t.ok(names(start).includes("Wants"));
	t.notOk(names(start).some((name) => /^(Slice|Delegate)=/.test(name)));
	t.strictSame(plan.cgroups, [{ controller: "", path: "/sys/fs/cgroup/a.slice/a-pod.slice" }]);
	t.equal(stepsOf(plan, "clone")[0]?.cgroup, "/sys/fs/cgroup/a.slice/a-pod.slice");
});

t.test("a user's systemd has its units below its own cgroup, and no say over devices", async (t) => {
	const controlGroup = "/user.slice/user-1000.slice/user@1000.service";
	const user = { euid: 1000, egid: 1000, systemd: { ...systemd, user: true, controlGroup } };
	const spec = specWith();
	spec.linux.namespaces?.push({ type: "user" });
	spec.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
	spec.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
	const plan = compile(spec, { host: { ...user, cgroup: v2 }, options });
	t.equal(plan.cgroups[0]?.path, `/sys/fs/cgroup${controlGroup}/user.slice/runtime-ts-c1.scope`);
	t.notOk(names(plan.host[0]).some((name) => name.startsWith("Device")));
	t.throws(() => compile(spec, { host: { ...user, cgroup: v1 }, options }), {
		code: "host.unsupported",
		message: /cgroup v1/,
	});
});

t.test("annotations are properties of the unit, the last ones", async (t) => {
	const spec = specWith("a.slice:pre:c1");
	spec.annotations = { "org.systemd.property.TimeoutStopSec": "7" };
	const plan = compile(spec, onV2);
	t.match((plan.host[0] as Start).properties.at(-1), {
		at: "/annotations/org.systemd.property.TimeoutStopSec",
		name: "TimeoutStopUSec",
		value: "7000000",
	});
	t.strictSame(plan.warnings, []);
});

t.test("without systemd such annotations have no effect, which is said", async (t) => {
	const spec = specWith();
	spec.annotations = { "org.systemd.property.TimeoutStopSec": "7" };
	const warning = { at: "/annotations/org.systemd.property.TimeoutStopSec", message: /has no effect/ };
	t.match(compile(spec).warnings, [warning]);
	t.match(compile(spec, { options: { noCgroup: true } }).warnings, [warning], "without a cgroup, too");
});

t.test("no hierarchy to see the unit's cgroup in", async (t) => {
	const none = { mode: "none", v1: [] } as const;
	t.throws(() => compile(specWith(), { host: { cgroup: { ...none, v1: [] }, systemd }, options }), {
		code: "host.unsupported",
		message: /no cgroup hierarchy is mounted/,
	});
});

t.test("a rule of v1 that systemd can't be told is warned of; v2 has the runtime's own program", async (t) => {
	const spec = specWith("a.slice:pre:c1");
	spec.linux.resources = {
		devices: [
			{ allow: false, access: "rwm" },
			{ allow: true, type: "c", minor: 3, access: "r" },
		],
	};
	t.match(compile(spec, onV1).warnings, [{ at: "/linux/resources/devices", message: /device rule c \*:3 r/ }]);
	t.strictSame(compile(spec, onV2).warnings, []);
});

t.test("disabled: no cgroup, and no limit without one", async (t) => {
	const spec = specWith("/a/b");
	spec.linux.resources = { devices: [{ allow: false, access: "rwm" }] };
	const plan = compile(spec, { options: { noCgroup: true } });
	t.strictSame(plan.cgroups, []);
	t.notOk(plan.host.some(({ op }) => op.startsWith("cgroup.")));
	t.equal(stepsOf(plan, "cgroup.join").length, 0);
	spec.linux.resources = { pids: { limit: 5 } };
	t.throws(() => compile(spec, { options: { noCgroup: true } }), {
		code: "config.invalid",
		context: { pointer: "/linux/resources" },
	});
});
