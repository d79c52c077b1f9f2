/** The messages of criu's RPC (rpc.proto of criu 3.17) that checkpoint and restore need. */
import { Reader, Writer } from "./protobuf.js";

export const requestTypes = { DUMP: 1, RESTORE: 2, PRE_DUMP: 4, NOTIFY: 6, FEATURE_CHECK: 9, VERSION: 10 } as const;
export type RequestType = keyof typeof requestTypes;

/** What criu does about cgroups; `ignore` leaves the processes where criu itself is. */
const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5 } as const;
export type CgroupMode = keyof typeof cgroupModes;

/** How criu keeps packets away from connections that are saved; `skip` since 3.19. */
export const networkLocks = { iptables: 1, nftables: 2, skip: 3 } as const;

/** CLONE_NEWNET, for emptyNamespaces. */
export const networkNamespace = 0x40000000;

/** criu_opts. Absent: criu's default. Descriptors are those of this process, which criu opens by its pid. */
export interface CriuOptions {
	imagesDirectory: number;
	workDirectory?: number;
	pid?: number;
	root: string;
	logFile: string;
	leaveRunning?: boolean;
	externalUnixSockets: boolean;
	tcpEstablished: boolean;
	tcpSkipInFlight?: boolean;
	tcpClose?: boolean;
	shellJob: boolean;
	fileLocks: boolean;
	linkRemap?: boolean;
	autoDedup: boolean;
	lazyPages: boolean;
	/** Relative to the images. */
	parentImages?: string;
	pageServer?: { address: string; port: number };
	/** A mask of CLONE_NEW*: made, and not filled. */
	emptyNamespaces: number;
	cgroupMode: CgroupMode;
	freezeCgroup?: string;
	/** Where the processes' cgroup goes, for each hierarchy; paths within it. */
	cgroupRoots?: { controller: string; path: string }[];
	/** Mount points and what stands for them: a name when dumping; name and source when restoring. */
	externalMounts: { key: string; value: string }[];
	/** `file[MNT:INO]`, `net[INO]:KEY` */
	externals: string[];
	/** Descriptors in criu, for restoring. */
	inherited: { key: string; fd: number }[];
	/** Namespaces to join instead of making them. */
	joined: { type: string; path: string }[];
	/** Restoring: the process becomes a child of this one; devices may have other numbers. */
	restoring: boolean;
	networkLock?: keyof typeof networkLocks;
	lsmProfile?: string;
	lsmMountContext?: string;
	configFile?: string;
}

/** What a message says that criu sends. */
export interface CriuAnswer {
	type: number;
	success: boolean;
	/** Of what failed; 0 when criu has none. */
	errno: number;
	message: string;
	/** Of the restored process, in our pid namespace. */
	restoredPid?: number;
	/** The stage criu has come to, and the process it speaks of. */
	notify?: { script: string; pid: number };
	features: { memoryTracking: boolean; lazyPages: boolean };
	/** 31701 for 3.17.1. */
	version?: number;
}

export interface RequestParts {
	options?: Writer;
	notifySuccess?: boolean;
	features?: { memoryTracking?: true; lazyPages?: true };
}

export function encodeRequest(type: RequestType, parts: RequestParts = {}): Uint8Array {
	const { options, notifySuccess, features } = parts;
	const asked = features && new Writer().add(1, features.memoryTracking).add(2, features.lazyPages);
	const request = new Writer().add(1, requestTypes[type]).add(2, options).add(3, notifySuccess).add(5, asked);
	return request.finish();
}

const debugLevel = 4;

export function encodeOptions(options: CriuOptions): Writer {
	const { pageServer } = options;
	const restoring = options.restoring || undefined;
	const writer = new Writer()
		.add(1, options.imagesDirectory)
		.add(2, options.pid)
		.add(3, options.leaveRunning)
		.add(4, options.externalUnixSockets)
		.add(5, options.tcpEstablished)
		.add(6, restoring)
		.add(7, options.shellJob)
		.add(8, options.fileLocks)
		.add(9, debugLevel)
		.add(10, options.logFile)
		.add(11, pageServer && new Writer().add(1, pageServer.address).add(2, pageServer.port))
		// notify_scripts
		.add(12, true)
		.add(13, options.root)
		.add(14, options.parentImages)
		// track_mem
		.add(15, options.parentImages === undefined ? undefined : true)
		.add(16, options.autoDedup)
		.add(17, options.workDirectory)
		.add(18, options.linkRemap)
		// manage_cgroups, from before there were modes
		.add(24, true)
		// rst_sibling
		.add(26, restoring)
		.add(34, cgroupModes[options.cgroupMode])
		.add(38, options.emptyNamespaces)
		.add(44, options.freezeCgroup)
		.add(46, options.tcpSkipInFlight)
		.add(48, options.lazyPages)
		// orphan_pts_master
		.add(50, true)
		.add(51, options.configFile)
		.add(52, options.tcpClose)
		.add(53, options.lsmProfile)
		.add(63, options.lsmMountContext)
		.add(64, options.networkLock && networkLocks[options.networkLock])
		// mntns_compat_mode: the mount engine of criu 3.17, new then, cannot give mounts of one host mount their propagation
		// when the root is not above them ("Failed to copy sharing"): volumes beside a rootfs, that is.
		.add(65, restoring);
	for (const { key, value } of options.externalMounts) writer.add(23, new Writer().add(1, key).add(2, value));
	for (const { controller, path } of options.cgroupRoots ?? [])
		writer.add(25, new Writer().add(1, controller).add(2, path));
	for (const { key, fd } of options.inherited) writer.add(27, new Writer().add(1, key).add(2, fd));
	for (const external of options.externals) writer.add(37, external);
	for (const { type, path } of options.joined) writer.add(39, new Writer().add(1, type).add(2, path));
	return writer;
}

export function decodeAnswer(bytes: Uint8Array): CriuAnswer {
	const reader = new Reader(bytes);
	const restoredPid = reader.message(4)?.number(1);
	const notify = reader.message(5);
	const features = reader.message(8);
	const version = reader.message(10);
	const part = (field: number) => version?.number(field) ?? 0;
	return {
		type: reader.number(1) ?? 0,
		success: reader.number(2) === 1,
		errno: reader.number(7) ?? 0,
		message: reader.text(9) ?? "",
		...(restoredPid === undefined ? {} : { restoredPid }),
		...(notify === undefined ? {} : { notify: { script: notify.text(1) ?? "", pid: notify.number(2) ?? 0 } }),
		features: { memoryTracking: features?.number(1) === 1, lazyPages: features?.number(2) === 1 },
		...(version === undefined ? {} : { version: part(1) * 10_000 + part(2) * 100 + part(4) }),
	};
}
