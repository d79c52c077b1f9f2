/** What v1 and v2 share in reading linux.resources: types, numbers, and the ways to say no. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { HostStep } from "../plan/schema.js";

export type Resources = NonNullable<NonNullable<Spec["linux"]>["resources"]>;
type Integer = number | bigint;

const base = "/linux/resources";

export interface CgroupTarget {
	/**
	 * `update`: what the container had until now. A field that the document gives changes and nothing else does; the
	 * order in which the kernel takes the new values depends on the old ones and is settled later (order.ts). Undefined
	 * for a new container.
	 */
	saved?: Resources | undefined;
	/** Directory of the container's cgroup that has this controller. */
	directory(controller: string, pointer: string): string;
	/** The control file takes effect on this configuration value. */
	write(controller: string, pointer: string, file: string, value: string, how?: WriteOptions): void;
	steps: HostStep[];
}

export interface WriteOptions {
	/** That there is no such file is fine. */
	optional?: boolean;
	/** Written where there is no such file. */
	instead?: { file: string; value: string };
}

/** The file may be missing: what is asked for is then so anyway. */
export const ifThere: WriteOptions = { optional: true };

/** memory.checkBeforeUpdate: a limit that is below what is in use already is refused before anything is written. */
export function checkMemoryUse({ memory }: Resources, target: CgroupTarget, usageFile: string): void {
	const bytes = limit(memory?.limit);
	const check = memory?.checkBeforeUpdate ?? target.saved?.memory?.checkBeforeUpdate;
	if (!check || bytes === undefined || bytes < 0n) return;
	const path = `${target.directory("memory", pointerTo("/memory/limit"))}/${usageFile}`;
	target.steps.push({ op: "cgroup.check", at: pointerTo("/memory/limit"), path, atMost: String(bytes) });
}

/**
 * cpu.shares and cpu.idle, which hang together: an idle group refuses shares (Linux 5.15), so it stops being idle before
 * and becomes idle after they are set; and it has lost them in between.
 */
export function writeShares(
	cpu: NonNullable<Resources["cpu"]>,
	target: CgroupTarget,
	write: (shares: bigint) => void,
): void {
	const idle = cpu.idle === undefined ? undefined : BigInt(cpu.idle);
	const stops = idle === 0n && target.saved !== undefined;
	if (stops) target.write("cpu", "/cpu/idle", "cpu.idle", "0", ifThere);
	const shares = limit(cpu.shares) ?? (stops ? limit(target.saved?.cpu?.shares) : undefined);
	if (shares !== undefined) write(shares);
	if (idle !== undefined && idle !== 0n) target.write("cpu", "/cpu/idle", "cpu.idle", String(idle));
}

/** The rdma controller's only control file is the same on v1 and v2. */
export function writeRdma({ rdma }: Resources, target: CgroupTarget): void {
	for (const device in rdma) {
		const { hcaHandles, hcaObjects } = rdma[device] ?? {};
		let value = device;
		if (hcaHandles !== undefined) value += ` hca_handle=${hcaHandles}`;
		if (hcaObjects !== undefined) value += ` hca_object=${hcaObjects}`;
		target.write("rdma", `/rdma/${device.replaceAll("~", "~0").replaceAll("/", "~1")}`, "rdma.max", value);
	}
}

/**
 * A limit that is set. Zero is not one: Docker and containerd send structures in which 0 stands for "not given"
 * (clients.md, section 7), and no resource but pids has a use for a limit of nothing.
 */
export function limit(value: Integer | undefined): bigint | undefined {
	return value === undefined || BigInt(value) === 0n ? undefined : BigInt(value);
}

/**
 * pids.limit. Since version 1.3 of the specification 0 is a limit as any other; documents of older versions come from
 * engines that mean "no limit" by it (`podman run --pids-limit 0`).
 */
export function pidsLimit(resources: Resources, ociVersion: string, update: boolean): string | undefined {
	const value = resources.pids?.limit;
	if (value === undefined) return undefined;
	if (BigInt(value) < 0n) return "max";
	const [major = 0, minor = 0] = ociVersion.split(".").map(Number);
	const zeroCounts = major > 1 || (major === 1 && minor >= 3);
	if (BigInt(value) !== 0n || zeroCounts) return String(value);
	// To change nothing is what the zeros of an update mean (runc before 1.4).
	return update ? undefined : "max";
}

/** The specification: where a value can't be converted, fail. */
export function refuseConversion(pointer: string, why: string): never {
	throw new RuntimeError("config.unsupported", `cgroup: ${why}`, { pointer: base + pointer });
}

/** What no supported kernel can do; empty and zero values ask for nothing. */
export function refuseUnsupported({ memory, blockIO }: Resources): void {
	if (memory) {
		if (memory.kernel !== undefined && memory.kernel > 0)
			refuseConversion("/memory/kernel", "memory.kernel: since Linux 5.16 the kernel has no limit for its own memory");
		if (memory.useHierarchy === false)
			refuseConversion("/memory/useHierarchy", "memory.useHierarchy: since Linux 5.11 limits always are hierarchical");
	}
	if (blockIO) refuseLeafWeights(blockIO);
}

function refuseLeafWeights({ leafWeight, weightDevice = [] }: NonNullable<Resources["blockIO"]>): void {
	const why = "leaf weights went with the CFQ scheduler in Linux 5.0";
	if (limit(leafWeight) !== undefined) refuseConversion("/blockIO/leafWeight", `blockIO.leafWeight: ${why}`);
	for (let index = 0; index < weightDevice.length; index++) {
		if (limit(weightDevice[index]?.leafWeight) === undefined) continue;
		refuseConversion(`/blockIO/weightDevice/${index}/leafWeight`, `blockIO.weightDevice.leafWeight: ${why}`);
	}
}

/** Something other than devices is limited; -1 is "unlimited" for all that have it. */
export function hasLimits(resources: Resources): boolean {
	return Object.entries(resources).some(([kind, value]) => kind !== "devices" && asks(value));
}

function asks(value: unknown): boolean {
	if (typeof value === "object" && value !== null) return Object.values(value).some(asks);
	return Boolean(value) && value !== -1;
}

export const pointerTo = (path: string): string => base + path;

export function limitsWithoutCgroup(): never {
	const message = "limits need a cgroup, and --cgroup-manager disabled leaves the container without";
	throw new RuntimeError("config.invalid", message, {
		pointer: base,
		hint: "take the limits out of config.json, or choose another --cgroup-manager",
	});
}
