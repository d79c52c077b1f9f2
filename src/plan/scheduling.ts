/**
 * process.scheduler, process.ioPriority, linux.personality, linux.memoryPolicy: how the kernel treats the program. Set
 * when the process is in its cgroup, whose cpuset and real-time budget bound what is allowed, and still has the
 * capabilities for it (CAP_SYS_NICE); in a user namespace it never has them, so there the engine sets the priorities.
 */
import { cpuLimit, nodeLimit, parseNumberList } from "../bundle/number-list.js";
import { RuntimeError } from "../errors.js";
import type { Context, Linux, Process } from "./context.js";
import type { HostStep, InitStep, InitStepOf } from "./schema.js";

export function compileScheduling(context: Context, init: InitStep[]): void {
	const { process, linux } = context;
	const { scheduler, ioPriority } = process;
	const { personality, memoryPolicy } = linux;
	if ((scheduler || ioPriority) && !outranksContainer(context)) compilePriorities(process, init);
	if (personality) init.push({ op: "process.personality", at: "/linux/personality", domain: personality.domain });
	if (memoryPolicy) init.push(placeMemory(memoryPolicy));
}

/**
 * The engine's part. The kernel wants CAP_SYS_NICE in the first user namespace for more than the common priority, which
 * nobody has in a user namespace of the container.
 */
export function scheduleFromOutside(context: Context, host: HostStep[]): void {
	const { scheduler, ioPriority } = context.process;
	if ((scheduler || ioPriority) && outranksContainer(context)) compilePriorities(context.process, host);
}

function outranksContainer({ host, namespaces }: Context): boolean {
	return namespaces.has("user") && host.euid === 0 && host.initialUserNamespace;
}

type Priority = InitStepOf<"process.scheduler"> | InitStepOf<"process.ioPriority">;

/** Whose steps they are is the caller's decision. */
function compilePriorities({ scheduler, ioPriority }: Process, steps: { push(step: Priority): unknown }): void {
	if (scheduler) steps.push(schedule(scheduler));
	if (ioPriority) {
		const { class: name, priority } = ioPriority;
		steps.push({ op: "process.ioPriority", at: "/process/ioPriority", class: name, priority });
	}
}

function schedule(scheduler: NonNullable<Process["scheduler"]>): Priority {
	const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
	return {
		op: "process.scheduler",
		at: "/process/scheduler",
		policy,
		nice,
		priority,
		flags,
		runtime: String(runtime),
		deadline: String(deadline),
		period: String(period),
	};
}

function placeMemory({ mode, nodes = "", flags = [] }: NonNullable<Linux["memoryPolicy"]>): InitStep {
	return {
		op: "process.memoryPolicy",
		at: "/linux/memoryPolicy",
		mode,
		nodes: numbers(nodes, nodeLimit, "/linux/memoryPolicy/nodes"),
		flags,
	};
}

/**
 * process.execCPUAffinity, which the specification keeps from a container's first process: `initial` is for the process
 * of the runtime that joins the container, before it enters the cgroup (whose cpuset would narrow it down), `final` for
 * after that. Without `final` the kernel decides.
 */
export function execAffinity({ execCPUAffinity }: Process): { initial: InitStep[]; final: InitStep[] } {
	const step = (which: "initial" | "final"): InitStep[] => {
		const at = `/process/execCPUAffinity/${which}`;
		const list = execCPUAffinity?.[which];
		return list ? [{ op: "process.affinity", at, cpus: numbers(list, cpuLimit, at) }] : [];
	};
	return { initial: step("initial"), final: step("final") };
}

function numbers(list: string, limit: number, pointer: string): number[] {
	const found = parseNumberList(list, limit);
	if (typeof found === "string") throw new RuntimeError("config.invalid", found, { pointer });
	return found;
}
