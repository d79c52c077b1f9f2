/**
 * The config.json that the integration tests start from: what `runc spec` writes, without a terminal and with the
 * capabilities that Docker gives, so that a shell script inside can look at everything.
 */

export interface IdMapping {
	containerID: number;
	hostID: number;
	size: number;
}

export interface Mount {
	destination: string;
	type?: string;
	source?: string;
	options?: string[];
	uidMappings?: IdMapping[];
	gidMappings?: IdMapping[];
}

export interface Hook {
	path: string;
	args?: string[];
	env?: string[];
	timeout?: number;
}

export interface Syscall {
	names: string[];
	action: string;
	errnoRet?: number;
	args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

interface Throttle {
	major: number;
	minor: number;
	rate: number;
}

export interface Config {
	ociVersion: string;
	process: {
		terminal?: boolean;
		consoleSize?: { height: number; width: number };
		user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
		args: string[];
		env: string[];
		cwd: string;
		capabilities?: {
			bounding?: string[];
			effective?: string[];
			permitted?: string[];
			inheritable?: string[];
			ambient?: string[];
		};
		rlimits?: { type: string; soft: number | bigint; hard: number | bigint }[];
		noNewPrivileges?: boolean;
		oomScoreAdj?: number;
		scheduler?: {
			policy: string;
			nice?: number;
			priority?: number;
			flags?: string[];
			runtime?: number;
			deadline?: number;
			period?: number;
		};
		ioPriority?: { class: string; priority: number };
		execCPUAffinity?: { initial?: string; final?: string };
		apparmorProfile?: string;
		selinuxLabel?: string;
	};
	root: { path: string; readonly?: boolean };
	hostname?: string;
	domainname?: string;
	mounts: Mount[];
	hooks?: Partial<
		Record<"prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop", Hook[]>
	>;
	annotations?: Record<string, string>;
	linux: {
		cgroupsPath: string;
		namespaces: { type: string; path?: string }[];
		resources?: {
			devices?: { allow: boolean; type?: string; major?: number; minor?: number; access?: string }[];
			memory?: {
				limit?: number;
				reservation?: number;
				swap?: number;
				swappiness?: number;
				disableOOMKiller?: boolean;
			};
			cpu?: {
				shares?: number;
				quota?: number;
				period?: number;
				cpus?: string;
				mems?: string;
				realtimeRuntime?: number;
			};
			pids?: { limit: number };
			hugepageLimits?: { pageSize: string; limit: number }[];
			blockIO?: Partial<Record<`throttle${"Read" | "Write"}${"Bps" | "IOPS"}Device`, Throttle[]>>;
			unified?: Record<string, string>;
		};
		netDevices?: Record<string, { name?: string }>;
		memoryPolicy?: { mode: string; nodes?: string; flags?: string[] };
		personality?: { domain: string; flags?: string[] };
		intelRdt?: {
			closID?: string;
			l3CacheSchema?: string;
			memBwSchema?: string;
			schemata?: string[];
			enableMonitoring?: boolean;
		};
		mountLabel?: string;
		uidMappings?: IdMapping[];
		gidMappings?: IdMapping[];
		timeOffsets?: Partial<Record<"monotonic" | "boottime", { secs?: number | bigint; nanosecs?: number }>>;
		devices?: {
			type: string;
			path: string;
			major?: number;
			minor?: number;
			fileMode?: number;
			uid?: number;
			gid?: number;
		}[];
		sysctl?: Record<string, string>;
		rootfsPropagation?: string;
		maskedPaths?: string[];
		readonlyPaths?: string[];
		seccomp?: {
			defaultAction: string;
			defaultErrnoRet?: number;
			architectures?: string[];
			flags?: string[];
			listenerPath?: string;
			listenerMetadata?: string;
			syscalls?: Syscall[];
		};
	};
}

export const defaultCapabilities = [
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_FOWNER",
	"CAP_KILL",
	"CAP_MKNOD",
	"CAP_NET_BIND_SERVICE",
	"CAP_SETGID",
	"CAP_SETPCAP",
	"CAP_SETUID",
	"CAP_SYS_CHROOT",
];

export const defaultMounts: readonly Mount[] = [
	{ destination: "/proc", type: "proc", source: "proc" },
	{
		destination: "/dev",
		type: "tmpfs",
		source: "tmpfs",
		options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
	},
	{
		destination: "/dev/pts",
		type: "devpts",
		source: "devpts",
		options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
	},
	{
		destination: "/dev/shm",
		type: "tmpfs",
		source: "shm",
		options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
	},
	{ destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
	{ destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
	{
		destination: "/sys/fs/cgroup",
		type: "cgroup",
		source: "cgroup",
		options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
	},
];

export function defaultConfig(id: string): Config {
	return {
		ociVersion: "1.0.2",
		process: {
			user: { uid: 0, gid: 0 },
			args: ["/bin/true"],
			env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
			cwd: "/",
			capabilities: {
				bounding: [...defaultCapabilities],
				effective: [...defaultCapabilities],
				permitted: [...defaultCapabilities],
			},
			rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 1024 }],
			noNewPrivileges: true,
		},
		root: { path: "rootfs", readonly: true },
		hostname: "box",
		mounts: structuredClone([...defaultMounts]),
		linux: {
			// Never unset here: an engine in a nested cgroup would make the container's below its own.
			cgroupsPath: `/${id}`,
			namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
			resources: { devices: [{ allow: false, access: "rwm" }] },
			maskedPaths: ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
		},
	};
}

/** JSON with 64-bit values intact: a bigint becomes a plain JSON number. */
export function toJson(value: unknown): string {
	return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? `@bigint:${item}@` : item), "\t").replace(
		/"@bigint:(-?\d+)@"/g,
		"$1",
	);
}

/** The mount of the default config at a destination, for a test that changes its options. */
export function mountAt(config: Config, destination: string): Mount {
	const found = config.mounts.find((mount) => mount.destination === destination);
	if (!found) throw new Error(`no mount on ${destination}`);
	return found;
}
