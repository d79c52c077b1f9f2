import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { ownResctrlGroups, type ResctrlFacts, resctrlGroups } from "../../src/plan/intel-rdt.js";
import type { HostStep } from "../../src/plan/schema.js";
import { compile, defaultSpec } from "./fixture.js";

type IntelRdt = NonNullable<NonNullable<Spec["linux"]>["intelRdt"]>;

const root = "/sys/fs/resctrl";

/** The steps, one line each. */
function steps(intelRdt: IntelRdt, resctrl: ResctrlFacts | undefined = { root }): string[] {
	return host(intelRdt, resctrl).map((step) =>
		[
			step.op.slice("resctrl.".length),
			"path" in step ? step.path.slice(root.length) : "",
			"value" in step ? step.value : "",
		]
			.join(" ")
			.trimEnd(),
	);
}

function host(intelRdt: IntelRdt, resctrl?: ResctrlFacts): HostStep[] {
	const spec = defaultSpec();
	spec.linux.intelRdt = intelRdt;
	return compile(spec, { host: resctrl === undefined ? {} : { resctrl } }).host.filter(({ op }) =>
		op.startsWith("resctrl."),
	);
}

const existing = { root, schemata: "    MB:0=100;1=100\n    L3:0=000ff;1=fffff\n" };

t.test("nothing is touched where nothing is asked for", async (t) => {
	t.notOk(compile(defaultSpec(), { host: { resctrl: { root } } }).host.some(({ op }) => op.startsWith("resctrl.")));
});

t.test("without resctrl: the specification's error", async (t) => {
	t.throws(() => host({}), {
		code: "host.unsupported",
		message: "intelRdt is specified in config, but Intel RDT is not enabled",
		context: { pointer: "/linux/intelRdt" },
	});
});

t.test("a class of its own, named after the container", async (t) => {
	t.strictSame(steps({}), ["create /c1", "join /c1"]);
	t.strictSame(steps({ schemata: ["L2:0=f", "MB:1=20"], memBwSchema: "MB:0=50", l3CacheSchema: "L3:0=f" }), [
		"create /c1",
		"schemata /c1 L3:0=f\nMB:0=50\nL2:0=f\nMB:1=20",
		"join /c1",
	]);
	t.strictSame(steps({ closID: "", enableMonitoring: true }), [
		"create /c1",
		"create /c1/mon_groups/c1",
		"join /c1",
		"join /c1/mon_groups/c1",
	]);
});

t.test("a class that is named is made where it is not there and has schemata", async (t) => {
	t.strictSame(steps({ closID: "gold", memBwSchema: "MB:0=70" }), [
		"create /gold",
		"schemata /gold MB:0=70",
		"join /gold",
	]);
	t.throws(() => steps({ closID: "gold" }), {
		message: /class of service \/sys\/fs\/resctrl\/gold does not exist/,
		context: { pointer: "/linux/intelRdt/closID" },
	});
});

t.test("a class that exists is joined, compared, and never written to", async (t) => {
	t.strictSame(steps({ closID: "gold" }, existing), ["join /gold"]);
	t.strictSame(steps({ closID: "/", enableMonitoring: true }, existing), [
		"create /mon_groups/c1",
		"join",
		"join /mon_groups/c1",
	]);
	// The kernel shows leading zeros and all caches, in its own order.
	t.strictSame(
		steps(
			{ closID: "gold", l3CacheSchema: "L3:1=FFFFF;0=ff", memBwSchema: "MB:0=100", schemata: ["L3:00=0ff"] },
			existing,
		),
		["join /gold"],
	);
	const bad: [IntelRdt, string][] = [
		[{ l3CacheSchema: "L3:0=fe" }, "l3CacheSchema"],
		[{ l3CacheSchema: "L3:0=ff", memBwSchema: "MB:2=100" }, "memBwSchema"],
		[{ schemata: ["MB:0=100", "L2:0=f"] }, "schemata/1"],
	];
	for (const [intelRdt, pointer] of bad) {
		t.throws(() => steps({ closID: "gold", ...intelRdt }, existing), {
			message: /exists, and its schemata are not/,
			context: { pointer: `/linux/intelRdt/${pointer}` },
		});
	}
});

t.test("what delete removes is what only this container has", async (t) => {
	const own = host({ enableMonitoring: true }, { root });
	t.strictSame(ownResctrlGroups(own), [`${root}/c1/mon_groups/c1`, `${root}/c1`]);
	const named = host({ closID: "gold", memBwSchema: "MB:0=70", enableMonitoring: true }, { root });
	t.strictSame(ownResctrlGroups(named), [`${root}/gold/mon_groups/c1`]);
	t.strictSame(resctrlGroups(named), [`${root}/gold/mon_groups/c1`, `${root}/gold`], "a create that fails takes all");
});
