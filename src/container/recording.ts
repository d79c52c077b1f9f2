/** Fills the record of a new container. */
import type { Bundle } from "../bundle/load.js";
import type { Spec } from "../bundle/spec.js";
import { execDefaults } from "../plan/exec-defaults.js";
import { ownResctrlGroups } from "../plan/intel-rdt.js";
import type { InitStep, NamespaceType, Plan } from "../plan/schema.js";
import type { ContainerRecord } from "./record.js";

interface RecordedNamespace {
	/** In config.json. */
	type: NamespaceType;
	/** runc's name. */
	runc: string;
	/** In /proc/PID/ns. */
	file: string;
}

const namespaces: readonly RecordedNamespace[] = [
	{ type: "network", runc: "NEWNET", file: "net" },
	{ type: "mount", runc: "NEWNS", file: "mnt" },
	{ type: "pid", runc: "NEWPID", file: "pid" },
	{ type: "ipc", runc: "NEWIPC", file: "ipc" },
	{ type: "uts", runc: "NEWUTS", file: "uts" },
	{ type: "user", runc: "NEWUSER", file: "user" },
	{ type: "cgroup", runc: "NEWCGROUP", file: "cgroup" },
	{ type: "time", runc: "NEWTIME", file: "time" },
];

/** The record as it is before the container has a process. */
export function newRecord(bundle: Bundle, plan: Plan, rootless: boolean): ContainerRecord {
	const { spec } = bundle;
	const { annotations, hooks } = spec;
	const exec = execDefaults(spec.process, plan.init);
	const own: ContainerRecord["runtime_ts"] = { version: 1, ociVersion: spec.ociVersion, bundle: bundle.path, exec };
	if (annotations !== undefined) own.annotations = annotations;
	if (hooks?.poststart?.length) own.poststart = hooks.poststart;
	if (hooks?.poststop?.length) own.poststop = hooks.poststop;
	if (plan.mountedRoot) own.hostMounts = true;
	const resources = spec.linux?.resources;
	if (resources !== undefined) own.resources = resources as Record<string, unknown>;
	if (plan.seccompListener) own.seccompListener = plan.seccompListener;
	const unit = plan.host[0];
	if (unit?.op === "systemd.start") own.systemd = { unit: unit.unit, bus: unit.bus, version: unit.version };
	addStartSteps(own, plan);
	const record: ContainerRecord = {
		id: plan.id,
		init_process_pid: 0,
		init_process_start: 0,
		created: new Date().toISOString(),
		config: {
			rootfs: bundle.rootfs,
			readonlyfs: spec.root?.readonly === true,
			hostname: spec.hostname ?? "",
			namespaces: recordedNamespaces(spec),
			labels: labels(bundle.path, annotations),
		},
		rootless,
		cgroup_paths: cgroupPaths(plan),
		namespace_paths: {},
		external_descriptors: [],
		intel_rdt_path: "",
		runtime_ts: own,
	};
	if (spec.linux?.intelRdt !== undefined) addResctrl(record, plan);
	return record;
}

function recordedNamespaces({ linux }: Spec): ContainerRecord["config"]["namespaces"] {
	const recorded: ContainerRecord["config"]["namespaces"] = [];
	for (let index = 0; index < (linux?.namespaces?.length ?? 0); index++) {
		const { type = "", path = "" } = linux?.namespaces?.[index] ?? {};
		let known = 0;
		while (known < namespaces.length && namespaces[known]?.type !== type) known++;
		recorded.push({ type: namespaces[known]?.runc ?? type, path });
	}
	return recorded;
}

function labels(bundle: string, annotations: Spec["annotations"]): string[] {
	const lines = [`bundle=${bundle}`];
	for (const key in annotations) lines.push(`${key}=${annotations[key]}`);
	return lines;
}

/** runc has a key for each controller, also where a hierarchy has several. */
function cgroupPaths({ cgroups }: Plan): Record<string, string> {
	const paths: Record<string, string> = {};
	for (let index = 0; index < cgroups.length; index++) {
		const { controller, path } = cgroups[index] as Plan["cgroups"][number];
		if (!controller.includes(",")) paths[controller] = path;
		else for (const name of controller.split(",")) paths[name] = path;
	}
	return paths;
}

/** runc's keys: the group, and the monitoring group in it; and which of them `delete` removes. */
function addResctrl(record: ContainerRecord, { host }: Plan): void {
	const [group, monitored] = host.filter((step) => step.op === "resctrl.join");
	if (group !== undefined) record.intel_rdt_path = group.path;
	if (monitored !== undefined) record.intel_rdt_mon_path = monitored.path;
	const own = ownResctrlGroups(host);
	if (own.length > 0) record.runtime_ts.resctrl = own;
}

/** `start` is another process, long after the plan is gone: what it needs to name a failed step goes with the record. */
function addStartSteps(own: ContainerRecord["runtime_ts"], { init }: Plan): void {
	// From the end, where it is; only the process's own steps come after it.
	let wait = init.length - 1;
	while (wait >= 0 && init[wait]?.op !== "start.wait") wait--;
	const step = init[wait];
	if (step?.op !== "start.wait" || step.via !== "socket") return;
	const steps: InitStep[] = [];
	for (let index = wait + 1; index < init.length; index++) {
		const later = init[index] as InitStep;
		steps.push(later.op === "exec" ? { ...later, env: [] } : later);
	}
	own.startSteps = { first: wait + 1, steps };
}

/** The record with the container's first process in it. */
export function withProcess(record: ContainerRecord, pid: number, startTime: string): ContainerRecord {
	const paths: Record<string, string> = {};
	for (let index = 0; index < namespaces.length; index++) {
		const { runc, file } = namespaces[index] as RecordedNamespace;
		paths[runc] = `/proc/${pid}/ns/${file}`;
	}
	return { ...record, init_process_pid: pid, init_process_start: Number(startTime), namespace_paths: paths };
}

/** True when the kernel ends every process of the container together with its first one. */
export function ownsPidNamespace(record: ContainerRecord): boolean {
	return record.config.namespaces.some(({ type, path }) => type === "NEWPID" && path === "");
}

/** Where the container's namespaces are now, in the terms of config.json. */
export function joinedNamespaces(record: ContainerRecord): { type: NamespaceType; path: string }[] {
	const { config, namespace_paths: paths } = record;
	const joined: { type: NamespaceType; path: string }[] = [];
	for (let index = 0; index < config.namespaces.length; index++) {
		const name = config.namespaces[index]?.type ?? "";
		for (let known = 0; known < namespaces.length; known++) {
			const { type, runc } = namespaces[known] as RecordedNamespace;
			if (runc === name) joined.push({ type, path: paths[runc] ?? "" });
		}
	}
	return joined;
}
