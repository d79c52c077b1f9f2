/** Plans by hand: the steps that nearly every test needs, with room for its own in three places. */
import type { InitStep } from "../../src/plan/schema.js";
import type { Scene } from "./engine.js";

export interface Parts {
	args?: string[];
	namespaces?: ("user" | "mount" | "pid" | "network" | "ipc" | "uts")[];
	/** Before the root file system is opened, in the new namespaces. */
	first?: InitStep[];
	/** After /proc and /dev are mounted, before the root changes. */
	mounts?: InitStep[];
	/** After the root changed. */
	inside?: InitStep[];
	/** After start. */
	last?: InitStep[];
	via?: "channel" | "socket";
	env?: string[];
	preserveFds?: number;
	enter?: "pivot" | "move" | "chroot";
	propagation?: "rprivate" | "rslave" | "rshared" | "shared";
}

export const proc: InitStep = filesystem("proc", "/proc", [], { ordinary: true });
export const dev: InitStep = filesystem("tmpfs", "/dev", [
	["mode", "755"],
	["size", "65536k"],
]);

type Filesystem = Extract<InitStep, { op: "mount.filesystem" }>;
export function filesystem(
	type: string,
	destination: string,
	options: Filesystem["options"] = [],
	rest: Partial<Filesystem> = {},
): InitStep {
	return { op: "mount.filesystem", type, source: type, destination, options, superblock: [], ...rest };
}

export function bind(
	source: string,
	destination: string,
	rest: Partial<Extract<InitStep, { op: "mount.bind" }>> = {},
): InitStep {
	return { op: "mount.bind", source, destination, tree: false, ...rest };
}

export function steps(scene: Scene, parts: Parts = {}): InitStep[] {
	const args = parts.args ?? ["/bin/sh", "-c", "true"];
	return [
		{ op: "clone", namespaces: parts.namespaces ?? ["mount", "pid", "network", "ipc", "uts"] },
		...(parts.first ?? []),
		{ op: "root.open", path: scene.rootfs, propagation: parts.propagation ?? "rslave" },
		proc,
		dev,
		...(parts.mounts ?? []),
		{ op: "root.enter", method: parts.enter ?? "pivot" },
		...(parts.inside ?? []),
		{ op: "process.lookup", file: args[0] ?? "", searchPath: "/usr/bin:/bin" },
		{ op: "start.wait", via: parts.via ?? "channel" },
		...(parts.last ?? []),
		{ op: "exec", args, env: parts.env ?? ["PATH=/bin"], preserveFds: parts.preserveFds ?? 0 },
	];
}

/** A plan whose program is this shell script. */
export function script(scene: Scene, text: string, parts: Parts = {}): InitStep[] {
	return steps(scene, { ...parts, args: ["/bin/sh", "-c", text] });
}
