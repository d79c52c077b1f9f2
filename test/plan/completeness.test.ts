/**
 * Every property of config.json is acted on, or refused. Not by a list that somebody keeps: the compiler of plans and
 * what runs hooks get a configuration that notes who reads which property.
 */
import t from "tap";
import { parseConfig } from "../../src/bundle/parse.js";
import type { Spec } from "../../src/bundle/spec.js";
import { runHooks } from "../../src/container/hooks.js";
import { newRecord } from "../../src/container/recording.js";
import { RuntimeError } from "../../src/errors.js";
import { FakeNative } from "../../src/native/fake.js";
import { compilePlan } from "../../src/plan/compile.js";
import type { HostFacts } from "../../src/plan/input.js";
import { bentText } from "../bundle/base.js";
import { type Claims, everyProperty, observed, propertiesIn } from "./claims.js";
import { defaults, rootHost, v1, v2 } from "./fixture.js";
import { PIECES } from "./pieces.js";

/** Properties of other platforms, which the schemas leave out as they are ignored like unknown ones. */
const NOT_FOR_LINUX = ["process.commandLine", "solaris", "windows", "vm", "zos", "freebsd"];

/** Read before there is a plan, or by a command that makes none; `personality.flags` has no value that would be taken. */
const ELSEWHERE: Record<string, string> = {
	"root.path": "src/bundle/load.ts",
	"process.execCPUAffinity": "for exec",
	"process.execCPUAffinity.initial": "for exec",
	"process.execCPUAffinity.final": "for exec",
	"linux.resources.memory.checkBeforeUpdate": "for update: a new cgroup uses nothing",
	"linux.personality.flags": "src/bundle/rules",
};

const layers = /^(plan|cgroup|container)\//;
const every = everyProperty();
const claims: Claims = new Map();
const refused = new Map<string, string>();

/** What a kernel with everything has. */
const host: HostFacts = { ...rootHost, apparmor: true, selinux: true };
const others = ["hugetlb", "net_cls", "net_prio", "rdma"];
const everyV1: HostFacts["cgroup"] = {
	...v1,
	v1: [...v1.v1, ...others.map((name) => ({ controllers: [name], path: `/sys/fs/cgroup/${name}`, root: "/" }))],
};
const facts = { timeNamespaces: true, resctrl: { root: "/sys/fs/resctrl" } };

const isRefusal = (code: string | undefined) => code === "config.unsupported" || code === "host.unsupported";

/** What the container layer reads, too. Undefined, or why both the rules and the compiler would have none of it. */
function read(spec: Spec, layout: HostFacts["cgroup"]): string | undefined {
	const bundle = { path: "/bundle", rootfs: "/bundle/rootfs", spec: observed(spec, claims), warnings: [] };
	try {
		const options = { ...defaults, notifyDirectory: "/n" };
		const plan = compilePlan({ id: "c1", bundle, host: { ...host, ...facts, cgroup: layout }, options });
		const record = newRecord(bundle, plan, false);
		const state = { ociVersion: "1.3.0", id: "c1", status: "created", pid: 1, bundle: "/bundle" } as const;
		const { prestart, createRuntime } = bundle.spec.hooks ?? {};
		const { poststart, poststop } = record.runtime_ts;
		for (const [stage, hooks] of Object.entries({ prestart, createRuntime, poststart, poststop })) {
			if (hooks) runHooks(new FakeNative(), { stage: stage as "poststop", hooks, state, env: {} });
		}
		return undefined;
	} catch (error) {
		if (error instanceof RuntimeError && isRefusal(error.code)) return error.message;
		throw error;
	}
}

for (const [name, bend] of PIECES) {
	const text = bentText(bend);
	const { spec, diagnostics } = parseConfig(text);
	const errors = diagnostics.filter(({ severity }) => severity === "error");
	t.same(
		errors.filter(({ code }) => !isRefusal(code)),
		[],
		`the sample of ${name} is a good one`,
	);
	const reasons = errors.length > 0 ? errors.map(({ message }) => message) : [read(spec, everyV1), read(spec, v2)];
	if (reasons.every((reason) => reason !== undefined)) {
		const base = new Set(propertiesIn(JSON.parse(bentText(() => {}))));
		for (const property of propertiesIn(JSON.parse(text))) {
			if (!base.has(property)) refused.set(property, reasons.join("; "));
		}
	}
}

t.test("the samples have every property", async (t) => {
	const set = new Set(PIECES.flatMap(([, bend]) => propertiesIn(JSON.parse(bentText(bend)))));
	t.same(
		every.filter((property) => !set.has(property)),
		[],
	);
});

t.test("a module claims every property, or it is refused", async (t) => {
	t.ok(every.length > 200, `${every.length} properties`);
	const claimed = (property: string) => [...(claims.get(property) ?? [])].some((module) => layers.test(module));
	t.same(
		every.filter((property) => !claimed(property) && !refused.has(property) && !(property in ELSEWHERE)),
		[],
	);
	for (const property of Object.keys(ELSEWHERE)) {
		t.ok(every.includes(property), `${property} is a property`);
		t.notOk(claimed(property), `${property} need not be on the list`);
	}
	t.comment(`refused: ${[...refused.keys()].filter((property) => !claimed(property)).join(" ")}`);
});

t.test("what is refused is refused as a whole, with a reason", async (t) => {
	for (const [property, reason] of refused) t.not(reason, "", property);
});

t.test("properties of other platforms are in no schema, and are ignored", async (t) => {
	for (const property of NOT_FOR_LINUX) t.notOk(every.includes(property), property);
	const { diagnostics } = parseConfig(
		bentText((c) => {
			c.process.commandLine = "cmd";
			Object.assign(c, { solaris: {}, windows: {}, vm: {}, zos: {}, freebsd: {} });
		}),
	);
	t.same(diagnostics, []);
});
