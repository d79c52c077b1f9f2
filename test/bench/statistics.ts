/** What a list of samples says: medians, because one lucky or one slow run must not move a figure. */
export interface Summary {
	count: number;
	min: number;
	median: number;
	p90: number;
	max: number;
}

/** Linear interpolation between the two closest ranks; `samples` need not be sorted. */
export function quantile(samples: readonly number[], q: number): number {
	const sorted = [...samples].sort((a, b) => a - b);
	const position = (sorted.length - 1) * q;
	const low = sorted[Math.floor(position)];
	const high = sorted[Math.ceil(position)];
	if (low === undefined || high === undefined) throw new RangeError("no samples");
	return low + (high - low) * (position - Math.floor(position));
}

export function summarize(samples: readonly number[]): Summary {
	return {
		count: samples.length,
		min: quantile(samples, 0),
		median: quantile(samples, 0.5),
		p90: quantile(samples, 0.9),
		max: quantile(samples, 1),
	};
}

/** The order of one round: everyone is first, second, … equally often, so that nobody always follows the slow one. */
export function rotate<T>(items: readonly T[], round: number): T[] {
	const start = items.length === 0 ? 0 : round % items.length;
	return [...items.slice(start), ...items.slice(0, start)];
}
