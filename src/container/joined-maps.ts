/**
 * A configuration may give id mappings beside the path of a user namespace (Podman does, for the containers of a pod).
 * The namespace has its maps already; if they are others, what the configuration says is not what the container gets.
 */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";

type Range = [containerId: number, hostId: number, size: number];

/** `pid`: a process in the namespace. Its maps are read from here, so that they show ids as this process knows them. */
export function checkJoinedMaps(native: Native, { linux = {} }: Spec, pid: number): void {
	const path = linux.namespaces?.find(({ type }) => type === "user")?.path;
	if (!path) return;
	for (const kind of ["uid", "gid"] as const) {
		const key = `${kind}Mappings` as const;
		const wanted = (linux[key] ?? []).map(({ containerID, hostID, size }): Range => [containerID, hostID, size]);
		if (wanted.length === 0) continue;
		const found = parse(native.readText({ path: `/proc/${pid}/${kind}_map` }));
		if (text(wanted) === text(found)) continue;
		throw new RuntimeError("config.invalid", `the user namespace ${path} has other ${kind} mappings`, {
			pointer: `/linux/${key}`,
			path,
			hint: `it has ${text(found) || "none"} (container:host:size), the configuration says ${text(wanted)}`,
		});
	}
}

function parse(map: string): Range[] {
	const lines = map.split("\n").filter((line) => line !== "");
	return lines.map((line) => line.trim().split(/ +/).map(Number) as Range);
}

/** In the order of the container's ids, ranges that go on where another ends made one: the same map, the same text. */
function text(ranges: Range[]): string {
	const merged: Range[] = [];
	for (const [inside, outside, size] of [...ranges].sort((one, other) => one[0] - other[0])) {
		const last = merged.at(-1);
		if (last && last[0] + last[2] === inside && last[1] + last[2] === outside) last[2] += size;
		else merged.push([inside, outside, size]);
	}
	return merged.map((range) => range.join(":")).join(", ");
}
