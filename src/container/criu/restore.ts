/** `restore`: a container from the images of `checkpoint`, by criu. */
import { loadBundle } from "../../bundle/load.js";
import type { Spec } from "../../bundle/spec.js";
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { compilePlan } from "../../plan/compile.js";
import { notifyDestination } from "../../plan/environment.js";
import { hookFiles } from "../../plan/hook-files.js";
import { absolute } from "../absolute.js";
import { gatherFacts } from "../facts.js";
import { runHooks } from "../hooks.js";
import { mountRoot, unmountRoot } from "../host-mounts.js";
import { makeCgroups } from "../host-steps.js";
import { guarded } from "../launch.js";
import { close, type Launch, release } from "../launch-state.js";
import { keepNetDevices } from "../net-devices.js";
import { writePidFile } from "../pid-file.js";
import { checkId, stateRoot } from "../place.js";
import { newRecord, withProcess } from "../recording.js";
import { checkConsole, type LaunchRequest } from "../request.js";
import { checkResctrlVacant, joinResctrlGroups, makeResctrlGroups } from "../resctrl.js";
import { filterOf, saveFilter } from "../seccomp.js";
import { claim, directoryOf, lock, writeRecord } from "../store.js";
import { findSystemd } from "../systemd.js";
import { hookState, removeContainer } from "../teardown.js";
import { externalNamespace, namespaceKey } from "./checkpoint.js";
import { inheritedStreams } from "./descriptors.js";
import { checkLabels, type RestoredLabels } from "./labels.js";
import { externalSources, makeMountPoints } from "./mount-points.js";
import { nullDevice, readMountTable } from "./mount-table.js";
import { fillNetwork } from "./network.js";
import { type CriuRequest, imagesDirectory, sharedOptions, startableCriu, withDirectories } from "./request.js";
import { type CriuOptions, encodeOptions } from "./rpc.js";
import { askCriu, checkFeatures } from "./session.js";

export interface RestoreRequest extends CriuRequest, LaunchRequest, RestoredLabels {
	/** Leave once the processes run. */
	detach?: boolean;
	noSubreaper?: boolean;
	tcpClose?: boolean;
}

const logFile = "restore.log";

/** Returns the exit status of the container's process; 0 with `detach`. */
export function restore(native: Native, request: RestoreRequest): number {
	const detached = request.detach === true;
	const subreaper = !detached && request.noSubreaper !== true;
	if (subreaper) native.setSubreaper();
	const state = prepare(native, request);
	guarded(state, () => {
		bringBack(state, request);
		writePidFile(native, request.pidFile, state.pid ?? 0);
	});
	keepNetDevices(state);
	close(state, "lock");
	if (!detached) return stay(state, subreaper);
	native.releaseSignals();
	release(state);
	return 0;
}

/** Everything that can be found out before anything is made; the id is taken as the last thing. */
function prepare(native: Native, request: RestoreRequest): Launch {
	const env = request.env ?? native.environment();
	checkId(request.id);
	const root = stateRoot(native, request);
	const directory = directoryOf(root.path, request.id);
	// First, since it is what is wrong most often.
	inheritedStreams(native, imagesDirectory(request), request.shellJob === true);
	const bundle = loadBundle(native, request.bundle);
	checkConsole(bundle.spec, request, request.detach === true);
	checkLabels(native, request);
	const host = gatherFacts(native, bundle.spec);
	if (host.euid !== 0 || !host.initialUserNamespace)
		throw new RuntimeError(
			"host.unsupported",
			"restore takes the host's root: criu cannot restore a rootless container",
		);
	if (!bundle.spec.linux?.namespaces?.some(({ type }) => type === "mount")) {
		throw new RuntimeError("config.unsupported", "a container without a mount namespace cannot be restored", {
			pointer: "/linux/namespaces",
		});
	}
	if (request.systemdCgroup) host.systemd = findSystemd(native, host, env);
	const plan = compilePlan({
		id: request.id,
		bundle,
		host,
		options: {
			noPivot: request.noPivot === true,
			noNewKeyring: true,
			preserveFds: 0,
			startVia: "channel",
			mountedRoot: directory.mountedRoot,
			systemdCgroup: request.systemdCgroup === true,
			listenFds: 0,
			trace: false,
			...(env.NOTIFY_SOCKET ? { notifyDirectory: directory.notify } : {}),
			...(request.noCgroup ? { noCgroup: true } : {}),
			...(request.rootless === undefined ? {} : { rootless: request.rootless }),
		},
	});
	for (const { message, at } of plan.warnings) request.onWarning?.(message, at);
	native.holdSignals();
	return {
		native,
		request,
		mode: { startVia: "channel", detached: request.detach === true },
		env,
		bundle,
		plan,
		directory,
		passedFds: 0,
		lock: claim(native, directory, root),
		record: newRecord(bundle, plan, request.rootless === true),
		cgroupsMade: false,
		hooksReached: false,
		sentSteps: 0,
	};
}

