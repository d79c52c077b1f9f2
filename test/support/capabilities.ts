/** A capability set in /proc/PID/status, as a mask. */
export function capabilityBits(status: string, set: "Bnd" | "Eff" | "Prm" | "Inh" | "Amb"): bigint {
	return BigInt(`0x${new RegExp(`Cap${set}:\\s+([0-9a-f]+)`).exec(status)?.[1] ?? ""}`);
}
