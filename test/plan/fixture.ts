/** A default configuration and a host to compile it for; each test changes what it is about. */
import { readFileSync } from "node:fs";
import t from "tap";
import { CAPABILITIES } from "../../src/bundle/capabilities.js";
import { parseConfig } from "../../src/bundle/parse.js";
import type { Spec } from "../../src/bundle/spec.js";
import type { CgroupLayout } from "../../src/cgroup/layout.js";
import { compilePlan } from "../../src/plan/compile.js";
import type { CreateOptions, HostFacts } from "../../src/plan/input.js";
import { type InitStep, type InitStepOf, type Plan, plan as planSchema } from "../../src/plan/schema.js";

export const v1: CgroupLayout = {
	mode: "v1",
	v1: [
		{ controllers: ["cpu", "cpuacct"], path: "/sys/fs/cgroup/cpu,cpuacct", root: "/" },
		{ controllers: ["cpuset"], path: "/sys/fs/cgroup/cpuset", root: "/" },
		{ controllers: ["memory"], path: "/sys/fs/cgroup/memory", root: "/" },
		{ controllers: ["devices"], path: "/sys/fs/cgroup/devices", root: "/" },
		{ controllers: ["pids"], path: "/sys/fs/cgroup/pids", root: "/" },
		{ controllers: ["blkio"], path: "/sys/fs/cgroup/blkio", root: "/" },
		{ controllers: ["name=systemd"], path: "/sys/fs/cgroup/systemd", root: "/" },
	],
};
export const v2: CgroupLayout = { mode: "v2", v1: [], unified: "/sys/fs/cgroup" };

export const rootHost: HostFacts = {
	cgroup: v1,
	capabilities: [...CAPABILITIES],
	euid: 0,
	egid: 0,
	initialUserNamespace: true,
	timeNamespaces: true,
	apparmor: false,
	selinux: false,
};

export const defaults: CreateOptions = {
	noPivot: false,
	noNewKeyring: false,
	preserveFds: 0,
	startVia: "socket",
	mountedRoot: "/run/runtime-ts/c1/mounts/rootfs",
	systemdCgroup: false,
	listenFds: 0,
	trace: false,
};

export function sample(name: string): Spec {
	const text = readFileSync(`${import.meta.dirname}/../bundle/samples/${name}.json`, "utf8");
	return parseConfig(text).spec;
}

/** What `runc spec` writes. */
export function defaultSpec(): Spec & { linux: NonNullable<Spec["linux"]>; mounts: NonNullable<Spec["mounts"]> } {
	return sample("runc-spec") as ReturnType<typeof defaultSpec>;
}

interface Changes {
	host?: Partial<HostFacts>;
	options?: Partial<CreateOptions>;
}

/** The plan, after it was checked against its schema. */
export function compile(spec: Spec, { host = {}, options = {} }: Changes = {}): Plan {
	const plan = compilePlan({
		id: "c1",
		bundle: { path: "/bundle", rootfs: "/bundle/rootfs", spec, warnings: [] },
		host: { ...rootHost, ...host },
		options: { ...defaults, ...options },
	});
	// As JSON, which is how the init gets it.
	const result = planSchema.strict().safeParse(JSON.parse(JSON.stringify(plan)));
	if (!result.success) t.fail("the plan does not fit its schema", { issues: result.error.issues });
	return plan;
}

export function stepsOf<Op extends InitStep["op"]>(plan: Plan, op: Op): InitStepOf<Op>[] {
	return plan.init.filter((step): step is InitStepOf<Op> => step.op === op);
}

/** The only step of this kind. */
export function stepOf<Op extends InitStep["op"]>(plan: Plan, op: Op): InitStepOf<Op> {
	const steps = stepsOf(plan, op);
	if (steps.length !== 1 || steps[0] === undefined) throw new Error(`${steps.length} steps ${op}`);
	return steps[0];
}

/** Position of the first step that fits. */
export function position(plan: Plan, fits: (step: InitStep) => boolean): number {
	return plan.init.findIndex(fits);
}
