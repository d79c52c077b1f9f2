/** What a container's resources are after an update: the document's fields over the ones it had. */
import { limit, type Resources } from "./resources.js";

type BlockIo = NonNullable<Resources["blockIO"]>;

/**
 * Both stay as they are. Zeros, where they mean "not given", change nothing (clients.md, section 7). Lists of devices, page
 * sizes and interfaces are merged entry by entry, as the kernel does it.
 */
export function mergeResources(saved: Resources, given: Resources): Resources {
	const merged: Resources = { ...saved };
	if (given.memory) merged.memory = mergeMemory(saved.memory, given.memory);
	if (given.cpu) merged.cpu = mergeCpu(saved.cpu, given.cpu);
	if (given.pids) merged.pids = given.pids;
	if (given.blockIO) merged.blockIO = mergeBlockIo(saved.blockIO, given.blockIO);
	if (given.hugepageLimits)
		merged.hugepageLimits = upsert(saved.hugepageLimits, given.hugepageLimits, ({ pageSize }) => pageSize);
	if (given.network) merged.network = mergeNetwork(saved.network, given.network);
	if (given.rdma) merged.rdma = mergeByName(saved.rdma, given.rdma);
	if (given.unified) merged.unified = { ...saved.unified, ...given.unified };
	for (const [part, value] of Object.entries(merged)) {
		// Nothing but zeros was given.
		if (!(part in saved) && Object.keys(value).length === 0) delete merged[part as keyof Resources];
	}
	return merged;
}

/** `given`, without the fields that say nothing, over `saved`. */
function over<Part extends object>(saved: Part | undefined, given: Part, says: (key: keyof Part) => boolean): Part {
	const merged = { ...saved } as Part;
	for (const key of Object.keys(given) as (keyof Part)[]) if (says(key)) merged[key] = given[key];
	return merged;
}

function mergeMemory(
	saved: Resources["memory"],
	given: NonNullable<Resources["memory"]>,
): NonNullable<Resources["memory"]> {
	const merged = over(saved, given, (key) => {
		const value = given[key];
		if (key === "swappiness") return value !== undefined && BigInt(value) <= 100n;
		return typeof value === "boolean" || limit(value) !== undefined;
	});
	// No limit for memory alone is none for both (v1.ts, v2.ts).
	if (limit(given.limit) === -1n && limit(given.swap) === undefined) merged.swap = -1;
	return merged;
}

function mergeCpu(saved: Resources["cpu"], given: NonNullable<Resources["cpu"]>): NonNullable<Resources["cpu"]> {
	return over(saved, given, (key) => {
		const value = given[key];
		if (typeof value === "string") return value !== "";
		return key === "idle" || key === "burst" ? value !== undefined : limit(value) !== undefined;
	});
}

function mergeBlockIo(saved: BlockIo = {}, given: BlockIo): BlockIo {
	const merged: BlockIo = { ...saved };
	if (limit(given.weight) !== undefined) merged.weight = given.weight as number;
	for (const kind of [
		"weightDevice",
		"throttleReadBpsDevice",
		"throttleWriteBpsDevice",
		"throttleReadIOPSDevice",
		"throttleWriteIOPSDevice",
	] as const) {
		const entries = given[kind] as { major: number | bigint; minor: number | bigint }[] | undefined;
		if (!entries?.length) continue;
		const list = upsert(merged[kind] as typeof entries | undefined, entries, ({ major, minor }) => `${major}:${minor}`);
		Object.assign(merged, { [kind]: list });
	}
	return merged;
}

function mergeNetwork(
	saved: NonNullable<Resources["network"]> = {},
	given: NonNullable<Resources["network"]>,
): NonNullable<Resources["network"]> {
	const merged = { ...saved };
	if (limit(given.classID) !== undefined) merged.classID = given.classID as number;
	if (given.priorities?.length) merged.priorities = upsert(saved.priorities, given.priorities, ({ name }) => name);
	return merged;
}

function mergeByName<Value extends object>(
	saved: Record<string, Value> = {},
	given: Record<string, Value>,
): Record<string, Value> {
	const merged = { ...saved };
	for (const [name, value] of Object.entries(given)) merged[name] = { ...merged[name], ...value };
	return merged;
}

function upsert<Entry>(saved: readonly Entry[] = [], given: readonly Entry[], key: (entry: Entry) => string): Entry[] {
	const entries = new Map(saved.map((entry) => [key(entry), entry]));
	for (const entry of given) entries.set(key(entry), { ...entries.get(key(entry)), ...entry });
	return [...entries.values()];
}
