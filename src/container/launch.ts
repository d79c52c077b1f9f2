import { type Bundle, loadBundle } from "../bundle/load.js";
import type { Native } from "../native/api.js";
import { beginPlan, finishPlan, isBornInCgroup } from "../plan/compile.js";
import type { CreateOptions } from "../plan/input.js";
import type { Plan } from "../plan/schema.js";
import { converse } from "./conversation.js";
import { gatherFacts } from "./facts.js";
import { mountRoot } from "./host-mounts.js";
import { makeCgroups } from "./host-steps.js";
import type { Launch, LaunchMode, StartedLaunch } from "./launch-state.js";
import { channelOf, tell } from "./launch-state.js";
import type { Environment, StateRoot } from "./place.js";
import { checkId, stateRoot } from "./place.js";
import { newRecord } from "./recording.js";
import type { LaunchRequest } from "./request.js";
import { checkConsole, checkPreservedFds, checkPrivileges, listenFds } from "./request.js";
import { checkResctrlVacant, makeResctrlGroups } from "./resctrl.js";
import { filterOf, saveFilter } from "./seccomp.js";
import { claim, directoryOf } from "./store.js";
import { fillIdMappings } from "./subordinate-ids.js";
import { findSystemd } from "./systemd.js";
import { undo } from "./undo.js";

/** Runs everything up to the point where the container waits for start. On failure nothing is left. */
export function launch(native: Native, request: LaunchRequest, mode: LaunchMode): StartedLaunch {
	const env = request.env ?? native.environment();
	checkId(request.id);
	const root = stateRoot(native, request);
	const sockets = listenFds(env);
	const preserved = request.preserveFds ?? 0;
	checkPreservedFds(native, sockets, preserved);
	// Before anything is known of the bundle: a program starts while this one reads and compiles.
	const channel = native.startInit({ preserveFds: sockets + preserved });
	let state: Launch;
	try {
		state = prepare(native, request, mode, { env, root, sockets, channel });
	} catch (error) {
		native.endInit({ channel });
		throw error;
	}
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

interface Surroundings {
	env: Environment;
	root: StateRoot;
	/** LISTEN_FDS. */
	sockets: number;
	channel: number;
}

/** Compiles the plan, and takes the id as the last thing. Throws with nothing left but the init. */
function prepare(native: Native, request: LaunchRequest, mode: LaunchMode, around: Surroundings): Launch {
	const { env, root, sockets, channel } = around;
	const directory = directoryOf(root.path, request.id);
	const bundle = loadBundle(native, request.bundle);
	checkConsole(bundle.spec, request, mode.detached);

	const host = gatherFacts(native, bundle.spec);
	checkPrivileges(bundle.spec, host.euid);
	if (request.systemdCgroup) host.systemd = findSystemd(native, host, env);
	const unmapped = fillIdMappings(native, bundle.spec, host, env);
	if (unmapped !== undefined) request.onWarning?.(unmapped, "/linux/uidMappings");
	const preserved = request.preserveFds ?? 0;
	const options: CreateOptions = {
		noPivot: request.noPivot === true,
		noNewKeyring: request.noNewKeyring === true,
		preserveFds: preserved,
		startVia: mode.startVia,
		mountedRoot: directory.mountedRoot,
		systemdCgroup: request.systemdCgroup === true,
		listenFds: sockets,
		trace: request.onTrace !== undefined,
	};
	if (env.NOTIFY_SOCKET) options.notifyDirectory = directory.notify;
	if (request.noCgroup) options.noCgroup = true;
	if (request.rootless !== undefined) options.rootless = request.rootless;
	const draft = beginPlan({ id: request.id, bundle, host, options });
	// On v2 the clone itself puts the process into its cgroup, and systemd the init, which must not be gone by then.
	const sentSteps = isBornInCgroup(draft) ? 0 : draft.init.length;
	if (sentSteps > 0) {
		const { trace } = options;
		native.sendPlan({
			channel,
			plan: JSON.stringify({ version: 1, id: request.id, init: draft.init, more: true, trace }),
		});
	}
	const plan = finishPlan(draft);
	warn(request, bundle, plan);
	const rootless = request.rootless ?? (host.euid !== 0 || !host.initialUserNamespace);
	// From the claim on there is something that must not be left behind.
	native.holdSignals({ all: !mode.detached });
	return {
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
		channel,
		sentSteps,
	};
}

function warn(request: LaunchRequest, bundle: Bundle, plan: Plan): void {
	for (let index = 0; index < bundle.warnings.length; index++) {
		const warning = bundle.warnings[index];
		request.onWarning?.(warning?.message ?? "", warning?.pointer);
	}
	for (let index = 0; index < plan.warnings.length; index++) {
		const warning = plan.warnings[index];
		request.onWarning?.(warning?.message ?? "", warning?.at);
	}
}

function begin(state: Launch): void {
	const { native, bundle, plan, directory } = state;
	const channel = channelOf(state);
	const resctrl = bundle.spec.linux?.intelRdt !== undefined;
	if (resctrl) checkResctrlVacant(state);
	if (plan.mountedRoot !== undefined) mountRoot(native, directory, bundle.rootfs);
	if (state.env.NOTIFY_SOCKET) native.makeDirectory({ path: directory.notify, mode: 0o755 });

	const early = state.sentSteps === 0;
	if (early) makeCgroups(state);
	// An init that has failed hangs up; what it failed with is still to be read, so these go on regardless.
	tell(() => sendSteps(state, channel));
	if (!early) makeCgroups(state);
	if (resctrl) makeResctrlGroups(state);

	tell(() => {
		if (early ? joinsCgroups(plan) : plan.cgroups.length > 0) {
			native.sendCgroups({ channel, directories: pathsOf(state.plan.cgroups) });
		}
		if (state.mode.startVia === "socket") native.sendListener({ channel, path: directory.startSocket });
		if (plan.seccomp !== undefined) {
			const filter = filterOf(native, directory.root, plan);
			if (filter.keep) state.afterwards = filter.keep;
			saveFilter(native, directory, filter.program);
			native.sendSeccomp({ channel, program: filter.program });
		}
	});
}

/** The steps that the init does not have yet. */
function sendSteps(state: Launch, channel: number): void {
	const { version, id, init, trace } = state.plan;
	const rest = state.sentSteps === 0 ? init : init.slice(state.sentSteps);
	state.sentSteps = init.length;
	state.native.sendPlan({ channel, plan: JSON.stringify({ version, id, init: rest, trace }) });
}

/** Of a process that was born in a cgroup: there are others that it has to join. */
function joinsCgroups({ init }: Plan): boolean {
	for (let index = 0; index < init.length; index++) if (init[index]?.op === "cgroup.join") return true;
	return false;
}

function pathsOf(cgroups: Plan["cgroups"]): string[] {
	const paths: string[] = [];
	for (let index = 0; index < cgroups.length; index++) {
		const { path, entered } = cgroups[index] as Plan["cgroups"][number];
		if (!entered) paths.push(path);
	}
	return paths;
}
