/**
 * Lists of CPUs or NUMA nodes: `0-3,7`. As runc reads them: spaces around an entry and empty entries (extra commas) do
 * no harm. Returns the numbers in ascending order, or a sentence that says what is wrong with the text.
 */
export function parseNumberList(text: string, limit: number): number[] | string {
	const numbers = new Set<number>();
	for (const part of text.split(",")) {
		const entry = part.trim();
		if (entry === "") continue;
		const match = /^(\d+)(?:-(\d+))?$/.exec(entry);
		if (match === null) return `expected a list like 0-3,7; found ${JSON.stringify(entry)} in it`;
		const first = Number(match[1]);
		const last = Number(match[2] ?? first);
		if (last < first) return `expected ranges with the smaller number first; found ${entry}`;
		if (last >= limit) return `expected numbers below ${limit}; found ${entry}`;
		for (let number = first; number <= last; number++) numbers.add(number);
	}
	return [...numbers].sort((a, b) => a - b);
}

/** One more than the largest number: CPUs that the kernel can be built for (CONFIG_NR_CPUS). */
export const cpuLimit = 8192;
/** 1 << CONFIG_NODES_SHIFT at its largest. */
export const nodeLimit = 1024;
