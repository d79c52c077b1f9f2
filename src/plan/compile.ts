/**
 * The compiler: one bundle, the facts of one host, the options of one command, and out comes everything that is going
 * to happen. Pure functions; `create` executes what they return, `explain` prints it.
 *
 * The plan is made in two parts, so that the kernel is busy with the first (new namespaces cost a millisecond) while
 * this compiles the second. Each section appends its steps to the list: in the standalone binary this code runs once,
 * cold, and spreads, iterators and array methods cost more there than all of the work.
 */
import type { Bundle } from "../bundle/load.js";
import { type CgroupInput, compileCgroup } from "../cgroup/compile.js";
import { requireSystemd } from "../cgroup/systemd.js";
import { append } from "./append.js";
import type { Context, Mount } from "./context.js";
import { populateDev } from "./devices.js";
import { compileEnvironment, notifyDestination } from "./environment.js";
import { openHookFiles } from "./hook-files.js";
import { createContainerHooks, hasHooksBeforePivot, runtimeHooks } from "./hooks.js";
import { awaitIdMaps, writeIdMaps } from "./idmap.js";
import type { CreateOptions, HostFacts } from "./input.js";
import { compileIntelRdt } from "./intel-rdt.js";
import { applyAppArmor, labelKeyring, labelMounts } from "./labels.js";
import { compileMount, copiesUp, showsCgroups } from "./mounts.js";
import {
	bringUpLoopback,
	clonesIntoOwnCgroup,
	enterNamespaces,
	hasCgroupToJoin,
	joinKeyring,
	readNamespaces,
} from "./namespaces.js";
import { awaitNetDevices, moveNetDevices } from "./net-devices.js";
import { protectPaths } from "./paths.js";
import { becomeProcess, createConsole, setOomScore } from "./process.js";
import { compileRlimits, type RlimitSteps } from "./rlimits.js";
import {
	createWorkingDirectory,
	enterRoot,
	makeReadonly,
	makeUnbindable,
	mountsOnHost,
	openRoot,
	requireMountNamespace,
} from "./root.js";
import { scheduleFromOutside } from "./scheduling.js";
import type { HostStep, InitStep, Plan } from "./schema.js";
import { compileSeccomp } from "./seccomp.js";
import { failsOnUnknown, rawProgram, seccompListener } from "./seccomp-extras.js";
import { writeSysctls } from "./sysctl.js";
import { createTimeNamespace } from "./time.js";
import { setNames } from "./uts.js";

export interface PlanInput {
	id: string;
	bundle: Bundle;
	host: HostFacts;
	options: CreateOptions;
}

/** A plan whose first steps are known. */
export interface PlanDraft {
	readonly context: Context;
	readonly warnings: Plan["warnings"];
	/** Making and filling the cgroups. */
	readonly host: HostStep[];
	/** The init's steps up to the root filesystem; finishPlan appends the others. */
	readonly init: InitStep[];
	readonly rlimits: RlimitSteps;
}

export function compilePlan(input: PlanInput): Plan {
	return finishPlan(beginPlan(input));
}

/** The cgroups, and the way into the container's namespaces. */
export function beginPlan({ id, bundle, host, options }: PlanInput): PlanDraft {
	const { spec } = bundle;
	const privileged = host.euid === 0 && host.initialUserNamespace;
	const optional = options.rootless ?? !privileged;
	const cgroupInput: CgroupInput = { id, spec, layout: host.cgroup, privileged, euid: host.euid, optional };
	if (options.systemdCgroup) cgroupInput.systemd = requireSystemd(host);
	if (options.noCgroup) cgroupInput.disabled = true;
	const cgroup = compileCgroup(cgroupInput);
	const { warnings } = cgroup;
	const context: Context = {
		id,
		bundle,
		spec,
		linux: spec.linux ?? {},
		process: spec.process,
		host,
		options,
		namespaces: readNamespaces(spec),
		cgroups: cgroup.cgroups,
		warn: (at, message) => warnings.push({ at, message }),
	};
	requireMountNamespace(context);
	const rlimits = compileRlimits(context);
	const init: InitStep[] = [];
	setOomScore(context, init);
	openHookFiles(context, init);
	append(init, rlimits.hard);
	enterNamespaces(context, init);
	awaitIdMaps(context, init);
	createTimeNamespace(context, "after clone", init);
	awaitNetDevices(context, init);
	labelKeyring(context, init);
	joinKeyring(context, init);
	bringUpLoopback(context, init);
	return { context, warnings, host: cgroup.host, init, rlimits };
}

