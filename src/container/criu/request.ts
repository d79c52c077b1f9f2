/** What `checkpoint` and `restore` have in common: options that go to criu, and the directories. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { absolute } from "../absolute.js";
import type { Place } from "../place.js";
import type { StateDirectory } from "../store.js";
import { type CgroupMode, type CriuOptions, networkLocks, networkNamespace } from "./rpc.js";
import { type CriuProgram, criuVersion, findCriu } from "./session.js";

export interface CriuRequest extends Place {
	id: string;
	/** The program; by default the first of that name in PATH. */
	criu?: string;
	/** Default: `checkpoint` in the working directory. */
	imagePath?: string;
	workPath?: string;
	externalUnixSockets?: boolean;
	tcpEstablished?: boolean;
	shellJob?: boolean;
	fileLocks?: boolean;
	autoDedup?: boolean;
	lazyPages?: boolean;
	/** iptables (default), nftables, skip */
	networkLock?: string;
	/** soft (default), full, strict, ignore */
	cgroupMode?: string;
	/** A namespace that is made without what was in it: network. */
	emptyNamespace?: string;
}

/** Options that mean the same to both; `annotations` are the container's. Nothing is made or started yet. */
export function sharedOptions(request: CriuRequest, annotations: Record<string, string> | undefined) {
	const networkLock = readNetworkLock(request.networkLock);
	return {
		externalUnixSockets: request.externalUnixSockets === true,
		tcpEstablished: request.tcpEstablished === true,
		shellJob: request.shellJob === true,
		fileLocks: request.fileLocks === true,
		autoDedup: request.autoDedup === true,
		lazyPages: request.lazyPages === true,
		emptyNamespaces: readEmptyNamespaces(request.emptyNamespace),
		cgroupMode: readCgroupMode(request.cgroupMode),
		...(networkLock === undefined ? {} : { networkLock }),
		...configFile(annotations),
	} satisfies Partial<CriuOptions>;
}

/** The program, which answers and knows the options. */
export function startableCriu(native: Native, request: CriuRequest, directory: StateDirectory): CriuProgram {
	const env = request.env ?? native.environment();
	const program = { path: findCriu(native, env, request.criu), env, output: `${directory.path}/criu.out` };
	const version = criuVersion(native, program);
	if (request.networkLock === "skip" && version < 31_900)
		throw new RuntimeError("host.unsupported", "--network-lock skip requires at least CRIU 3.19");
	return program;
}

/** Opens the directories of the images and of criu's log, for as long as `use` takes. */
export function withDirectories<T>(
	native: Native,
	request: CriuRequest,
	use: (directories: { imagesDirectory: number; workDirectory: number; work: string }) => T,
): T {
	const images = imagesDirectory(request);
	const work = request.workPath ? absolute(request.workPath) : images;
	makePrivateDirectory(native, work);
	const imagesFd = native.openFile({ path: images });
	try {
		const workFd = native.openFile({ path: work });
		try {
			return use({ imagesDirectory: imagesFd, workDirectory: workFd, work });
		} finally {
			native.close({ fd: workFd });
		}
	} finally {
		native.close({ fd: imagesFd });
	}
}

export function imagesDirectory({ imagePath }: CriuRequest): string {
	return absolute(imagePath || "checkpoint");
}

/** Made when missing, as runc does: a container can be saved more than once. */
export function makePrivateDirectory(native: Native, path: string): void {
	native.makeDirectory({ path, mode: 0o700, parents: true, existOk: true });
}

function readNetworkLock(text: string | undefined): CriuOptions["networkLock"] {
	if (!text) return undefined;
	if (text === "iptables" || text === "nftables" || text === "skip") return text;
	throw new RuntimeError("usage", "unknown network lock method specified", {
		hint: `--network-lock is ${Object.keys(networkLocks).join(", ")}`,
	});
}

function readCgroupMode(text: string | undefined): CgroupMode {
	switch (text || "soft") {
		case "soft":
			return "soft";
		case "full":
			return "full";
		case "strict":
			return "strict";
		case "ignore":
			return "ignore";
		default:
			throw new RuntimeError("usage", "invalid manage-cgroups-mode value", {
				hint: "--manage-cgroups-mode is soft, full, strict or ignore",
			});
	}
}

/** A runtime does not manage network devices, so that of a container's own network namespace always comes back empty (runc). */
function readEmptyNamespaces(text: string | undefined): number {
	if (text !== undefined && text !== "" && text !== "network") {
		throw new RuntimeError("usage", `namespace ${JSON.stringify(text)} is not supported`, {
			hint: "--empty-ns takes network",
		});
	}
	return networkNamespace;
}

/**
 * Annotation org.criu.config: a configuration file for criu, whose settings overrule the options; empty for none. The
 * default is the one that is written for runc, since this takes its place.
 */
function configFile(annotations: Record<string, string> | undefined): { configFile?: string } {
	const given = annotations?.["org.criu.config"];
	if (given === "") return {};
	return { configFile: given ?? "/etc/criu/runc.conf" };
}
