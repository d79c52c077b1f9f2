/** Fills the record of a new container. */
import type { Bundle } from "../bundle/load.js";
import type { Plan } from "../plan/schema.js";
import type { ContainerRecord } from "./record.js";

/** Type in config.json, runc's name, and the file in /proc/PID/ns. */
const namespaces: readonly (readonly [type: string, runc: string, file: string])[] = [
	["network", "NEWNET", "net"],
	["mount", "NEWNS", "mnt"],
	["pid", "NEWPID", "pid"],
	["ipc", "NEWIPC", "ipc"],
	["uts", "NEWUTS", "uts"],
	["user", "NEWUSER", "user"],
	["cgroup", "NEWCGROUP", "cgroup"],
	["time", "NEWTIME", "time"],
];

/** The record as it is before the container has a process. */
export function newRecord(bundle: Bundle, plan: Plan, rootless: boolean): ContainerRecord {
	const { spec } = bundle;
	const { poststart, poststop } = spec.hooks ?? {};
	const annotations = spec.annotations;
	return {
		id: plan.id,
		init_process_pid: 0,
		init_process_start: 0,
		created: new Date().toISOString(),
		config: {
			rootfs: bundle.rootfs,
			readonlyfs: spec.root?.readonly === true,
			hostname: spec.hostname ?? "",
			namespaces: (spec.linux?.namespaces ?? []).map(({ type, path }) => ({
				type: namespaces.find(([name]) => name === type)?.[1] ?? type,
				path: path ?? "",
			})),
			labels: [`bundle=${bundle.path}`, ...Object.entries(annotations ?? {}).map(([key, value]) => `${key}=${value}`)],
		},
		rootless,
		cgroup_paths: cgroupPaths(plan),
		namespace_paths: {},
		external_descriptors: [],
		intel_rdt_path: "",
		runtime_ts: {
			version: 1,
			ociVersion: spec.ociVersion,
			bundle: bundle.path,
			...(annotations === undefined ? {} : { annotations }),
			...(poststart?.length ? { poststart } : {}),
			...(poststop?.length ? { poststop } : {}),
			...(plan.seccompListener ? { seccompListener: plan.seccompListener } : {}),
			...startStepsOf(plan),
		},
	};
}

/** runc has a key for each controller, also where a hierarchy has several. */
function cgroupPaths(plan: Plan): Record<string, string> {
	const paths: Record<string, string> = {};
	for (const { controller, path } of plan.cgroups) for (const name of controller.split(",")) paths[name] = path;
	return paths;
}

/** `start` is another process, long after the plan is gone: what it needs to name a failed step goes with the record. */
function startStepsOf(plan: Plan): Pick<ContainerRecord["runtime_ts"], "startSteps"> {
	const wait = plan.init.findIndex((step) => step.op === "start.wait");
	const step = plan.init[wait];
	if (step?.op !== "start.wait" || step.via !== "socket") return {};
	const steps = plan.init.slice(wait + 1).map((later) => (later.op === "exec" ? { ...later, env: [] } : later));
	return { startSteps: { first: wait + 1, steps } };
}

/** The record with the container's first process in it. */
export function withProcess(record: ContainerRecord, pid: number, startTime: string): ContainerRecord {
	return {
		...record,
		init_process_pid: pid,
		init_process_start: Number(startTime),
		namespace_paths: Object.fromEntries(namespaces.map(([, name, file]) => [name, `/proc/${pid}/ns/${file}`])),
	};
}

/** True when the kernel ends every process of the container together with its first one. */
export function ownsPidNamespace(record: ContainerRecord): boolean {
	return record.config.namespaces.some(({ type, path }) => type === "NEWPID" && path === "");
}