function bringBack(state: Launch, request: RestoreRequest): void {
	const { native, env, bundle, plan, directory } = state;
	const shared = sharedOptions(request, bundle.spec.annotations);
	const program = startableCriu(native, request, directory);
	checkFeatures(native, program, { preDump: false, lazyPages: request.lazyPages === true });
	const resctrl = bundle.spec.linux?.intelRdt !== undefined;
	if (resctrl) checkResctrlVacant(state);
	if (shared.cgroupMode === "strict") checkNoCgroup(state);
	if ((shared.cgroupMode === "full" || shared.cgroupMode === "strict") && plan.cgroups[0]?.controller === "")
		request.onNotice?.("criu saves no limits of cgroup v2: those of config.json apply", "/linux/resources");
	native.makeDirectory({ path: directory.notify, mode: 0o755 });
	makeMountPoints(native, bundle.spec, plan);
	// criu gives the restored processes the filter they had; those of exec get this one.
	if (plan.seccomp !== undefined) saveFilter(native, directory, filterOf(native, directory.root, plan).program);

	const images = imagesDirectory(request);
	// criu passes over them without a word.
	if (!shared.fileLocks && native.stat({ path: `${images}/filelocks.img` }) !== undefined)
		request.onNotice?.("the images have file locks, which are not taken again without --file-locks");
	const hostMounts = readMountTable(native.readText({ path: "/proc/self/mountinfo", lossy: true }));
	const hideImages = showImages(native, bundle.spec, images);
	const namespaces = joinNamespaces(native, bundle.spec);
	const inherited = inheritedDescriptors(
		inheritedStreams(native, images, shared.shellJob),
		namespaces,
		shared.shellJob,
	);
	// criu wants a root that is a mount point, with nothing mounted over its parent. Recorded before it is made.
	state.record.runtime_ts.hostMounts = true;
	writeRecord(native, directory, state.record);
	mountRoot(native, directory, bundle.rootfs);
	try {
		const sources = externalSources(
			native,
			plan,
			directory.mountedRoot,
			hostMounts.map(({ point }) => point),
		);
		// When it was saved with NOTIFY_SOCKET, the mount has to be there again. Nobody listens, as with runc: it has been ready.
		if (!env.NOTIFY_SOCKET) sources.push({ key: notifyDestination, value: directory.notify });
		if (plan.init.some(({ op }) => op === "path.mask")) sources.push({ key: nullDevice, value: nullDevice });
		withDirectories(native, request, ({ work, ...directories }) => {
			const options: CriuOptions = {
				...shared,
				...directories,
				// The rest of `strict` is for the one who makes the container's cgroup: here that is not criu.
				cgroupMode: shared.cgroupMode === "strict" ? "full" : shared.cgroupMode,
				root: directory.mountedRoot,
				logFile,
				tcpClose: request.tcpClose === true,
				externalMounts: sources,
				externals: [],
				inherited: inherited.list,
				joined: namespaces.joined,
				restoring: true,
				...(request.lsmProfile ? { lsmProfile: request.lsmProfile } : {}),
				...(request.lsmMountContext ? { lsmMountContext: request.lsmMountContext } : {}),
			};
			askCriu(native, program, "RESTORE", {
				standardStreams: true,
				fds: inherited.fds,
				log: `${work}/${logFile}`,
				onStart: (pid) => {
					const cgroupRoots = enterCgroups(state, pid);
					if (resctrl) makeResctrlGroups(state);
					return { options: encodeOptions({ ...options, cgroupRoots }) };
				},
				onNotify: (script, pid, fd) => follow(state, script, pid, fd),
			});
		});
		if (state.pid === undefined) throw new RuntimeError("criu", "criu restored no process", { path: images });
		if (namespaces.inherited.length > 0) warnOfLock(native, request);
	} finally {
		unmountRoot(native, directory);
		hideImages();
		for (const { fd } of namespaces.inherited) native.close({ fd });
	}
	const { hostMounts: _unmounted, ...own } = state.record.runtime_ts;
	state.record = { ...state.record, runtime_ts: own };
	writeRecord(native, directory, state.record);
}

