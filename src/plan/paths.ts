/** linux.maskedPaths and linux.readonlyPaths, and how a path of the container is written. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

/** Absolute and without `.`, `..` and doubled slashes, read from the container's root (`..` of the root is the root). */
export function cleanPath(path: string): string {
	const parts: string[] = [];
	for (const part of path.split("/")) {
		if (part === "..") parts.pop();
		else if (part !== "" && part !== ".") parts.push(part);
	}
	return `/${parts.join("/")}`;
}

/** Joins in runc's order, read-only first: a path in both lists ends up masked. */
export function protectPaths({ linux }: Context): InitStep[] {
	const readonly = (linux.readonlyPaths ?? []).map(
		(path, index): InitStep => ({ op: "path.readonly", at: `/linux/readonlyPaths/${index}`, path: cleanPath(path) }),
	);
	const masked = (linux.maskedPaths ?? []).map(
		(path, index): InitStep => ({ op: "path.mask", at: `/linux/maskedPaths/${index}`, path: cleanPath(path) }),
	);
	return [...readonly, ...masked];
}
