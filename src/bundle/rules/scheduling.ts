/** process.scheduler, process.execCPUAffinity, linux.memoryPolicy, linux.personality: what sched(7), numa(7) and runc refuse. */
import { cpuLimit, nodeLimit, parseNumberList } from "../number-list.js";
import type { Linux, Process, Spec } from "../spec.js";
import type { Report } from "./report.js";

type Scheduler = NonNullable<Process["scheduler"]>;
type MemoryPolicy = NonNullable<Linux["memoryPolicy"]>;

/** For salvage.ts: on these depends what is right in other values. */
export const schedulingReads = ["/process/scheduler/policy", "/linux/memoryPolicy/mode"];

export function checkScheduling({ process, linux }: Spec, report: Report): void {
	if (process.scheduler !== undefined) checkScheduler(process.scheduler, report);
	if (process.execCPUAffinity !== undefined) {
		checkCpus(process.execCPUAffinity.initial, "/process/execCPUAffinity/initial", report);
		checkCpus(process.execCPUAffinity.final, "/process/execCPUAffinity/final", report);
	}
	if (linux?.memoryPolicy !== undefined) checkMemoryPolicy(linux.memoryPolicy, report);
	if (linux?.personality?.flags?.length) {
		// config-linux.md: "Currently no flag values are supported."
		report.error("/linux/personality/flags", "no flag of an execution domain is supported");
	}
}

function checkScheduler(scheduler: Scheduler, report: Report): void {
	const { policy, priority = 0 } = scheduler;
	const at = "/process/scheduler";
	if (policy === "SCHED_ISO") {
		report.error(`${at}/policy`, "SCHED_ISO is a name that Linux reserves; no kernel has this policy");
		return;
	}
	const realtime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
	if (realtime && (priority < 1 || priority > 99)) {
		report.error(`${at}/priority`, `expected a priority from 1 to 99 for ${policy}; found ${priority}`);
	} else if (!realtime && priority !== 0) {
		report.error(
			`${at}/priority`,
			`scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR; found ${priority}`,
		);
	}
	if (policy === "SCHED_DEADLINE") checkDeadline(scheduler, report);
	else {
		for (const name of ["runtime", "deadline", "period"] as const) {
			if (Number(scheduler[name] ?? 0) === 0) continue;
			report.error(`${at}/${name}`, `scheduler.${name} can only be specified for SCHED_DEADLINE`);
		}
	}
}

/** sched_setattr(2): sched_runtime <= sched_deadline <= sched_period, of at least 1024 ns. A period of 0 is the deadline. */
function checkDeadline(scheduler: Scheduler, report: Report): void {
	const at = "/process/scheduler";
	const runtime = BigInt(scheduler.runtime ?? 0);
	const deadline = BigInt(scheduler.deadline ?? 0);
	const period = BigInt(scheduler.period ?? 0);
	if (runtime < 1024n) report.error(`${at}/runtime`, `expected at least 1024 ns for SCHED_DEADLINE; found ${runtime}`);
	else if (deadline < runtime) {
		report.error(`${at}/deadline`, `expected at least the runtime, ${runtime} ns; found ${deadline}`);
	} else if (period !== 0n && period < deadline) {
		report.error(`${at}/period`, `expected at least the deadline, ${deadline} ns; found ${period}`);
	}
}

function checkCpus(list: string | undefined, at: string, report: Report): void {
	if (!list) return;
	const cpus = parseNumberList(list, cpuLimit);
	if (typeof cpus === "string") report.error(at, cpus);
	else if (cpus.length === 0) report.error(at, `expected at least one CPU; found ${JSON.stringify(list)}`);
}

const withoutNodes = ["MPOL_DEFAULT", "MPOL_LOCAL"];

function checkMemoryPolicy({ mode, nodes, flags = [] }: MemoryPolicy, report: Report): void {
	const at = "/linux/memoryPolicy";
	const list = parseNumberList(nodes ?? "", nodeLimit);
	if (typeof list === "string") report.error(`${at}/nodes`, list);
	else if (withoutNodes.includes(mode)) {
		if (list.length > 0) report.error(`${at}/nodes`, `memory policy ${mode} takes no nodes; found ${list.length}`);
	} else if (list.length === 0 && mode !== "MPOL_PREFERRED") {
		// Preferred without nodes is local.
		report.error(`${at}/nodes`, `memory policy ${mode} requires at least one node`);
	}
	if (flags.includes("MPOL_F_STATIC_NODES") && flags.includes("MPOL_F_RELATIVE_NODES")) {
		report.error(`${at}/flags`, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	}
}
