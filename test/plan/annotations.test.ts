/** What crun's annotations, and an agent for SCMP_ACT_NOTIFY, change in the plan. */
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

type Seccomp = NonNullable<NonNullable<Spec["linux"]>["seccomp"]>;

const notify: Seccomp = {
	defaultAction: "SCMP_ACT_ALLOW",
	listenerPath: "agent.sock",
	flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
	syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
};

function annotated(annotations: Record<string, string>, seccomp?: Seccomp) {
	const spec = defaultSpec();
	spec.annotations = annotations;
	if (seccomp) spec.linux.seccomp = seccomp;
	return spec;
}

t.test("a listener: who gets it, where a relative path begins", async (t) => {
	const plan = compile(annotated({}, { ...notify, listenerMetadata: "m" }));
	t.strictSame(plan.seccompListener, { path: "/bundle/agent.sock", metadata: "m" });
	t.match(stepOf(plan, "seccomp.load"), { flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], listener: "close" });
	const absolute = compile(annotated({}, { ...notify, listenerPath: "/run/agent" }));
	t.strictSame(absolute.seccompListener, { path: "/run/agent" });
});

t.test("the process closes its own listener where the profile surely lets it", async (t) => {
	const listener = (seccomp: Partial<Seccomp>, ...more: NonNullable<Seccomp["syscalls"]>) => {
		const syscalls = [...(notify.syscalls ?? []), ...more];
		return stepOf(compile(annotated({}, { ...notify, ...seccomp, syscalls })), "seccomp.load").listener;
	};
	const allow: NonNullable<Seccomp["syscalls"]>[number] = { names: ["read", "close"], action: "SCMP_ACT_ALLOW" };
	const errno = { defaultAction: "SCMP_ACT_ERRNO" } as const;
	t.equal(listener({}), "close");
	t.equal(listener({}, { names: ["close"], action: "SCMP_ACT_NOTIFY" }), "keep");
	t.equal(listener(errno), "keep");
	t.equal(listener(errno, allow), "close");
	t.equal(listener(errno, { ...allow, args: [{ index: 0, value: 9, op: "SCMP_CMP_NE" }] }), "keep");
});

t.test("a listenerPath without SCMP_ACT_NOTIFY is for nobody", async (t) => {
	const plan = compile(annotated({}, { ...notify, syscalls: [] }));
	t.equal(plan.seccompListener, undefined);
	t.strictSame(stepOf(plan, "seccomp.load").flags, [], "EINVAL with no listener");
	t.notOk("listener" in stepOf(plan, "seccomp.load"));
	t.match(plan.warnings, [{ at: "/linux/seccomp/flags/0", message: /no effect without SCMP_ACT_NOTIFY/ }]);
});

t.test("a program of somebody else's takes the place of the profile", async (t) => {
	const program = Buffer.alloc(8).toString("base64");
	const plan = compile(annotated({ "run.oci.seccomp_bpf_data": program }, { defaultAction: "SCMP_ACT_LOG" }));
	t.strictSame(plan.seccomp, { program });
	t.equal(stepOf(plan, "seccomp.load").at, "/annotations/run.oci.seccomp_bpf_data");
	const alone = compile(annotated({ "run.oci.seccomp_bpf_data": program }));
	t.strictSame(alone.seccomp, { program }, "there need not be a profile");
	t.equal(stepsOf(alone, "seccomp.load").length, 1);
	t.throws(() => compile(annotated({ "run.oci.seccomp_bpf_data": program }, notify)), {
		code: "config.unsupported",
		context: { pointer: "/annotations/run.oci.seccomp_bpf_data" },
	});
});

t.test("names that are no system call", async (t) => {
	const profile: Seccomp = { defaultAction: "SCMP_ACT_ALLOW" };
	t.notOk("failUnknown" in (compile(annotated({}, profile)).seccomp as object));
	for (const [value, strict] of [
		["1", true],
		["", true],
		["0", undefined],
	] as const) {
		const { failUnknown } = compile(annotated({ "run.oci.seccomp_fail_unknown_syscall": value }, profile)).seccomp as {
			failUnknown?: boolean;
		};
		t.equal(failUnknown, strict, `"${value}"`);
	}
});

t.test("the runtime's groups", async (t) => {
	t.ok(stepOf(compile(annotated({})), "process.user").setgroups);
	t.ok(stepOf(compile(annotated({ "run.oci.keep_original_groups": "0" })), "process.user").setgroups);
	const spec = annotated({ "run.oci.keep_original_groups": "1" });
	spec.process.user = { uid: 0, gid: 0, additionalGids: [7] };
	const plan = compile(spec);
	t.notOk(stepOf(plan, "process.user").setgroups);
	t.match(plan.warnings, [{ at: "/process/user/additionalGids", message: /keep_original_groups/ }]);
});

t.test("files for what hooks print are opened before the clone, where a hook runs in the container", async (t) => {
	const spec = annotated({ "run.oci.hooks.stderr": "/e" });
	t.strictSame(stepsOf(compile(spec), "hooks.output"), [], "no hook");
	spec.hooks = { createRuntime: [{ path: "/h" }] };
	t.strictSame(stepsOf(compile(spec), "hooks.output"), [], "one of the engine's");
	spec.hooks = { startContainer: [{ path: "/h" }] };
	const plan = compile(spec);
	t.strictSame(stepOf(plan, "hooks.output"), {
		op: "hooks.output",
		at: "/annotations/run.oci.hooks.stderr",
		stderr: "/e",
	});
	t.ok(position(plan, ({ op }) => op === "hooks.output") < position(plan, ({ op }) => op === "clone"));
	spec.annotations = { "run.oci.hooks.stdout": "/o", "run.oci.hooks.stderr": "/e" };
	t.match(stepOf(compile(spec), "hooks.output"), { stdout: "/o", stderr: "/e" });
});
