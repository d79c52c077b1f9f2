/** /proc/PID/net/dev: the counters of the network namespace that a process is in. */
import { linesOf } from "./parse.js";
import type { NetworkStats } from "./types.js";

/** Null without a device but the loopback. */
export function networkStats(text: string | undefined): NetworkStats[] | null {
	const found: NetworkStats[] = [];
	// Two lines of headings; then a name, eight numbers of what was received, eight of what was sent.
	for (const line of linesOf(text).slice(2)) {
		const colon = line.lastIndexOf(":");
		const Name = line.slice(0, colon).trim();
		const values = line
			.slice(colon + 1)
			.trim()
			.split(/\s+/);
		if (colon < 0 || Name === "lo" || values.length < 16) continue;
		const value = (index: number): bigint => BigInt(values[index] ?? 0);
		found.push({
			Name,
			RxBytes: value(0),
			RxPackets: value(1),
			RxErrors: value(2),
			RxDropped: value(3),
			TxBytes: value(8),
			TxPackets: value(9),
			TxErrors: value(10),
			TxDropped: value(11),
		});
	}
	return found.length === 0 ? null : found;
}
