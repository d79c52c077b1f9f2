/** linux.resources.blockIO as control files of cgroup v2. */
import { type CgroupTarget, limit, type Resources, refuseConversion } from "./resources.js";

type BlockIo = NonNullable<Resources["blockIO"]>;

/** v1's throttles and the word of io.max that says the same. */
const throttles = [
	["throttleReadBpsDevice", "rbps"],
	["throttleWriteBpsDevice", "wbps"],
	["throttleReadIOPSDevice", "riops"],
	["throttleWriteIOPSDevice", "wiops"],
] as const;

export function writeIo(blockIO: BlockIo, target: CgroupTarget): void {
	const weight = limit(blockIO.weight);
	if (weight !== undefined) writeWeight(weight, "/blockIO/weight", "", target);
	for (const [index, { major, minor, weight }] of (blockIO.weightDevice ?? []).entries()) {
		const own = limit(weight);
		if (own !== undefined) writeWeight(own, `/blockIO/weightDevice/${index}/weight`, `${major}:${minor} `, target);
	}
	for (const [kind, word] of throttles) {
		for (const [index, { major, minor, rate }] of (blockIO[kind] ?? []).entries()) {
			// v1 takes 0 for "no limit", v2 takes "max".
			const value = limit(rate) === undefined ? "max" : String(rate);
			target.write("io", `/blockIO/${kind}/${index}`, "io.max", `${major}:${minor} ${word}=${value}`);
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
