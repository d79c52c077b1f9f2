/**
 * What engines asked runc for: Debian 12's containerd 1.6.20 (ctr, CRI), Docker 20.10.24, Podman 4.3.1 as root and
 * rootless, Buildah 1.28.2. Ids and paths are made alike, repeated invocations left out.
 */
import { readFileSync } from "node:fs";

const read = (name: string): unknown => JSON.parse(readFileSync(`${import.meta.dirname}/${name}.json`, "utf8"));

export interface Invocation {
	client: string;
	/** Words behind the name of the runtime. */
	words: string[];
}

export function invocations(): Invocation[] {
	return (read("invocations") as string[][]).map(([client = "", ...words]) => ({ client, words }));
}

/** By client and scenario; a name that ends in ".process" is of a file for `exec --process`. */
export function configs(): Record<string, unknown> {
	const { shared, configs } = read("configs") as { shared: unknown[]; configs: Record<string, unknown> };
	// Whatever comes more than once is in the file once, and {"$": index} in its places.
	const expand = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(expand);
		if (typeof value !== "object" || value === null) return value;
		if ("$" in value && typeof value.$ === "number") return expand(shared[value.$]);
		return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, expand(part)]));
	};
	return Object.fromEntries(Object.entries(configs).map(([name, config]) => [name, expand(config)]));
}

export interface Update {
	client: string;
	/** What `update --resources` was given, on standard input or in a file. */
	resources: Record<string, Record<string, unknown>>;
}

export function updates(): Update[] {
	return read("updates") as Update[];
}
