/** What holds for all resources: documents made at random, always the same ones. */
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { compileCgroup } from "../../src/cgroup/compile.js";
import type { CgroupLayout } from "../../src/cgroup/layout.js";
import { mergeResources } from "../../src/cgroup/merge.js";
import { compileUpdate } from "../../src/cgroup/update.js";
import { RuntimeError } from "../../src/errors.js";
import { type HostStep, hostStep } from "../../src/plan/schema.js";

type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;

const layouts: CgroupLayout[] = [
	{
		mode: "v1",
		v1: ["cpu,cpuacct", "cpuset", "memory", "devices", "pids", "blkio", "hugetlb", "net_cls,net_prio", "rdma"].map(
			(name) => ({ controllers: name.split(","), path: `/v1/${name}`, root: "/" }),
		),
	},
	{ mode: "v2", v1: [], unified: "/v2" },
];

/** Numerical Recipes' generator: good enough to vary documents. */
let seed = 20_251_121;
function below(limit: number): number {
	seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
	return seed % limit;
}
const one = <Value>(...values: Value[]): Value => values[below(values.length)] as Value;
const maybe = <Value>(value: Value): Value | undefined => (below(2) === 0 ? undefined : value);
/** Without the properties that are undefined, as JSON has none. */
const tidy = <Value extends object>(value: Value): Value =>
	Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Value;
const list = <Value>(make: () => Value): Value[] => Array.from({ length: below(3) }, make);

function randomResources(): Resources {
	const device = () => ({ major: one(8, 253), minor: below(3) });
	const throttle = () => list(() => ({ ...device(), rate: one(0, 1024, 2 ** 53) }));
	return tidy({
		memory: maybe(
			tidy({
				limit: maybe(one(0, -1, 4096, 8192)),
				swap: maybe(one(0, -1, 8192, 16384)),
				reservation: maybe(one(0, 1024)),
				swappiness: maybe(one(0, 60)),
			}),
		),
		cpu: maybe(
			tidy({
				shares: maybe(one(0, 2, 1024, 262144)),
				quota: maybe(one(0, -1, 5000)),
				period: maybe(one(0, 10000)),
				burst: maybe(one(0, 1000)),
				idle: maybe(one(0, 1)),
				cpus: maybe(one("", "0", "0-3")),
			}),
		),
		pids: maybe({ limit: one(-1, 0, 7) }),
		blockIO: maybe(
			tidy({
				weight: maybe(one(0, 10, 500)),
				weightDevice: maybe(list(() => ({ ...device(), weight: one(10, 1000) }))),
				throttleReadBpsDevice: maybe(throttle()),
				throttleWriteIOPSDevice: maybe(throttle()),
			}),
		),
		hugepageLimits: maybe(list(() => ({ pageSize: one("2MB", "1GB"), limit: one(0, 2 ** 30) }))),
		rdma: maybe({ mlx: { hcaHandles: below(5) } }),
	}) as Resources;
}

function planned(layout: CgroupLayout, resources: Resources) {
	const spec: Spec = {
		ociVersion: "1.3.0",
		root: { path: "r" },
		process: { args: ["x"], cwd: "/" },
		linux: { cgroupsPath: "/p", resources },
	};
	return compileCgroup({ id: "c", spec, layout, privileged: false });
}

/** What is said last to each file, and of each device in it; undefined where the compiler refuses the document. */
function outcome(compile: () => HostStep[]): Map<string, string> | undefined {
	const said = new Map<string, string>();
	try {
		for (const step of compile()) {
			hostStep.parse(step);
			if (step.op !== "cgroup.write") continue;
			const [first = "", second] = step.value.split(" ");
			const device = second !== undefined && first.includes(":") ? `${first} ${second.split("=")[0]}` : "";
			const key = step.path.endsWith("io.max") ? device : device.split(" ", 1)[0];
			said.set(`${step.path} ${key}`, step.value);
		}
		return said;
	} catch (error) {
		// A refusal always names its value.
		if (error instanceof RuntimeError && error.context.pointer?.startsWith("/linux/resources/")) return undefined;
		throw error;
	}
}

const update = (layout: CgroupLayout, given: Resources, saved: Resources) =>
	compileUpdate({ given, saved, cgroups: planned(layout, {}).cgroups, ociVersion: "1.3.0", privileged: false });

t.test("an update of a container without limits says what its create would have said", async (t) => {
	let compared = 0;
	for (let round = 0; round < 2000; round++) {
		const resources = randomResources();
		for (const layout of layouts) {
			const created = outcome(() => planned(layout, resources).host);
			const updated = outcome(() => update(layout, resources, {}).steps);
			t.equal(updated === undefined, created === undefined, "both refuse, or neither");
			for (const [file, value] of created ?? []) {
				if (updated?.get(file) !== value) t.fail(`${file}: ${value}, ${updated?.get(file)}`, { resources });
				compared++;
			}
			// Only to stop what a new container has not begun.
			for (const [file, value] of updated ?? []) {
				if (created?.has(file)) continue;
				if (!/\/cpu\.(idle|max\.burst|cfs_burst_us) $/.test(file) || value !== "0") t.fail(`${file}: ${value}`);
			}
		}
	}
	t.ok(compared > 5000, `${compared} values`);
});

t.test("an update with what the container has been told already writes the same again", async (t) => {
	for (let round = 0; round < 1000; round++) {
		const resources = randomResources();
		for (const layout of layouts) {
			const first = outcome(() => update(layout, resources, {}).steps);
			if (first === undefined) continue;
			const again = outcome(() => update(layout, resources, update(layout, resources, {}).merged).steps);
			if (JSON.stringify([...(again ?? [])]) !== JSON.stringify([...first])) t.fail("differs", { resources });
		}
	}
	t.pass();
});

t.test("merging: the same twice is once, nothing is nothing, and the arguments stay", async (t) => {
	for (let round = 0; round < 2000; round++) {
		const [saved, given] = [randomResources(), randomResources()];
		const before = JSON.stringify([saved, given]);
		const merged = mergeResources(saved, given);
		t.equal(JSON.stringify([saved, given]), before);
		const again = mergeResources(merged, given);
		if (JSON.stringify(again) !== JSON.stringify(merged)) t.fail("twice", { saved, given, merged, again });
		if (JSON.stringify(mergeResources(saved, {})) !== JSON.stringify(saved)) t.fail("nothing", { saved });
	}
	t.pass();
});
