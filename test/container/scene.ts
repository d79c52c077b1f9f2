/** A host with containers on it, for the lifecycle functions: FakeNative with cgroupfs's rules for directories. */

import type { ContainerRecord } from "../../src/container/record.js";
import { containerRecord } from "../../src/container/record.js";
import { FakeNative, nativeFailure } from "../../src/native/fake.js";

export const root = "/run/test";
const cgroupRoot = "/sys/fs/cgroup/";

/** Files of a cgroup directory vanish with it; processes and cgroups below keep it. */
export class SceneNative extends FakeNative {
	/** Pids by cgroup directory. */
	readonly members = new Map<string, number[]>();

	addCgroup(path: string, pids: number[] = []): void {
		this.files.putDirectory(path);
		this.members.set(path, pids);
	}

	override readText(options: { path: string }): string {
		const directory = /^(.*)\/cgroup\.procs$/.exec(options.path)?.[1];
		const pids = directory === undefined ? undefined : this.members.get(directory);
		if (!pids) return super.readText(options);
		return pids
			.filter((pid) => this.processes.has(pid))
			.map((pid) => `${pid}\n`)
			.join("");
	}

	override removeDirectory(options: { path: string; missingOk?: boolean }): void {
		if (options.path.startsWith(cgroupRoot) && this.files.has(options.path)) {
			const busy = (this.members.get(options.path) ?? []).some((pid) => this.processes.has(pid));
			const children = this.files.list(options.path);
			if (busy || children.some(({ type }) => type === "directory"))
				throw nativeFailure("rmdir", "EBUSY", options.path);
			for (const { name } of children) this.files.removeFile({ path: `${options.path}/${name}` });
		}
		super.removeDirectory(options);
	}
}

interface Container {
	id?: string;
	pid?: number;
	/** The process behind the pid: alive unless told otherwise. */
	process?: { startTime: string; state: string } | undefined;
	waiting?: boolean;
	record?: Partial<ContainerRecord>;
	runtime?: Partial<ContainerRecord["runtime_ts"]>;
}

/** Puts a container's state directory and process on the host. */
export function put(native: SceneNative, options: Container = {}): ContainerRecord {
	const id = options.id ?? "web";
	const pid = options.pid ?? 500;
	const record: ContainerRecord = {
		id,
		init_process_pid: pid,
		init_process_start: pid === 0 ? 0 : 1000,
		created: "2026-01-02T03:04:05.678Z",
		config: {
			rootfs: "/bundle/rootfs",
			readonlyfs: false,
			hostname: "",
			namespaces: [{ type: "NEWPID", path: "" }],
			labels: ["bundle=/bundle"],
		},
		rootless: false,
		cgroup_paths: { pids: `${cgroupRoot}pids/${id}`, freezer: `${cgroupRoot}freezer/${id}` },
		namespace_paths: {},
		external_descriptors: [],
		intel_rdt_path: "",
		...options.record,
		runtime_ts: {
			version: 1,
			ociVersion: "1.2.0",
			bundle: "/bundle",
			exec: { process: { cwd: "/" }, steps: [] },
			...options.runtime,
		},
	};
	containerRecord.parse(record);
	native.files.put(`${root}/${id}/state.json`, JSON.stringify(record));
	const process = "process" in options ? options.process : { startTime: "1000", state: "S" };
	if (pid !== 0 && process) native.processes.set(pid, process);
	for (const path of Object.values(record.cgroup_paths)) native.addCgroup(path, [pid]);
	const freezer = record.cgroup_paths.freezer;
	if (freezer) native.files.put(`${freezer}/freezer.state`, "THAWED\n");
	if (options.waiting) {
		native.files.put(`${root}/${id}/start.sock`, "", "socket");
		native.listening.add(`${root}/${id}/start.sock`);
	}
	return record;
}