/**
 * The root of a user namespace, whom criu has read images too, may search the directory, by its group. Returns what takes
 * that back. criu's files can be read by everyone, so nobody else may.
 */
function showImages(native: Native, { linux }: Spec, images: string): () => void {
	const gid = linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID;
	const before = native.stat({ path: images });
	if (gid === undefined || before === undefined) return () => {};
	native.setGroup({ path: images, gid, mode: 0o710 });
	return () => native.setGroup({ path: images, gid: before.gid, mode: before.mode & 0o7777 });
}

function checkNoCgroup({ native, plan }: Launch): void {
	for (const { path } of plan.cgroups) {
		if (native.stat({ path }) === undefined) continue;
		throw new RuntimeError("cgroup", `--manage-cgroups-mode strict: the cgroup ${path} exists`, {
			path,
			pointer: "/linux/cgroupsPath",
		});
	}
}

/** Makes the cgroups, and puts criu into them: what it restores is born there. Returns where that is in each hierarchy. */
function enterCgroups(state: Launch, pid: number): { controller: string; path: string }[] {
	const { native, plan } = state;
	state.unitPid = pid;
	makeCgroups(state);
	for (const { path, entered } of plan.cgroups)
		if (!entered) native.writeControl({ path: `${path}/cgroup.procs`, text: String(pid) });
	const roots: { controller: string; path: string }[] = [];
	if (plan.cgroups.length === 0) return roots;
	for (const line of native.readText({ path: `/proc/${pid}/cgroup` }).split("\n")) {
		const [, controller, ...path] = line.split(":");
		if (controller !== undefined && path.length > 0) roots.push({ controller, path: path.join(":") });
	}
	return roots;
}

/**
 * What criu inherits, and what it is given for that: descriptors from 4 on, behind the standard streams and its socket. It
 * takes away what is inherited, and with shell_job it wants its standard input to be there: then copies are inherited.
 */
function inheritedDescriptors(
	streams: { key: string; fd: number }[],
	namespaces: { inherited: { key: string; fd: number }[] },
	shellJob: boolean,
): { list: CriuOptions["inherited"]; fds: number[] } {
	const list: CriuOptions["inherited"] = [];
	const fds: number[] = [];
	const copy = ({ key, fd }: { key: string; fd: number }) => {
		list.push({ key, fd: 4 + fds.length });
		fds.push(fd);
	};
	if (shellJob) streams.forEach(copy);
	else list.push(...streams);
	namespaces.inherited.forEach(copy);
	return { list, fds };
}

/**
 * A checkpoint leaves the network locked, by a chain of iptables, for the namespace to go away with the connections. criu
 * 3.17 cannot take the lock back where there are two, its own and that of then: when the namespace is still the same.
 */
