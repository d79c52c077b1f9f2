/** `checkpoint`: saves a running container to image files, by criu. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { failedWith } from "../errno.js";
import type { ContainerRecord } from "../record.js";
import { containerStatus, openInit } from "../status.js";
import { loadRecord, locate, lock, missing, type StateDirectory } from "../store.js";
import { killInit, removeContainer } from "../teardown.js";
import { readStreams, writeStreams } from "./descriptors.js";
import { externalMounts, readMountTable } from "./mount-table.js";
import {
	type CriuRequest,
	imagesDirectory,
	makePrivateDirectory,
	sharedOptions,
	startableCriu,
	withDirectories,
} from "./request.js";
import { type CriuOptions, encodeOptions } from "./rpc.js";
import { askCriu, checkFeatures } from "./session.js";

export interface CheckpointRequest extends CriuRequest {
	/** Images of an earlier pre-dump, relative to imagePath. */
	parentPath?: string;
	leaveRunning?: boolean;
	preDump?: boolean;
	tcpSkipInFlight?: boolean;
	linkRemap?: boolean;
	/** ADDRESS:PORT */
	pageServer?: string;
	/** With lazyPages: gets a zero byte when the pages can be fetched. */
	statusFd?: number;
	onWarning?: (message: string, pointer?: string) => void;
}

const logFile = "dump.log";

export function checkpoint(native: Native, request: CheckpointRequest): void {
	const directory = locate(native, request, request.id);
	const env = request.env ?? native.environment();
	const held = lock(native, directory);
	if (held === undefined) throw missing(directory);
	try {
		const record = loadRecord(native, directory);
		const status = containerStatus(native, directory, record, true);
		if (status !== "running" && status !== "paused")
			throw new RuntimeError("container.state", `Container cannot be checkpointed in ${status} state`);
		save(native, request, directory, record);
		if (request.leaveRunning || request.preDump) return;
		// criu has ended the processes; as with runc the container goes, too.
		const pidfd = openInit(native, record);
		if (pidfd !== undefined) {
			killInit(native, pidfd, record.cgroup_paths);
			native.close({ fd: pidfd });
		}
		removeContainer(native, { directory, record, env, poststop: true, onWarning: request.onWarning });
	} finally {
		native.close({ fd: held });
	}
}

function save(native: Native, request: CheckpointRequest, directory: StateDirectory, record: ContainerRecord): void {
	if (record.rootless || native.identity().euid !== 0) {
		throw new RuntimeError(
			"host.unsupported",
			"checkpoint takes the host's root: criu cannot save a rootless container",
		);
	}
	const namespaces = record.config.namespaces;
	if (!namespaces.some(({ type }) => type === "NEWNS")) {
		throw new RuntimeError("config.unsupported", "a container without a mount namespace cannot be checkpointed", {
			pointer: "/linux/namespaces",
		});
	}
	const shared = sharedOptions(request, record.runtime_ts.annotations);
	const pageServer = readPageServer(request.pageServer);
	const images = imagesDirectory(request);
	makePrivateDirectory(native, images);
	checkParent(native, images, request.parentPath);
	checkStatusFd(native, request);
	const program = startableCriu(native, request, directory);
	checkFeatures(native, program, { preDump: request.preDump === true, lazyPages: request.lazyPages === true });

	const pid = record.init_process_pid;
	const container = readMountTable(native.readText({ path: `/proc/${pid}/mountinfo`, lossy: true }));
	const host = readMountTable(native.readText({ path: "/proc/self/mountinfo", lossy: true }));
	const ownCgroups = namespaces.some(({ type }) => type === "NEWCGROUP");
	// A pre-dump has no files.
	const streams = request.preDump
		? { names: [], externals: [] }
		: readStreams(native, pid, container, request.shellJob === true);
	const freezer = record.cgroup_paths["freezer"] ?? record.cgroup_paths[""];
	withDirectories(native, request, ({ work, ...directories }) => {
		const options: CriuOptions = {
			...shared,
			...directories,
			pid,
			root: record.config.rootfs,
			logFile,
			leaveRunning: request.leaveRunning === true,
			tcpSkipInFlight: request.tcpSkipInFlight === true,
			linkRemap: request.linkRemap === true,
			externalMounts: externalMounts(container, host, ownCgroups).map(({ point, name }) => ({
				key: point,
				value: name,
			})),
			externals: [...streams.externals, ...externalNamespaces(native, record)],
			inherited: [],
			joined: [],
			restoring: false,
			...(freezer === undefined ? {} : { freezeCgroup: freezer }),
			...(request.parentPath ? { parentImages: request.parentPath } : {}),
			...(pageServer === undefined ? {} : { pageServer }),
		};
		if (!request.preDump) writeStreams(native, images, streams);
		askCriu(native, program, request.preDump ? "PRE_DUMP" : "DUMP", {
			options: encodeOptions(options),
			log: `${work}/${logFile}`,
			onNotify: (script) => {
				if (script === "status-ready") tellStatus(native, request.statusFd);
			},
		});
	});
}

