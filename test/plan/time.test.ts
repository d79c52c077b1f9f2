import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { explainFailure } from "../../src/plan/failure.js";
import type { Plan } from "../../src/plan/schema.js";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

type Linux = NonNullable<Spec["linux"]>;
type Namespace = NonNullable<Linux["namespaces"]>[number];

function specOf(timeOffsets: Linux["timeOffsets"], ...namespaces: Namespace[]): Spec {
	const spec = defaultSpec();
	spec.linux.namespaces?.push(...namespaces);
	spec.linux.uidMappings = spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
	if (timeOffsets !== undefined) spec.linux.timeOffsets = timeOffsets;
	return spec;
}

const indexOf = (plan: Plan, op: string): number => position(plan, (step) => step.op === op);

t.test("offsets as the kernel takes them", async (t) => {
	const offsets = (value: Linux["timeOffsets"]) => stepOf(compile(specOf(value, { type: "time" })), "time.create");
	t.strictSame(offsets({ monotonic: { secs: 5, nanosecs: 7 }, boottime: { secs: -9223372036854775808n } }), {
		op: "time.create",
		at: "/linux/timeOffsets",
		offsets: [
			{ clock: "monotonic", secs: "5", nanosecs: 7 },
			{ clock: "boottime", secs: "-9223372036854775808", nanosecs: 0 },
		],
	});
	t.strictSame(offsets({ boottime: {} }).offsets, [{ clock: "boottime", secs: "0", nanosecs: 0 }]);
	t.match(offsets(undefined), { at: "/linux/namespaces/5", offsets: [] });
});

t.test("clone3 can't make it with its clocks set, so it never does", async (t) => {
	const plan = compile(specOf(undefined, { type: "time" }));
	t.notOk(stepOf(plan, "clone").namespaces.includes("time"));
	t.equal(indexOf(plan, "time.create"), indexOf(plan, "clone") - 1);
});

t.test("it belongs to the user namespace of the container", async (t) => {
	const fresh = compile(specOf(undefined, { type: "time" }, { type: "user" }));
	t.equal(
		indexOf(fresh, "time.create"),
		indexOf(fresh, "idmap.wait") + 1,
		"to one that is new: as soon as it is there",
	);
	const joined = compile(specOf(undefined, { type: "time" }, { type: "user", path: "/proc/7/ns/user" }));
	t.equal(indexOf(joined, "time.create"), indexOf(joined, "namespace.join") + 1);
	t.equal(indexOf(joined, "time.create"), indexOf(joined, "clone") - 1);
});

t.test("with a path it is joined", async (t) => {
	const plan = compile(specOf(undefined, { type: "time", path: "/proc/7/ns/time" }));
	t.match(stepOf(plan, "namespace.join").namespaces, [{ type: "time", path: "/proc/7/ns/time" }]);
	t.equal(stepsOf(plan, "time.create").length, 0);
});

t.test("a kernel without them", async (t) => {
	t.throws(() => compile(specOf(undefined, { type: "time" }), { host: { timeNamespaces: false } }), {
		code: "host.unsupported",
		message: "time namespaces aren't enabled in the kernel",
		context: { pointer: "/linux/namespaces/5" },
	});
	t.ok(compile(specOf(undefined), { host: { timeNamespaces: false } }), "is no obstacle to other containers");
});

t.test("what a person reads of a failure", async (t) => {
	const { init } = compile(specOf({ boottime: { secs: -9e9 } }, { type: "time" }));
	const step = position({ init } as Plan, ({ op }) => op === "time.create");
	const failure = { step, syscall: "write", errno: 34, code: "ERANGE", detail: "/proc/self/timens_offsets" };
	const { message, context } = explainFailure({ init }, failure);
	t.match(message, /boottime -9000000000 s 0 ns.*numerical result out of range \(config.json#\/linux\/timeOffsets\)$/);
	t.match(context.hint, /negative/);
	t.match(explainFailure({ init }, { ...failure, errno: 1, code: "EPERM" }).context.hint, /CAP_SYS_TIME/);
});