/**
 * The process is born in its cgroup (CLONE_INTO_CGROUP, or because systemd has put the init there), so the cgroup has to
 * be made before the init gets this far.
 */
export function isBornInCgroup({ init, context }: PlanDraft): boolean {
	if (context.options.systemdCgroup) return true;
	for (let index = 0; index < init.length; index++) {
		const step = init[index] as InitStep;
		if (step.op === "clone") return step.cgroup !== undefined;
	}
	return false;
}

export function finishPlan({ context, warnings, host, init, rlimits }: PlanDraft): Plan {
	const { id, bundle, linux, options } = context;
	compileInside(context, init, rlimits);
	labelMounts(context, init);
	compileIntelRdt(context, host);
	writeIdMaps(context, host);
	moveNetDevices(context, host);
	scheduleFromOutside(context, host);
	const plan: Plan = {
		version: 1,
		id,
		bundle: bundle.path,
		rootfs: bundle.rootfs,
		host,
		cgroups: context.cgroups,
		init,
		warnings,
	};
	const program = rawProgram(context.spec);
	if (program !== undefined) plan.seccomp = { program };
	else if (linux.seccomp) plan.seccomp = compileSeccomp(linux.seccomp, failsOnUnknown(context.spec));
	if (mountsOnHost(context)) plan.mountedRoot = options.mountedRoot;
	const listener = seccompListener(context);
	if (listener !== undefined) plan.seccompListener = listener;
	if (options.trace) plan.trace = true;
	return plan;
}

/** runc's order, on which callers, hooks and profiles depend. */
function compileInside(context: Context, init: InitStep[], rlimits: RlimitSteps): void {
	const environment = compileEnvironment(context);
	const cgroup = new CgroupEntry(context);
	openRoot(context, init);
	const late = compileMounts(context, cgroup, init);
	populateDev(context, init);
	if (hasHooksBeforePivot(context)) {
		// A hook may look for the process in its cgroup.
		cgroup.enter(init);
		runtimeHooks(context, init);
		createContainerHooks(context, init);
	}
	createConsole(context, init, true);
	cgroup.enter(init);
	enterRoot(context, init);
	createWorkingDirectory(context, init);
	append(init, late);
	makeReadonly(context, init);
	setNames(context, init);
	applyAppArmor(context, init);
	writeSysctls(context, init);
	protectPaths(context, init);
	makeUnbindable(context, init);
	becomeProcess(context, environment, rlimits.exact, init);
}

/** Returns what has to wait until the runtime itself has made its files in the mounts. */
function compileMounts(context: Context, cgroup: CgroupEntry, init: InitStep[]): InitStep[] {
	const late: InitStep[] = [];
	const mounts = context.spec.mounts ?? [];
	for (let index = 0; index < mounts.length; index++) {
		const mount = mounts[index] as Mount;
		if (showsCgroups(mount) || copiesUp(mount)) cgroup.enter(init);
		compileMount(context, mount, index, { steps: init, late });
	}
	const { notifyDirectory } = context.options;
	if (notifyDirectory !== undefined) {
		init.push({
			op: "mount.bind",
			destination: notifyDestination,
			source: notifyDirectory,
			tree: false,
			attributes: { set: ["rdonly", "nosuid", "nodev", "noexec"] },
		});
	}
	return late;
}

/**
 * Entering the cgroup, and then its namespace, whose root is the cgroup one is in. The engine makes the directories
 * while the init mounts, so the init asks for them as late as it can: when the first thing needs them.
 */
class CgroupEntry {
	#entered = false;
	readonly #context: Context;

	constructor(context: Context) {
		this.#context = context;
	}

	/** Appends the steps, the first time. */
	enter(init: InitStep[]): void {
		if (this.#entered) return;
		this.#entered = true;
		const { cgroups, namespaces } = this.#context;
		if (hasCgroupToJoin(cgroups) && !clonesIntoOwnCgroup(this.#context))
			init.push({ op: "cgroup.join", at: "/linux/cgroupsPath" });
		const at = namespaces.pointer("cgroup");
		if (at !== undefined) init.push({ op: "namespace.unshare", at, namespaces: ["cgroup"] });
	}
}
