/** linux.cgroupsPath: where the container's cgroup is. */
import { RuntimeError } from "../errors.js";

/**
 * The cgroup's path below the mount point of a hierarchy, with a leading slash. A relative path is taken from there
 * as well: relative to the engine's own cgroup, it would change with whoever calls.
 */
export function cgroupPath(id: string, cgroupsPath: string | undefined): string {
	const given = cgroupsPath || id;
	// The usual forms: an id, or the absolute path that an engine has composed.
	if (!given.includes("/") && !given.startsWith(".")) return `/${given}`;
	if (given.startsWith("/") && !given.endsWith("/") && !given.includes("//") && !given.includes("/.")) return given;
	const parts = given.split("/").filter((part) => part !== "" && part !== ".");
	if (parts.includes("..")) {
		throw new RuntimeError(
			"config.invalid",
			`bad cgroup path ${JSON.stringify(cgroupsPath)}: it must not contain ".."`,
			{
				pointer: "/linux/cgroupsPath",
			},
		);
	}
	if (parts.length === 0) {
		// The root cgroup: limits on it would hold for the whole host, and delete would kill everything in it.
		throw new RuntimeError(
			"config.invalid",
			`bad cgroup path ${JSON.stringify(cgroupsPath)}: it is the root of the hierarchy`,
			{
				pointer: "/linux/cgroupsPath",
			},
		);
	}
	return `/${parts.join("/")}`;
}
