import t from "tap";
import type { HostFacts } from "../../src/plan/input.js";
import { execAffinity } from "../../src/plan/scheduling.js";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

const ops = ["process.scheduler", "process.ioPriority", "process.personality", "process.memoryPolicy"] as const;

t.test("no step where there is nothing to set", async (t) => {
	const plan = compile(defaultSpec());
	for (const op of [...ops, "process.affinity"] as const) t.equal(stepsOf(plan, op).length, 0, op);
});

t.test("everything, in runc's order, in the cgroup and before the capabilities go", async (t) => {
	const spec = defaultSpec();
	spec.process.noNewPrivileges = false;
	spec.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" };
	spec.process.scheduler = {
		policy: "SCHED_DEADLINE",
		flags: ["SCHED_FLAG_RECLAIM"],
		runtime: 18446744073709551615n,
		deadline: 2000,
	};
	spec.process.ioPriority = { class: "IOPRIO_CLASS_RT", priority: 0 };
	spec.linux.personality = { domain: "LINUX32" };
	spec.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "2-3, 0", flags: ["MPOL_F_STATIC_NODES"] };
	const plan = compile(spec);
	t.strictSame(stepOf(plan, "process.scheduler"), {
		op: "process.scheduler",
		at: "/process/scheduler",
		policy: "SCHED_DEADLINE",
		nice: 0,
		priority: 0,
		flags: ["SCHED_FLAG_RECLAIM"],
		runtime: "18446744073709551615",
		deadline: "2000",
		period: "0",
	});
	t.match(stepOf(plan, "process.ioPriority"), { at: "/process/ioPriority", class: "IOPRIO_CLASS_RT", priority: 0 });
	t.match(stepOf(plan, "process.personality"), { at: "/linux/personality", domain: "LINUX32" });
	t.match(stepOf(plan, "process.memoryPolicy"), {
		at: "/linux/memoryPolicy",
		mode: "MPOL_BIND",
		nodes: [0, 2, 3],
		flags: ["MPOL_F_STATIC_NODES"],
	});
	const at = (op: string) => position(plan, (step) => step.op === op);
	const order = ["cgroup.join", "root.enter", ...ops, "capabilities.bound", "seccomp.load"].map(at);
	t.strictSame(
		order,
		[...order].sort((a, b) => a - b),
	);
	t.notOk(order.includes(-1));
});

t.test("execCPUAffinity: nothing for create, two steps for exec", async (t) => {
	const spec = defaultSpec();
	spec.process.execCPUAffinity = { initial: "7", final: "0-3,7" };
	t.equal(stepsOf(compile(spec), "process.affinity").length, 0);
	t.strictSame(execAffinity(spec.process), {
		initial: [{ op: "process.affinity", at: "/process/execCPUAffinity/initial", cpus: [7] }],
		final: [{ op: "process.affinity", at: "/process/execCPUAffinity/final", cpus: [0, 1, 2, 3, 7] }],
	});
	t.strictSame(execAffinity({ ...spec.process, execCPUAffinity: { final: "" } }), { initial: [], final: [] });
	t.strictSame(execAffinity(defaultSpec().process), { initial: [], final: [] });
});

t.test("with a user namespace, the engine sets the priorities, if it may", async (t) => {
	const spec = defaultSpec();
	spec.process.scheduler = { policy: "SCHED_RR", priority: 3 };
	spec.process.ioPriority = { class: "IOPRIO_CLASS_RT", priority: 2 };
	spec.linux.personality = { domain: "LINUX32" };
	const split = (host: Partial<HostFacts> = {}) => {
		const plan = compile(spec, { host });
		const named = ({ op }: { op: string }) => /^process\.(scheduler|ioPriority|personality)$/.test(op);
		return [plan.host.filter(named).map(({ op }) => op), plan.init.filter(named).map(({ op }) => op)];
	};
	const both = ["process.scheduler", "process.ioPriority"];
	t.strictSame(split(), [[], [...both, "process.personality"]]);
	spec.linux.namespaces?.push({ type: "user" });
	spec.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
	spec.linux.gidMappings = spec.linux.uidMappings;
	t.strictSame(split(), [both, ["process.personality"]]);
	const own = [[], [...both, "process.personality"]];
	t.strictSame(split({ euid: 1000 }), own);
	t.strictSame(split({ initialUserNamespace: false }), own);
});
