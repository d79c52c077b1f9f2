/** What the compiler needs to know for `exec`: the container from its record, the host only as far as it matters. */
import type { Spec } from "../bundle/spec.js";
import type { Native } from "../native/api.js";
import type { Context, Process } from "../plan/context.js";
import type { ExecTarget } from "../plan/exec.js";
import { Namespaces } from "../plan/namespaces.js";
import type { ExecCgroups } from "./exec-cgroups.js";
import { gatherProcessFacts } from "./facts.js";
import type { ContainerRecord } from "./record.js";
import { joinedNamespaces } from "./recording.js";
import type { StateDirectory } from "./store.js";

export interface PassedFds {
	/** LISTEN_FDS. */
	sockets: number;
	preserved: number;
}

export function execContext(
	native: Native,
	directory: StateDirectory,
	record: ContainerRecord,
	process: Process,
	fds: PassedFds,
	warn: Context["warn"],
): Context {
	const { runtime_ts: own, config } = record;
	const namespaces = new Namespaces(joinedNamespaces(record));
	const spec: Spec = { ociVersion: own.ociVersion, process, root: { path: config.rootfs } };
	if (own.annotations !== undefined) spec.annotations = own.annotations;
	const host = gatherProcessFacts(native, process);
	return {
		id: record.id,
		bundle: { path: own.bundle, rootfs: config.rootfs, spec, warnings: [] },
		spec,
		linux: {},
		process,
		host,
		options: {
			noPivot: false,
			noNewKeyring: false,
			preserveFds: fds.preserved,
			startVia: "channel",
			mountedRoot: directory.mountedRoot,
			systemdCgroup: false,
			listenFds: fds.sockets,
			trace: false,
		},
		namespaces,
		cgroups: [],
		warn,
	};
}

export function execTarget(
	directory: StateDirectory,
	record: ContainerRecord,
	namespaces: Namespaces,
	cgroups: ExecCgroups,
): ExecTarget {
	const target: ExecTarget = {
		pid: record.init_process_pid,
		startTime: String(record.init_process_start),
		tasks: cgroups.tasks,
	};
	if (cgroups.unified !== undefined) target.cgroup = cgroups.unified;
	if (!namespaces.has("mount")) {
		target.root = record.runtime_ts.hostMounts ? directory.mountedRoot : record.config.rootfs;
	}
	return target;
}
