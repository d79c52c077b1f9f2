import { readdirSync } from "node:fs";
import t, { type Test } from "tap";
import type { InitStep, Plan } from "../../src/plan/schema.js";
import { compile, defaultSpec, position, sample, stepsOf, v2 } from "./fixture.js";

const names = readdirSync(`${import.meta.dirname}/../bundle/samples`).map((file) => file.replace(/\.json$/, ""));

const at = (plan: Plan, op: InitStep["op"]): number => position(plan, (step) => step.op === op);

/** What has to come before what, wherever both are in a plan. */
const order: [InitStep["op"], InitStep["op"]][] = [
	["process.oomScoreAdj", "clone"],
	["namespace.join", "clone"],
	["clone", "idmap.wait"],
	["idmap.wait", "keyring.join"],
	["keyring.join", "network.up"],
	["network.up", "root.open"],
	["root.open", "mount.filesystem"],
	["mount.filesystem", "device.create"],
	["hooks.sync", "hook.run"],
	["console.create", "root.enter"],
	["cgroup.join", "root.enter"],
	["cgroup.join", "hooks.sync"],
	["cgroup.join", "namespace.unshare"],
	["root.enter", "uts.hostname"],
	["uts.hostname", "sysctl.write"],
	["sysctl.write", "path.readonly"],
	["path.readonly", "path.mask"],
	["path.mask", "process.noNewPrivileges"],
	["path.mask", "capabilities.bound"],
	["capabilities.bound", "process.user"],
	["process.user", "capabilities.apply"],
	["capabilities.apply", "process.lookup"],
	["process.lookup", "start.wait"],
	["start.wait", "exec"],
];

function checkOrder(t: Test, plan: Plan): void {
	for (const [first, second] of order) {
		const [before, after] = [at(plan, first), at(plan, second)];
		if (before >= 0 && after >= 0) t.ok(before < after, `${first} before ${second}`);
	}
	t.equal(plan.init.at(-1)?.op, "exec", "nothing after exec");
}

for (const name of names) {
	for (const [layout, host] of Object.entries({ v1: {}, v2: { cgroup: v2 } })) {
		t.test(`${name} on ${layout}`, async (t) => {
			const plan = compile(sample(name), { host });
			checkOrder(t, plan);
			t.equal(stepsOf(plan, "clone").length, 1);
			t.equal(plan.seccomp !== undefined, stepsOf(plan, "seccomp.load").length === 1, "a profile where it is loaded");
		});
	}
}

t.test("the plan of runc's default configuration", async (t) => {
	const plan = compile(defaultSpec());
	t.strictSame(
		plan.init.map((step) => step.op),
		[
			"clone",
			"keyring.join",
			"network.up",
			"root.open",
			...Array(6).fill("mount.filesystem"),
			// The cgroup mount of this configuration needs the cgroup, and no step before it.
			"cgroup.join",
			"mount.filesystem",
			"mount.bind",
			"symlink.create",
			"symlink.create",
			...Array(6).fill("mount.bind"),
			"mount.remount",
			...Array(6).fill("device.create"),
			...Array(6).fill("symlink.create"),
			"console.create",
			"root.enter",
			"mount.remount",
			"uts.hostname",
			...Array(5).fill("path.readonly"),
			...Array(10).fill("path.mask"),
			"process.rlimit",
			"process.noNewPrivileges",
			"capabilities.bound",
			"process.cwd",
			"process.user",
			"capabilities.apply",
			"process.cwd",
			"process.home",
			"process.lookup",
			"start.wait",
			"exec",
		],
	);
	t.strictSame(plan.warnings, []);
});

t.test("every step of a container that has a pointer has one that leads somewhere", async (t) => {
	for (const name of names) {
		const spec = sample(name);
		const plan = compile(spec);
		for (const { at, op } of [...plan.init, ...plan.host]) {
			// Steps of what is not configured may point at where it would be.
			if (at === undefined || ["/linux/cgroupsPath", "/process/env", "/linux/resources/devices"].includes(at)) continue;
			let value: unknown = spec;
			for (const token of at.slice(1).split("/")) {
				value = (value as Record<string, unknown>)?.[token.replaceAll("~1", "/").replaceAll("~0", "~")];
			}
			t.not(value, undefined, `${name}: ${op} at ${at}`);
		}
	}
});

t.test("the cgroup is joined as late as possible", async (t) => {
	const spec = defaultSpec();
	spec.mounts = spec.mounts.filter(({ type }) => type !== "cgroup");
	const plain = compile(spec);
	t.equal(
		at(plain, "cgroup.join"),
		at(plain, "root.enter") - 1,
		"without anything that needs it, just before the pivot",
	);

	const copying = structuredClone(spec);
	copying.mounts.push({ destination: "/var", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
	const copied = compile(copying);
	const copy = position(copied, (step) => step.op === "mount.filesystem" && step.copyUp === true);
	t.equal(at(copied, "cgroup.join"), copy - 1, "before what is copied takes memory");

	spec.hooks = { createContainer: [{ path: "/bin/hook" }] };
	const hooked = compile(spec);
	t.equal(at(hooked, "cgroup.join"), at(hooked, "hook.run") - 1, "before the first hook");

	spec.linux.namespaces?.push({ type: "cgroup" });
	const namespaced = compile(spec);
	t.equal(at(namespaced, "namespace.unshare"), at(namespaced, "cgroup.join") + 1, "the namespace right after it");
	t.notOk(stepsOf(namespaced, "clone")[0]?.namespaces.includes("cgroup"));
});

t.test("on v2 the clone enters the cgroup", async (t) => {
	const plan = compile(defaultSpec(), { host: { cgroup: v2 } });
	t.equal(stepsOf(plan, "cgroup.join").length, 0);
	t.equal(stepsOf(plan, "clone")[0]?.cgroup, "/sys/fs/cgroup/c1");
});

t.test("the engine is asked for hooks only where there are some", async (t) => {
	const spec = defaultSpec();
	t.equal(at(compile(spec), "hooks.sync"), -1);
	for (const stage of ["prestart", "createRuntime"] as const) {
		t.not(at(compile({ ...spec, hooks: { [stage]: [{ path: "/h" }] } }), "hooks.sync"), -1, stage);
	}
	t.equal(
		at(compile({ ...spec, hooks: { poststop: [{ path: "/h" }], poststart: [], prestart: [] } }), "hooks.sync"),
		-1,
	);
});

t.test("the systemd driver is refused, not ignored", async (t) => {
	t.throws(() => compile(defaultSpec(), { options: { systemdCgroup: true } }), {
		code: "host.unsupported",
		message: /systemd support for managing cgroups is not available/,
	});
});

t.test("trace is asked for by the option", async (t) => {
	t.equal(compile(defaultSpec()).trace, undefined);
	t.equal(compile(defaultSpec(), { options: { trace: true } }).trace, true);
});
