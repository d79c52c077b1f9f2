/** linux.maskedPaths and linux.readonlyPaths, and how a path of the container is written. */
import type { Context } from "./context.js";
import type { InitStep } from "./schema.js";

/** Absolute and without `.`, `..` and doubled slashes, read from the container's root (`..` of the root is the root). */
export function cleanPath(path: string): string {
	if (isClean(path)) return path;
	const parts: string[] = [];
	for (const part of path.split("/")) {
		if (part === "..") parts.pop();
		else if (part !== "" && part !== ".") parts.push(part);
	}
	return `/${parts.join("/")}`;
}

/** Almost every path is, and finding out is cheaper than taking it apart. A name that begins with a dot only costs time. */
function isClean(path: string): boolean {
	if (!path.startsWith("/") || path.includes("//") || path.includes("/.")) return false;
	return path === "/" || !path.endsWith("/");
}

/** In runc's order, read-only first: a path in both lists ends up masked. */
export function protectPaths({ linux }: Context, init: InitStep[]): void {
	const { readonlyPaths = [], maskedPaths = [] } = linux;
	for (let index = 0; index < readonlyPaths.length; index++) {
		const path = cleanPath(readonlyPaths[index] as string);
		init.push({ op: "path.readonly", at: `/linux/readonlyPaths/${index}`, path });
	}
	for (let index = 0; index < maskedPaths.length; index++) {
		const path = cleanPath(maskedPaths[index] as string);
		init.push({ op: "path.mask", at: `/linux/maskedPaths/${index}`, path });
	}
}
