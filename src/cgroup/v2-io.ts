/** linux.resources.blockIO as control files of cgroup v2. */
import { type CgroupTarget, limit, type Resources, refuseConversion } from "./resources.js";

type BlockIo = NonNullable<Resources["blockIO"]>;

const throttles = [
	"throttleReadBpsDevice",
	"throttleWriteBpsDevice",
	"throttleReadIOPSDevice",
	"throttleWriteIOPSDevice",
] as const;
/** The words of io.max that say the same as v1's throttles. */
const throttleWords = ["rbps", "wbps", "riops", "wiops"] as const;

/** Indexed loops, as engines send blockIO with empty lists for every container. */
export function writeIo(blockIO: BlockIo, target: CgroupTarget): void {
	const weight = limit(blockIO.weight);
	if (weight !== undefined) writeWeight(weight, "/blockIO/weight", "", target);
	const weights = blockIO.weightDevice ?? [];
	for (let index = 0; index < weights.length; index++) {
		const { major, minor, weight } = weights[index] as (typeof weights)[number];
		const own = limit(weight);
		if (own !== undefined) writeWeight(own, `/blockIO/weightDevice/${index}/weight`, `${major}:${minor} `, target);
	}
	for (let kind = 0; kind < throttles.length; kind++) {
		const list = throttles[kind] as (typeof throttles)[number];
		const entries = blockIO[list] ?? [];
		for (let index = 0; index < entries.length; index++) {
			const { major, minor, rate } = entries[index] as (typeof entries)[number];
			// v1 takes 0 for "no limit", v2 takes "max".
			const value = limit(rate) === undefined ? "max" : String(rate);
			target.write("io", `/blockIO/${list}/${index}`, "io.max", `${major}:${minor} ${throttleWords[kind]}=${value}`);
		}
	}
}

/** BFQ, where the kernel has it, takes the weights of v1 as they are; the general io.weight has a range of its own. */
function writeWeight(weight: bigint, at: string, device: string, target: CgroupTarget): void {
	if (weight < 10n || weight > 1000n)
		refuseConversion(at, `a weight of ${weight} can't be converted: those of v1 are 10 to 1000`);
	target.write("io", at, "io.bfq.weight", `${device}${weight}`, {
		instead: { file: "io.weight", value: `${device}${toIoWeight(weight)}` },
	});
}

/** 10 to 1000 onto 1 to 10000: the straight line that runc and crun published. */
export function toIoWeight(weight: bigint): bigint {
	return 1n + ((weight - 10n) * 9999n) / 990n;
}
