/** Durations as Go's flag package reads them: `5s`, `1m30s`, `1.5h`, `-2ms`; a number alone is in seconds. */

const units: Record<string, number> = {
	ns: 1e-6,
	us: 1e-3,
	// Both letters that look like it.
	µs: 1e-3,
	μs: 1e-3,
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
};

/** Milliseconds, or undefined for what is no duration. */
export function readDuration(text: string): number | undefined {
	const [, sign, rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
	const direction = sign === "-" ? -1 : 1;
	// Go has no number without a unit but 0.
	if (/^\d+(\.\d+)?$/.test(rest)) return direction * Number(rest) * 1000;
	const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
	let total = 0;
	while (part.lastIndex < rest.length) {
		const found = part.exec(rest);
		if (!found) return undefined;
		total += Number(found[1]) * (units[found[2] ?? ""] ?? 0);
	}
	return rest === "" ? undefined : direction * total;
}
