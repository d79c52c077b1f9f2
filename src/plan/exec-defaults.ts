/** Between the process of config.json and the one in a container's record, in both directions. */
import type { Process } from "./context.js";
import type { ExecDefaults, SavedProcess } from "./exec-schema.js";
import type { InitStep } from "./schema.js";

/** Every container comes through here: plain code (see compile.ts). */
export function execDefaults(process: Process, init: readonly InitStep[]): ExecDefaults {
	const saved: SavedProcess = { cwd: process.cwd };
	const { user, env, capabilities, rlimits, scheduler, ioPriority } = process;
	if (user !== undefined) saved.user = saveUser(user);
	if (env !== undefined) saved.env = env;
	if (capabilities !== undefined) saved.capabilities = capabilities;
	if (rlimits !== undefined) saved.rlimits = saveRlimits(rlimits);
	if (process.noNewPrivileges) saved.noNewPrivileges = true;
	if (process.apparmorProfile) saved.apparmorProfile = process.apparmorProfile;
	if (process.selinuxLabel) saved.selinuxLabel = process.selinuxLabel;
	if (process.oomScoreAdj !== undefined) saved.oomScoreAdj = process.oomScoreAdj;
	if (scheduler !== undefined) saved.scheduler = saveScheduler(scheduler);
	if (ioPriority !== undefined) saved.ioPriority = { class: ioPriority.class, priority: ioPriority.priority };
	if (process.execCPUAffinity !== undefined) saved.execCPUAffinity = process.execCPUAffinity;
	const steps: InitStep[] = [];
	for (let index = 0; index < init.length; index++) {
		const step = init[index] as InitStep;
		if (isInherited(step.op)) steps.push(step);
	}
	return { process: saved, steps };
}

function isInherited(op: InitStep["op"]): boolean {
	return (
		op === "keyring.join" || op === "process.personality" || op === "process.memoryPolicy" || op === "seccomp.load"
	);
}

function saveUser(user: NonNullable<Process["user"]>): NonNullable<SavedProcess["user"]> {
	const { uid, gid, umask, additionalGids } = user;
	const saved: NonNullable<SavedProcess["user"]> = { uid, gid };
	if (umask !== undefined) saved.umask = umask;
	if (additionalGids !== undefined) saved.additionalGids = additionalGids;
	return saved;
}

function saveRlimits(rlimits: NonNullable<Process["rlimits"]>): NonNullable<SavedProcess["rlimits"]> {
	const saved: NonNullable<SavedProcess["rlimits"]> = [];
	for (let index = 0; index < rlimits.length; index++) {
		const { type, soft, hard } = rlimits[index] as NonNullable<Process["rlimits"]>[number];
		saved.push({ type, soft: String(soft), hard: String(hard) });
	}
	return saved;
}

function saveScheduler(scheduler: NonNullable<Process["scheduler"]>): NonNullable<SavedProcess["scheduler"]> {
	const { policy, nice, priority, flags, runtime, deadline, period } = scheduler;
	return {
		policy,
		...(nice === undefined ? {} : { nice }),
		...(priority === undefined ? {} : { priority }),
		...(flags === undefined ? {} : { flags }),
		...(runtime === undefined ? {} : { runtime: String(runtime) }),
		...(deadline === undefined ? {} : { deadline: String(deadline) }),
		...(period === undefined ? {} : { period: String(period) }),
	};
}

/** The other way round; `args` are still to be filled in. Takes the record's object over: a copy would cost more than all else. */
export function restoreProcess(saved: SavedProcess): Process {
	const { rlimits, scheduler } = saved;
	const process = saved as unknown as Process;
	process.args = [];
	if (rlimits !== undefined) process.rlimits = restoreRlimits(rlimits);
	if (scheduler !== undefined) process.scheduler = restoreScheduler(scheduler);
	return process;
}

export function restoreRlimits(rlimits: NonNullable<SavedProcess["rlimits"]>): NonNullable<Process["rlimits"]> {
	const restored: NonNullable<Process["rlimits"]> = [];
	for (let index = 0; index < rlimits.length; index++) {
		const { type, soft, hard } = rlimits[index] as { type: string; soft: string; hard: string };
		restored.push({ type, soft: BigInt(soft), hard: BigInt(hard) });
	}
	return restored;
}

export function restoreScheduler(scheduler: NonNullable<SavedProcess["scheduler"]>): NonNullable<Process["scheduler"]> {
	const { runtime, deadline, period, ...plain } = scheduler;
	return {
		...plain,
		...(runtime === undefined ? {} : { runtime: BigInt(runtime) }),
		...(deadline === undefined ? {} : { deadline: BigInt(deadline) }),
		...(period === undefined ? {} : { period: BigInt(period) }),
	} as NonNullable<Process["scheduler"]>;
}
