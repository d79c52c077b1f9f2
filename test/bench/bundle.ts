/** The bundle that is measured: `runc spec`'s configuration without a terminal, on a busybox rootfs. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const busybox = "/bin/busybox";
const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

export function makeRootfs(path: string): void {
	for (const directory of ["bin", "dev", "etc", "proc", "sys", "tmp"]) {
		mkdirSync(join(path, directory), { recursive: true });
	}
	copyFileSync(busybox, join(path, "bin/busybox"));
	for (const applet of ["true", "sh", "sleep"]) symlinkSync("busybox", join(path, "bin", applet));
}

/**
 * `cgroupsPath` is always given: without one, runc and crun make the container's cgroup below their own, and the
 * memory of what is measured would be accounted to (and limited by) the session that started the bench.
 */
export function makeBundle(path: string, options: { rootfs: string; cgroupsPath: string; args?: string[] }): void {
	mkdirSync(path, { recursive: true });
	const config = {
		ociVersion: "1.0.2-dev",
		process: {
			terminal: false,
			user: { uid: 0, gid: 0 },
			args: options.args ?? ["/bin/true"],
			env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
			cwd: "/",
			capabilities: {
				bounding: capabilities,
				effective: capabilities,
				permitted: capabilities,
			},
			rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
			noNewPrivileges: true,
		},
		root: { path: options.rootfs, readonly: true },
		hostname: "bench",
		mounts: mounts.map(([destination, type, source, ...options]) => ({ destination, type, source, options })),
		linux: {
			cgroupsPath: options.cgroupsPath,
			resources: { devices: [{ allow: false, access: "rwm" }] },
			namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
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
	writeFileSync(join(path, "config.json"), JSON.stringify(config, undefined, "\t"));
	// For exec: what containerd sends for a probe.
	writeFileSync(join(path, "process.json"), JSON.stringify({ ...config.process, args: ["/bin/true"] }));
}

/** Destination, type, source, options. */
const mounts: [string, string, string, ...string[]][] = [
	["/proc", "proc", "proc"],
	["/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"],
	["/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
	["/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
	["/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"],
	["/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"],
	["/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"],
];