function warnOfLock(native: Native, request: RestoreRequest): void {
	const log = `${absolute(request.workPath || imagesDirectory(request))}/${logFile}`;
	if (!/^line \d+: CHAIN_DEL failed/m.test(native.readText({ path: log, lossy: true }))) return;
	request.onNotice?.(
		"criu could not unlock the network namespace (chain CRIU of iptables): its connections are cut off; " +
			"a container that is restored with its connections takes a new one",
		"/linux/namespaces",
	);
}

/** Network and pid namespaces are handed to criu, which has them in the images by a name; the others it joins itself. */
function joinNamespaces(native: Native, spec: Spec) {
	const inherited: CriuOptions["inherited"] = [];
	const joined: CriuOptions["joined"] = [];
	for (const [index, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
		if (!path) continue;
		const name = externalNamespace(type);
		if (type === "cgroup" || type === "mount") {
			throw new RuntimeError("config.unsupported", `criu cannot join a ${type} namespace by path`, {
				pointer: `/linux/namespaces/${index}/path`,
			});
		}
		if (name === undefined) {
			joined.push({ type, path });
			continue;
		}
		inherited.push({ key: namespaceKey(name), fd: native.openFile({ path }) });
	}
	return { inherited, joined };
}

/** The stages of a restore, as criu comes to them. */
function follow(state: Launch, script: string, pid: number, fd: number | undefined): void {
	const { native, env, bundle, directory } = state;
	switch (script) {
		case "setup-namespaces":
			fillNetwork(state, pid);
			for (const stage of ["prestart", "createRuntime"] as const) {
				const hooks = bundle.spec.hooks?.[stage];
				if (!hooks?.length) continue;
				state.hooksReached = true;
				const told = { ...hookState(state.record, stage === "prestart" ? "created" : "creating"), pid };
				runHooks(native, { stage, hooks, state: told, env, cwd: bundle.path, files: hookFiles(bundle.spec) });
			}
			break;
		case "post-restore": {
			// Stopped, until criu has the answer to this.
			const pidfd = native.openPid({ pid });
			if (pidfd === undefined) throw new RuntimeError("criu", "the restored process has ended");
			state.pid = pid;
			state.pidfd = pidfd;
			state.record = withProcess(state.record, pid, native.processStat({ pid })?.startTime ?? "0");
			addTimeNamespace(state, pid);
			writeRecord(native, directory, state.record);
			if (state.resctrlMade !== undefined) joinResctrlGroups(state, pid);
			break;
		}
		case "orphan-pts-master":
			if (fd !== undefined) takeTerminal(state, fd);
			break;
	}
}

/** criu restores into one of its own, so that clocks go on from where they were; runc records it, too. */
function addTimeNamespace({ native, record }: Launch, pid: number): void {
	const { namespaces } = record.config;
	if (namespaces.some(({ type }) => type === "NEWTIME")) return;
	if (native.readLink({ path: `/proc/${pid}/ns/time` }) === native.readLink({ path: "/proc/self/ns/time" })) return;
	namespaces.push({ type: "NEWTIME", path: "" });
}

function takeTerminal(state: Launch, fd: number): void {
	const { native, request } = state;
	if (!request.consoleSocket) {
		if (state.terminal !== undefined) native.close({ fd: state.terminal });
		state.terminal = fd;
		native.fitTerminal({ fd });
		return;
	}
	try {
		native.sendTerminal({ socket: request.consoleSocket, fd, name: "orphan-pts-master" });
	} finally {
		native.close({ fd });
	}
}

function stay(state: Launch, subreaper: boolean): number {
	const { native, pid, pidfd, directory, record, env } = state;
	if (pid === undefined || pidfd === undefined) throw new RuntimeError("criu", "criu restored no process");
	const terminal = state.terminal === undefined ? {} : { terminal: state.terminal };
	const status = guarded(state, () => native.supervise({ pid, pidfd, subreaper, ...terminal }));
	const held = lock(native, directory);
	if (held !== undefined) {
		removeContainer(native, { directory, record, env, poststop: true, onWarning: state.request.onNotice });
		native.close({ fd: held });
	}
	release(state);
	return status;
}
