/** Paths of the command line, made absolute. */
import { cleanPath } from "../plan/paths.js";

/** path.resolve of one path. Without node:path, which costs a tenth of a container start to load in the standalone binary. */
export function absolute(path: string): string {
	return cleanPath(path.startsWith("/") ? path : `${process.cwd()}/${path}`);
}
