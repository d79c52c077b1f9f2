/** The config.json that `spec` writes: that of `runc spec`, which people start from. */
import type { Spec } from "../bundle/spec.js";
import { specVersion } from "./version.js";

export interface DefaultConfigOptions {
	/** The host has cgroup v2 only: a container then gets a cgroup namespace, as with runc. */
	unifiedCgroup: boolean;
	/** The user who is going to run it without privileges, and becomes root inside. */
	rootless?: { uid: number; gid: number };
}

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

export function defaultConfig({ unifiedCgroup, rootless }: DefaultConfigOptions): Spec {
	const namespaces = [
		"pid",
		// A user without privileges could give a network namespace of its own no device but lo.
		...(rootless ? [] : ["network"]),
		"ipc",
		"uts",
		"mount",
		...(unifiedCgroup ? ["cgroup"] : []),
		...(rootless ? ["user"] : []),
	];
	return {
		ociVersion: specVersion,
		process: {
			terminal: true,
			user: { uid: 0, gid: 0 },
			args: ["sh"],
			env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
			cwd: "/",
			// No ambient set, which runc 1.1 writes: nothing gets into it that is not inheritable (capabilities(7)).
			capabilities: {
				bounding: capabilities,
				effective: capabilities,
				permitted: capabilities,
			},
			rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
			noNewPrivileges: true,
		},
		root: { path: "rootfs", readonly: true },
		hostname: "runtime-ts",
		mounts: [
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
				// Group 5, tty, is not mapped in a user namespace of one id.
				options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...(rootless ? [] : ["gid=5"])],
			},
			{
				destination: "/dev/shm",
				type: "tmpfs",
				source: "shm",
				options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
			},
			{ destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
			// sysfs can be mounted only by the owner of the network namespace, which stays the host's.
			rootless
				? { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] }
				: { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
			{
				destination: "/sys/fs/cgroup",
				type: "cgroup",
				source: "cgroup",
				options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
			},
		],
		linux: {
			...(rootless
				? {
						uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
						gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
					}
				: { resources: { devices: [{ allow: false, access: "rwm" }] } }),
			namespaces: namespaces.map((type) => ({ type })) as NonNullable<NonNullable<Spec["linux"]>["namespaces"]>,
			maskedPaths: [
				"/proc/acpi",
				"/proc/asound",
				"/proc/kcore",
				"/proc/keys",
				"/proc/latency_stats",
				"/proc/timer_list",
				"/proc/timer_stats",
				"/proc/sched_debug",
				"/sys/firmware",
				"/proc/scsi",
			],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
		},
	};
}
