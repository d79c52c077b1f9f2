/** Cgroups of FakeNative: directories, each with a list of processes. */
import type { FakeNative } from "./fake.js";

function childrenOf(native: FakeNative, path: string): string[] {
	if (native.stat({ path })?.type !== "directory") return [];
	const entries = native.listDirectory({ path });
	return entries.filter(({ type }) => type === "directory").map(({ name }) => `${path}/${name}`);
}

export function fakeCgroupProcesses(native: FakeNative, path: string): number[] {
	const pids: number[] = [];
	try {
		for (const line of native.readText({ path: `${path}/cgroup.procs` }).split("\n"))
			if (line !== "") pids.push(Number(line));
	} catch (error) {
		const { code } = error as { code?: string };
		if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EOPNOTSUPP") throw error;
	}
	for (const child of childrenOf(native, path)) pids.push(...fakeCgroupProcesses(native, child));
	return pids;
}

export function removeFakeCgroups(native: FakeNative, path: string): boolean {
	const left = childrenOf(native, path).filter((child) => !removeFakeCgroups(native, child));
	if (left.length > 0) return false;
	try {
		native.removeDirectory({ path, missingOk: true });
		return true;
	} catch (error) {
		const { code } = error as { code?: string };
		if (code === "EBUSY" || code === "ENOTEMPTY") return false;
		if (code === "ENOTDIR") return true;
		throw error;
	}
}
