import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { compileSeccomp } from "../../src/plan/seccomp.js";
import { compile, defaultSpec, stepOf, stepsOf } from "./fixture.js";

type Seccomp = NonNullable<NonNullable<Spec["linux"]>["seccomp"]>;

function withSeccomp(seccomp: Seccomp, noNewPrivileges: boolean) {
	const spec = defaultSpec();
	spec.linux.seccomp = seccomp;
	spec.process.noNewPrivileges = noNewPrivileges;
	spec.hooks = { startContainer: [{ path: "/hook" }] };
	return compile(spec);
}

t.test("errno: what is said, else EPERM, and only for actions that have one", async (t) => {
	const profile = compileSeccomp({
		defaultAction: "SCMP_ACT_ERRNO",
		defaultErrnoRet: 38,
		architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
		syscalls: [
			{ names: ["read"], action: "SCMP_ACT_ALLOW" },
			{ names: ["clone"], action: "SCMP_ACT_ERRNO", errnoRet: 1 },
			{ names: ["ptrace"], action: "SCMP_ACT_TRACE" },
			{ names: ["bpf"], action: "SCMP_ACT_ERRNO" },
		],
	});
	t.strictSame(profile, {
		defaultAction: "SCMP_ACT_ERRNO",
		defaultErrno: 38,
		architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
		rules: [
			{ names: ["read"], action: "SCMP_ACT_ALLOW", args: [] },
			{ names: ["clone"], action: "SCMP_ACT_ERRNO", errno: 1, args: [] },
			{ names: ["ptrace"], action: "SCMP_ACT_TRACE", errno: 1, args: [] },
			{ names: ["bpf"], action: "SCMP_ACT_ERRNO", errno: 1, args: [] },
		],
	});
	t.equal(compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO" }).defaultErrno, 1);
	t.notOk("defaultErrno" in compileSeccomp({ defaultAction: "SCMP_ACT_ALLOW" }));
});

t.test("a rule that says what the default says is left out", async (t) => {
	const syscalls: Seccomp["syscalls"] = [
		{ names: ["read"], action: "SCMP_ACT_ERRNO" },
		{ names: ["write"], action: "SCMP_ACT_ERRNO", errnoRet: 22 },
	];
	const { rules } = compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO", syscalls });
	t.strictSame(
		rules.map(({ names }) => names),
		[["write"]],
	);
});

t.test("arguments", async (t) => {
	const [rule] = compileSeccomp({
		defaultAction: "SCMP_ACT_ERRNO",
		syscalls: [
			{
				names: ["clone"],
				action: "SCMP_ACT_ALLOW",
				args: [
					{ index: 0, value: 18446744073709551615n, valueTwo: 9223372036854775809n, op: "SCMP_CMP_MASKED_EQ" },
					{ index: 1, value: 5, op: "SCMP_CMP_EQ" },
				],
			},
		],
	}).rules;
	t.strictSame(rule?.args, [
		{ index: 0, value: "18446744073709551615", valueTwo: "9223372036854775809", op: "SCMP_CMP_MASKED_EQ" },
		{ index: 1, value: "5", valueTwo: "0", op: "SCMP_CMP_EQ" },
	]);
});

t.test("several comparisons of one argument are alternatives", async (t) => {
	const args = [0, 8].map((value) => ({ index: 0, value, op: "SCMP_CMP_EQ" as const }));
	const { rules } = compileSeccomp({
		defaultAction: "SCMP_ACT_ERRNO",
		syscalls: [{ names: ["personality"], action: "SCMP_ACT_ALLOW", args }],
	});
	t.strictSame(
		rules.map((rule) => rule.args.map(({ value }) => value)),
		[["0"], ["8"]],
	);
});

t.test("when the filter is loaded", async (t) => {
	const early = withSeccomp({ defaultAction: "SCMP_ACT_ALLOW" }, false);
	t.strictSame(
		early.init.slice(-5).map(({ op }) => op),
		["start.wait", "hook.run", "seccomp.load", "capabilities.apply", "exec"],
	);
	const [before, after] = stepsOf(early, "capabilities.apply");
	t.ok(before?.effective.includes("CAP_SYS_ADMIN"), "CAP_SYS_ADMIN is kept for it");
	t.ok(before?.permitted.includes("CAP_SYS_ADMIN"));
	const names = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
	t.strictSame(after, {
		op: "capabilities.apply",
		at: "/process/capabilities",
		effective: names,
		permitted: names,
		inheritable: [],
	});
	t.notOk(stepOf(early, "capabilities.bound").keep.includes("CAP_SYS_ADMIN"), "a hook gets nothing of it");
	const late = withSeccomp({ defaultAction: "SCMP_ACT_ALLOW" }, true);
	t.strictSame(
		late.init.slice(-4).map(({ op }) => op),
		["start.wait", "hook.run", "seccomp.load", "exec"],
	);
	const spec = defaultSpec();
	delete spec.linux.seccomp;
	t.equal(stepsOf(compile(spec), "seccomp.load").length, 0);
	t.equal(compile(spec).seccomp, undefined);
});

t.test("flags", async (t) => {
	const flags = (flags?: Seccomp["flags"]) =>
		stepOf(withSeccomp({ defaultAction: "SCMP_ACT_ALLOW", ...(flags ? { flags } : {}) }, true), "seccomp.load").flags;
	t.strictSame(flags(), ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]);
	t.strictSame(flags([]), [], "an empty list is not the same as none");
	t.strictSame(flags(["SECCOMP_FILTER_FLAG_LOG"]), ["SECCOMP_FILTER_FLAG_LOG"]);
	const plan = withSeccomp(
		{ defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] },
		true,
	);
	t.strictSame(stepOf(plan, "seccomp.load").flags, []);
	t.match(plan.warnings, [{ at: "/linux/seccomp/flags/0" }]);
});
