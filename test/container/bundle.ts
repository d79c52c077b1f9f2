/** A small bundle on a fake host, as launches need it. */
import { root, SceneNative } from "./scene.js";

const v1Mounts = ["pids", "freezer", "memory", "devices", "cpu", "cpuset"].map(
	(controller, index) =>
		`${40 + index} 30 0:${40 + index} / /sys/fs/cgroup/${controller} rw,nosuid shared:9 - cgroup cgroup rw,${controller}\n`,
);
const v2Mount = "30 20 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";

export function config(overrides: Record<string, unknown> = {}, process: Record<string, unknown> = {}): object {
	return {
		ociVersion: "1.2.0",
		root: { path: "rootfs" },
		process: { user: { uid: 0, gid: 0 }, cwd: "/", args: ["sh"], env: ["PATH=/bin"], ...process },
		linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
		...overrides,
	};
}

/** A host with the bundle on it, where an init goes the way of `messages`. */
export function host(spec: object = config(), hierarchy: "v1" | "v2" = "v1"): SceneNative {
	const native = new SceneNative({
		"/bundle/config.json": JSON.stringify(spec),
		"/proc/self/mountinfo": hierarchy === "v1" ? v1Mounts.join("") : v2Mount,
		"/proc/self/status": "Name:\tnode\nCapBnd:\t000001ffffffffff\n",
	});
	native.files.putDirectory("/bundle/rootfs");
	native.files.putDirectory("/run");
	native.files.putDirectory("/sys/fs/cgroup");
	native.messages = [{ type: "pid", pid: 500, pidfd: 60 }, { type: "ready" }];
	return native;
}

export const request = { root, id: "web", bundle: "/bundle", env: {} };

/** Verbs in the order of their first call, of those named. */
export function order(native: SceneNative, ...verbs: string[]): string[] {
	return [...new Set(native.calls.map(({ verb }) => verb as string).filter((verb) => verbs.includes(verb)))];
}

/** What is left below the state root, and of cgroups. */
export function leftovers(native: SceneNative): string[] {
	return native.files.paths().filter((path) => path.startsWith(`${root}/`) || path.endsWith("/web"));
}
