/**
 * The end of a container: its first process, its cgroups, poststop hooks, its state directory, in this order and
 * each step fine to repeat, so that what a killed delete left is finished by the next one.
 */

import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { hookFiles } from "../plan/hook-files.js";
import { removeCgroups } from "./cgroups.js";
import { failedWith } from "./errno.js";
import { isFrozen, setFrozen } from "./freezer.js";
import type { HookState } from "./hooks.js";
import { runHooksRegardless } from "./hooks.js";
import { unmountRoot } from "./host-mounts.js";
import type { Environment } from "./place.js";
import type { ContainerRecord } from "./record.js";
import { removeResctrlGroups } from "./resctrl.js";
import { SIGKILL } from "./signals.js";
import type { StateDirectory } from "./store.js";
import { stopUnit } from "./systemd.js";

/** As long as runc waits. */
const patienceMs = 10_000;

/** Kills the process and waits until it has ended; in a pid namespace of its own that takes all others with it. */
export function killInit(native: Native, pidfd: number, cgroups: Record<string, string>): void {
	try {
		native.signalPid({ pidfd, signal: SIGKILL });
	} catch (error) {
		if (!failedWith(error, "ESRCH")) throw error;
	}
	// A frozen process of cgroup v1 does not die before it is thawed, and a `pause` may come in between.
	const deadline = performance.now() + patienceMs;
	for (let waitMs = 100; ; waitMs *= 2) {
		if (cgroups.freezer !== undefined && isFrozen(native, cgroups)) setFrozen(native, cgroups, false);
		const left = Math.max(0, deadline - performance.now());
		if (native.waitPid({ pidfd, timeoutMs: Math.ceil(Math.min(waitMs, left)) })) return;
		if (left > 0) continue;
		throw new RuntimeError("container.delete", "container init still running", {
			hint: "it was sent SIGKILL ten seconds ago; a process in uninterruptible sleep ends when its I/O does",
		});
	}
}

export interface Removal {
	directory: StateDirectory;
	record: ContainerRecord;
	env: Environment;
	/** False when the container was never so far that a hook saw it. */
	poststop: boolean;
	onWarning?: ((message: string, pointer?: string) => void) | undefined;
}

/** Removes everything of a container whose first process has ended. */
export function removeContainer(native: Native, removal: Removal): void {
	const { directory, record } = removal;
	const { systemd } = record.runtime_ts;
	if (systemd !== undefined) stopUnit(native, systemd, record.cgroup_paths, removal.onWarning);
	removeCgroups(native, record.cgroup_paths);
	if (record.runtime_ts.resctrl !== undefined) removeResctrlGroups(native, record.runtime_ts.resctrl);
	const hooks = record.runtime_ts.poststop;
	if (removal.poststop && hooks) {
		// A failing poststop hook is a warning (specification, lifecycle step 13).
		const files = hookFiles(record.runtime_ts);
		const run = { stage: "poststop" as const, hooks, state: hookState(record, "stopped"), env: removal.env, files };
		runHooksRegardless(native, run, (failure) => removal.onWarning?.(failure.message, failure.context.pointer));
	}
	if (record.runtime_ts.hostMounts) unmountRoot(native, directory);
	native.removeTree({ path: directory.path });
}

/** State for hooks; the pid is the one in the runtime's pid namespace, where these hooks run. */
export function hookState(record: ContainerRecord, status: HookState["status"]): HookState {
	const { ociVersion, bundle, annotations } = record.runtime_ts;
	return {
		ociVersion,
		id: record.id,
		status,
		...(status === "stopped" ? {} : { pid: record.init_process_pid }),
		bundle,
		...(annotations === undefined ? {} : { annotations }),
	};
}
