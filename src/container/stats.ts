/** The statistics of a container, as they are now. */
import { intelRdtStats } from "../cgroup/stats/intel-rdt.js";
import { networkStats } from "../cgroup/stats/network.js";
import type { CgroupFiles, IntelRdtStats, NetworkStats, Stats } from "../cgroup/stats/types.js";
import { statsV1 } from "../cgroup/stats/v1.js";
import { statsV2 } from "../cgroup/stats/v2.js";
import { RuntimeError } from "../errors.js";
import type { FileType, Native } from "../native/api.js";
import { readOr } from "./control-file.js";
import { failedWith } from "./errno.js";
import type { ContainerRecord } from "./record.js";

/** The container's first process is alive; what goes away while this reads counts as 0. */
export function readStats(native: Native, record: ContainerRecord): Stats {
	const paths = record.cgroup_paths;
	if (Object.keys(paths).length === 0) {
		throw new RuntimeError("cgroup", "the container has no cgroup, so nobody counts what it uses", {
			pointer: "/linux/cgroupsPath",
		});
	}
	const files: CgroupFiles = {
		read(controller, file) {
			const directory = paths[controller];
			return directory === undefined ? undefined : readOr(native, `${directory}/${file}`, undefined);
		},
		names: (controller) => list(native, paths[controller], "file"),
	};
	const stats = paths[""] === undefined ? statsV1(files) : statsV2(files);
	return { ...stats, intel_rdt: readIntelRdt(native, record), network_interfaces: readNetwork(native, record) };
}

function list(native: Native, path: string | undefined, kind: FileType): string[] {
	if (path === undefined) return [];
	try {
		return native
			.listDirectory({ path })
			.filter(({ type }) => type === kind)
			.map(({ name }) => name);
	} catch (error) {
		if (failedWith(error, "ENOENT", "ENODEV")) return [];
		throw error;
	}
}

/** Of a network namespace that is not the host's, whose devices are nobody's in particular. */
function readNetwork(native: Native, record: ContainerRecord): NetworkStats[] | null {
	if (!record.config.namespaces.some(({ type }) => type === "NEWNET")) return null;
	return networkStats(readOr(native, `/proc/${record.init_process_pid}/net/dev`, undefined));
}

function readIntelRdt(native: Native, record: ContainerRecord): IntelRdtStats {
	const group = record.intel_rdt_path;
	if (group === "") return {};
	const mountinfo = native.readText({ path: "/proc/self/mountinfo", lossy: true });
	const root = mountinfo
		.split("\n")
		.find((line) => line.includes(" - resctrl "))
		?.split(" ")[4];
	if (root === undefined) return {};
	const below = (path: string): string => (path.startsWith(root) ? path.slice(root.length) : path);
	return intelRdtStats(
		{
			read: (path) => readOr(native, root + path, undefined),
			directories: (path) => list(native, root + path, "directory"),
		},
		{ group: below(group), monitor: below(record.intel_rdt_mon_path ?? group) },
	);
}
