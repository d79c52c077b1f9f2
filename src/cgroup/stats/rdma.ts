/** The rdma controller has the same files on v1 and v2. */
import { rdmaEntries } from "./parse.js";
import type { CgroupFiles, RdmaStats } from "./types.js";

/** Undefined without the controller, or without a device that it counts. */
export function rdmaStats(files: CgroupFiles, controller: string): RdmaStats | undefined {
	const limits = rdmaEntries(files.read(controller, "rdma.max"));
	const current = rdmaEntries(files.read(controller, "rdma.current"));
	if (limits.length === 0 && current.length === 0) return undefined;
	return { rdma_limit: limits, rdma_current: current };
}