/** Of those that the container has joined by path, the ones that criu can leave alone: they have to be there again at restore. */
function externalNamespaces(native: Native, record: ContainerRecord): string[] {
	const found: string[] = [];
	for (const { type, path } of record.config.namespaces) {
		const name = externalNamespace(type);
		if (path === "" || name === undefined) continue;
		const inode = /\[(\d+)\]$/.exec(native.readLink({ path: `/proc/${record.init_process_pid}/ns/${name}` }))?.[1];
		found.push(`${name}[${inode ?? 0}]:${namespaceKey(name)}`);
	}
	return found;
}

/** In criu's words: net (3.11), pid (3.15). */
export function externalNamespace(type: string): "net" | "pid" | undefined {
	if (type === "NEWNET" || type === "network") return "net";
	return type === "NEWPID" || type === "pid" ? "pid" : undefined;
}

/** runc's names in the images. */
export function namespaceKey(name: "net" | "pid"): string {
	return name === "net" ? "extRootNetNS" : "extRootPidNS";
}

function readPageServer(text: string | undefined): { address: string; port: number } | undefined {
	if (!text) return undefined;
	const parts = text.split(":");
	const [address, port] = parts;
	if (parts.length !== 2 || !address || !port)
		throw new RuntimeError("usage", "Use --page-server ADDRESS:PORT to specify page server");
	if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535 || Number(port) === 0)
		throw new RuntimeError("usage", "Invalid port number");
	return { address, port: Number(port) };
}

function checkParent(native: Native, images: string, parent: string | undefined): void {
	if (!parent) return;
	if (parent.startsWith("/")) {
		throw new RuntimeError("usage", "--parent-path must be relative", {
			hint: "criu looks for it from the directory of --image-path",
		});
	}
	const path = `${images}/${parent}`;
	const found = native.stat({ path });
	if (found?.type === "directory") return;
	const reason = found === undefined ? "no such file or directory" : "not a directory";
	throw new RuntimeError("usage", `invalid --parent-path: stat ${path}: ${reason}`, { path });
}

function checkStatusFd(native: Native, { statusFd, lazyPages }: CheckpointRequest): void {
	if (statusFd === undefined) return;
	if (!lazyPages) throw new RuntimeError("usage", "--status-fd has a meaning only with --lazy-pages");
	try {
		const flags = /^flags:\s*([0-7]+)$/m.exec(native.readText({ path: `/proc/self/fdinfo/${statusFd}` }))?.[1] ?? "0";
		if ((Number.parseInt(flags, 8) & 3) === 0)
			throw new RuntimeError("usage", `invalid --status-fd argument ${statusFd}: not writable`);
	} catch (error) {
		if (!failedWith(error, "ENOENT")) throw error;
		throw new RuntimeError("usage", `invalid --status-fd argument ${statusFd}: bad file descriptor`);
	}
}

/** One zero byte, and the end: whoever waits for it may wait for either. */
function tellStatus(native: Native, fd: number | undefined): void {
	if (fd === undefined) return;
	native.print({ fd, text: "\0" });
	native.close({ fd });
}
