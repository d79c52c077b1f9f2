import { loadBundle } from "../bundle/load.js";
import type { Native } from "../native/api.js";
import { compilePlan } from "../plan/compile.js";
import { seccompFilter } from "./cache.js";
import { converse } from "./conversation.js";
import { gatherFacts } from "./facts.js";
import { makeCgroups } from "./host-steps.js";
import type { Launch, LaunchMode, StartedLaunch } from "./launch-state.js";
import { tell } from "./launch-state.js";
import { checkId, stateRoot } from "./place.js";
import { newRecord } from "./recording.js";
import type { LaunchRequest } from "./request.js";
import { checkConsole, checkPreservedFds, checkPrivileges, listenFds } from "./request.js";
import { claim, directoryOf } from "./store.js";
import { undo } from "./undo.js";

/** Runs everything up to the point where the container waits for start. On failure nothing is left. */
export function launch(native: Native, request: LaunchRequest, mode: LaunchMode): StartedLaunch {
	const env = request.env ?? process.env;
	checkId(request.id);
	const root = stateRoot(native, request);
	const directory = directoryOf(root.path, request.id);
	const bundle = loadBundle(native, request.bundle);
	checkConsole(bundle.spec, request, mode.detached);
	const sockets = listenFds(env);
	const preserved = request.preserveFds ?? 0;
	checkPreservedFds(native, sockets, preserved);

	const host = gatherFacts(native, bundle.spec);
	checkPrivileges(bundle.spec, host.euid);
	const plan = compilePlan({
		id: request.id,
		bundle,
		host,
		options: {
			noPivot: request.noPivot === true,
			noNewKeyring: request.noNewKeyring === true,
			preserveFds: preserved,
			startVia: mode.startVia,
			systemdCgroup: request.systemdCgroup === true,
			...(env.NOTIFY_SOCKET ? { notifyDirectory: directory.notify } : {}),
			listenFds: sockets,
			trace: request.onTrace !== undefined,
			...(request.rootless === undefined ? {} : { rootless: request.rootless }),
		},
	});
	for (const { message, pointer } of bundle.warnings) request.onWarning?.(message, pointer);
	for (const { message, at } of plan.warnings) request.onWarning?.(message, at);
	const rootless = request.rootless ?? (host.euid !== 0 || !host.initialUserNamespace);

	const state: Launch = {
		native,
		request,
		mode,
		env,
		bundle,
		plan,
		directory,
		passedFds: sockets + preserved,
		lock: claim(native, directory, root),
		record: newRecord(bundle, plan, rootless),
		cgroupsMade: false,
		hooksReached: false,
	};
	return guarded(state, () => {
		begin(state);
		return converse(state);
	});
}

/** Runs `action`; when it fails, takes away all that the launch has made, and fails the same way. */
export function guarded<Result>(state: Launch, action: () => Result): Result {
	try {
		return action();
	} catch (error) {
		throw undo(state, error);
	}
}

function begin(state: Launch): void {
	const { native, plan, directory } = state;
	if (state.env.NOTIFY_SOCKET) native.makeDirectory({ path: directory.notify, mode: 0o755 });

	// On v2 the clone itself puts the process into its cgroup, which must be there by then.
	const clonesIntoCgroup = plan.init.some((step) => step.op === "clone" && step.cgroup !== undefined);
	if (clonesIntoCgroup) makeCgroups(state);
	const { id, version, init, trace } = state.plan;
	const spawned = native.spawnInit({
		plan: JSON.stringify({ version, id, init, trace }),
		preserveFds: state.passedFds,
	});
	const { channel } = spawned;
	state.channel = channel;
	state.stagePid = spawned.stagePid;
	if (!clonesIntoCgroup) makeCgroups(state);

	// An init that has failed hangs up; what it failed with is still to be read, so these go on regardless.
	tell(() => {
		if (init.some((step) => step.op === "cgroup.join")) {
			native.sendCgroups({ channel, directories: state.plan.cgroups.map(({ path }) => path) });
		}
		if (state.mode.startVia === "socket") native.sendListener({ channel, path: directory.startSocket });
		if (plan.seccomp !== undefined) {
			const filter = seccompFilter(native, directory.root, JSON.stringify(plan.seccomp));
			if (filter.keep) state.afterwards = filter.keep;
			native.sendSeccomp({ channel, program: filter.program });
		}
	});
}
