/** One cgroup hierarchy mount. */
export interface CgroupMount {
	/** Controllers of a v1 hierarchy (`["cpu","cpuacct"]`), `["name=systemd"]` for a named one. */
	controllers: string[];
	/** Mount point. */
	path: string;
	/** Root of the mount inside the hierarchy (field 4 of mountinfo), `/` outside containers. */
	root: string;
}

/** The host's cgroup hierarchies as the mount table shows them. */
export interface CgroupLayout {
	/** v1: no v2 controllers in use; hybrid: v1 controllers beside a v2 mount; v2: unified only. */
	mode: "v1" | "v2" | "hybrid" | "none";
	v1: CgroupMount[];
	/** Mount point of the v2 hierarchy. */
	unified?: string;
}

/** What a v1 superblock shows beside its controllers. */
const superblockOptions = [
	"rw",
	"ro",
	"xattr",
	"noprefix",
	"clone_children",
	"cpuset_v2_mode",
	"favordynmods",
	"nofavordynmods",
];

const SEPARATOR = " - cgroup";

/** mountinfo writes space, tab, newline and backslash in octal (proc_pid_mountinfo(5)). */
function unescapePath(text: string): string {
	if (!text.includes("\\")) return text;
	return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/**
 * Reads the hierarchies out of /proc/self/mountinfo. Goes from match to match instead of line to line: this is on the way
 * of every create, and the table of a busy host has thousands of lines.
 */
export function readLayout(mountinfo: string): CgroupLayout {
	const v1: CgroupMount[] = [];
	const seen = new Set<string>();
	let unified: string | undefined;
	let controlled = false;
	for (let dash = mountinfo.indexOf(SEPARATOR); dash >= 0; dash = mountinfo.indexOf(SEPARATOR, dash + 1)) {
		const end = mountinfo.indexOf("\n", dash);
		const fields = mountinfo.slice(mountinfo.lastIndexOf("\n", dash) + 1, dash).split(" ", 5);
		const [type, , superblock = ""] = mountinfo.slice(dash + 3, end < 0 ? undefined : end).split(" ");
		const path = unescapePath(fields[4] ?? "");
		if (type === "cgroup2") unified ??= path;
		if (type !== "cgroup") continue;
		const controllers = controllersOf(superblock);
		const key = controllers.join(",");
		// The first mount of a hierarchy counts, as in runc: engines bind parts of it elsewhere.
		if (seen.has(key)) continue;
		seen.add(key);
		controlled ||= !key.startsWith("name=");
		v1.push({ controllers, path, root: unescapePath(fields[3] ?? "/") });
	}
	const mode = controlled
		? unified === undefined
			? "v1"
			: "hybrid"
		: unified !== undefined
			? "v2"
			: v1[0]
				? "v1"
				: "none";
	return { mode, v1, ...(unified !== undefined ? { unified } : {}) };
}

function controllersOf(superblock: string): string[] {
	// A release agent is a path, and with the name the only option that has a value.
	return superblock
		.split(",")
		.filter((word) => !superblockOptions.includes(word) && !word.startsWith("release_agent="));
}
