/** Who is measured: the runtime under test and the peers that are installed, each with its bundle and state directory. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeBundle } from "./bundle.js";

export interface Runtime {
	name: string;
	path: string;
	version: string;
	/** State directory (`--root`). */
	root: string;
	bundle: string;
	/** One whose process sleeps, to be entered. */
	sleepingBundle: string;
	/** Name of its containers' cgroup in each hierarchy. */
	cgroup: string;
}

/** The environment of everything that is measured: a certificate bundle costs Node 45 ms that no engine would pay. */
export const environment: NodeJS.ProcessEnv = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

function find(command: string): string | undefined {
	if (command.includes("/")) return existsSync(command) ? command : undefined;
	const directories = (process.env.PATH ?? "").split(":");
	return directories.map((directory) => join(directory, command)).find((path) => existsSync(path));
}

export function prepare(
	name: string,
	command: string,
	places: { work: string; state: string; rootfs: string },
): Runtime | undefined {
	const path = find(command);
	if (path === undefined) return undefined;
	const answer = spawnSync(path, ["--version"], { encoding: "utf8", env: environment });
	const version = answer.stdout?.split("\n")[0]?.replace(/^.*version /, "") || "unknown version";
	const root = join(places.state, name);
	const bundle = join(places.work, `bundle-${name}`);
	const sleepingBundle = join(places.work, `sleeping-${name}`);
	const cgroup = `bench-${name}-${process.pid}`;
	mkdirSync(root, { recursive: true, mode: 0o700 });
	makeBundle(bundle, { rootfs: places.rootfs, cgroupsPath: `/${cgroup}` });
	makeBundle(sleepingBundle, {
		rootfs: places.rootfs,
		cgroupsPath: `/${cgroup}-sleeping`,
		args: ["/bin/sleep", "100000"],
	});
	return { name, path, version, root, bundle, sleepingBundle, cgroup };
}

export const sleepingId = "bench-sleeping";

export function endSleeping({ path, root }: Runtime): void {
	spawnSync(path, ["--root", root, "delete", "--force", sleepingId], { env: environment });
}

/** A container to be entered. */
export function startSleeping({ name, path, root, sleepingBundle }: Runtime): void {
	const args = ["--root", root, "run", "--detach", "--bundle", sleepingBundle, sleepingId];
	const { status } = spawnSync(path, args, { env: environment, stdio: "ignore", timeout: 20_000 });
	if (status !== 0) throw new Error(`${name}: no container to enter`);
}

/** Undefined when `run` of the bundle works; otherwise why not, and what can be done about it. */
export function preflight(runtime: Runtime): string | undefined {
	const { path, root, bundle } = runtime;
	const answer = spawnSync(path, ["--root", root, "run", "--bundle", bundle, "preflight"], {
		encoding: "utf8",
		env: environment,
		timeout: 20_000,
	});
	if (answer.status === 0) return undefined;
	const said = answer.error?.message ?? (answer.stderr.trim() || `exit status ${answer.status ?? answer.signal}`);
	return `${runtime.name}: run of /bin/true fails: ${said}${remedy(runtime.name, said)}`;
}

// crun 1.8 takes a hierarchy that /proc/cgroups lists and nobody has mounted for an error.
function remedy(name: string, said: string): string {
	if (name !== "crun" || !/cgroup|controller/i.test(said)) return "";
	const controller = /hugetlb|perf_event|net_cls|net_prio|rdma|misc/.exec(said)?.[0] ?? "hugetlb";
	const directory = `/sys/fs/cgroup/${controller}`;
	if (existsSync(join(directory, "cgroup.procs"))) return "";
	return (
		`\n  It wants every v1 controller mounted. To measure against it:` +
		`\n  mkdir -p ${directory} && mount -t cgroup -o ${controller} none ${directory}`
	);
}

/** Removes whatever containers a broken round left behind; returns their ids. */
export function sweep(runtime: Runtime): string[] {
	const left = existsSync(runtime.root)
		? readdirSync(runtime.root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
		: [];
	const ids = left.map((entry) => entry.name).filter((name) => /^(preflight|traced|bench-)/.test(name));
	for (const id of ids) {
		spawnSync(runtime.path, ["--root", runtime.root, "delete", "--force", id], { env: environment });
	}
	return ids;
}
