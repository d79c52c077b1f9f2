/** The cgroups that `exec` puts its process into: the container's, or ones below them. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { cleanPath } from "../plan/paths.js";
import type { CgroupPaths } from "./cgroups.js";

export interface ExecCgroups {
	/** v1 directories, each once. */
	tasks: string[];
	/** v2 directory. */
	unified?: string;
}

/** `wanted`: the arguments of `--cgroup`. */
export function execCgroups(paths: CgroupPaths, wanted: readonly string[] | undefined): ExecCgroups {
	const chosen = wanted?.length ? choose(paths, wanted) : paths;
	const cgroups: ExecCgroups = { tasks: [] };
	for (const controller in chosen) {
		const path = chosen[controller] as string;
		if (controller === "") cgroups.unified = path;
		else if (cgroups.tasks.indexOf(path) < 0) cgroups.tasks.push(path);
	}
	return cgroups;
}

/** In runc's format, refused in runc's words. */
function choose(paths: CgroupPaths, wanted: readonly string[]): CgroupPaths {
	const chosen: CgroupPaths = { ...paths };
	const named = new Set<string>();
	for (const argument of wanted) {
		const colon = argument.indexOf(":");
		if (colon < 0) {
			if (wanted.length !== 1) throw invalid(argument, "missing <controller>: prefix");
			for (const controller of Object.keys(paths)) chosen[controller] = below(paths[controller] as string, argument);
			continue;
		}
		for (const controller of argument.slice(0, colon).split(",")) {
			if (controller === "") throw invalid(argument, "empty <controller> prefix");
			if (named.has(controller)) throw invalid(argument, `controller ${controller} specified multiple times`);
			named.add(controller);
			const path = paths[controller];
			if (path === undefined) throw invalid(argument, `the container has no cgroup of controller ${controller}`);
			const directory = below(path, argument.slice(colon + 1));
			// Controllers of one hierarchy have one directory.
			for (const other of Object.keys(paths)) if (paths[other] === path) chosen[other] = directory;
		}
	}
	return chosen;
}

function below(base: string, path: string): string {
	const joined = cleanPath(`${base}/${path}`);
	if (joined === base || joined.startsWith(`${base}/`)) return joined;
	throw new RuntimeError("usage", `bad sub cgroup path: ${path}`, {
		path: joined,
		hint: `it has to be in the container's cgroup, ${base}`,
	});
}

function invalid(argument: string, reason: string): RuntimeError {
	return new RuntimeError("usage", `invalid --cgroup argument: ${argument} (${reason})`);
}

/**
 * The v2 cgroup that the container's first process is in now, when that is one below the container's own. A container that
 * runs systemd passes its controllers on to the cgroups below its own, which takes no process any more then (cgroup-v2.rst,
 * "No Internal Process Constraint").
 */
export function cgroupOfInit(native: Native, pid: number, own: string): string | undefined {
	const lines = native.readText({ path: `/proc/${pid}/cgroup` }).split("\n");
	const path = lines.find((line) => line.startsWith("0::"))?.slice("0::".length);
	if (path === undefined) return undefined;
	// `own` is the path of the mount point, and then the beginning of `path`.
	for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
		if (own.endsWith(path.slice(0, end))) return own + path.slice(end);
	}
	return undefined;
}
