/**
 * What becomes of each piece of a configuration: who reads which property, or why it is refused. Found out by compiling
 * it, for a host that has everything, and by what runs hooks.
 */
import { parseConfig } from "../../src/bundle/parse.js";
import type { Spec } from "../../src/bundle/spec.js";
import { runHooks } from "../../src/container/hooks.js";
import { newRecord } from "../../src/container/recording.js";
import { RuntimeError } from "../../src/errors.js";
import { FakeNative } from "../../src/native/fake.js";
import { compilePlan } from "../../src/plan/compile.js";
import type { HostFacts } from "../../src/plan/input.js";
import { bentText } from "../bundle/base.js";
import { type Claims, observed, propertiesIn } from "./claims.js";
import { defaults, rootHost, v1, v2 } from "./fixture.js";
import { PIECES } from "./pieces.js";

const layers = /^(plan|cgroup|container)\//;
const claims: Claims = new Map();

export interface Fate {
	name: string;
	/** Properties that this piece adds to the base. */
	properties: string[];
	/** Why neither layout of cgroups takes it; empty when one does. */
	reasons: string[];
}

const others = ["hugetlb", "net_cls", "net_prio", "rdma"];
const everyV1: HostFacts["cgroup"] = {
	...v1,
	v1: [...v1.v1, ...others.map((name) => ({ controllers: [name], path: `/sys/fs/cgroup/${name}`, root: "/" }))],
};
/** What a kernel with everything has. */
const host: HostFacts = { ...rootHost, apparmor: true, selinux: true, resctrl: { root: "/sys/fs/resctrl" } };

/** Undefined, or why the compiler would have none of it. */
function read(spec: Spec, layout: HostFacts["cgroup"]): string | undefined {
	const bundle = { path: "/bundle", rootfs: "/bundle/rootfs", spec: observed(spec, claims), warnings: [] };
	try {
		const options = { ...defaults, notifyDirectory: "/n" };
		const plan = compilePlan({ id: "c1", bundle, host: { ...host, cgroup: layout }, options });
		const record = newRecord(bundle, plan, false);
		const state = { ociVersion: "1.3.0", id: "c1", status: "created", pid: 1, bundle: "/bundle" } as const;
		const { prestart, createRuntime } = bundle.spec.hooks ?? {};
		const { poststart, poststop } = record.runtime_ts;
		for (const [stage, hooks] of Object.entries({ prestart, createRuntime, poststart, poststop })) {
			if (hooks) runHooks(new FakeNative(), { stage: stage as "poststop", hooks, state, env: {} });
		}
		return undefined;
	} catch (error) {
		if (error instanceof RuntimeError && error.code === "config.unsupported") return error.message;
		throw error;
	}
}

function fateOf([name, bend]: (typeof PIECES)[number]): Fate {
	const text = bentText(bend);
	const { spec, diagnostics } = parseConfig(text);
	const errors = diagnostics.filter(({ severity }) => severity === "error");
	if (errors[0]) throw new Error(`the sample of ${name} is a bad one: ${errors[0].pointer}: ${errors[0].message}`);
	const base = new Set(propertiesIn(JSON.parse(bentText(() => {}))));
	const properties = propertiesIn(JSON.parse(text)).filter((property) => !base.has(property));
	const reasons = [read(spec, everyV1), read(spec, v2)].filter((reason) => reason !== undefined);
	return { name, properties, reasons: reasons.length === 2 ? [...new Set(reasons)] : [] };
}

export const fates: readonly Fate[] = PIECES.map(fateOf);

/** True when a module that acts on the property has read it. */
export const isClaimed = (property: string): boolean =>
	[...(claims.get(property) ?? [])].some((module) => layers.test(module));
