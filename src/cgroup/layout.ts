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
const superblockOptions: ReadonlySet<string> = new Set([
	"rw",
	"ro",
	"xattr",
	"noprefix",
	"clone_children",
	"cpuset_v2_mode",
	"favordynmods",
	"nofavordynmods",
]);

/** mountinfo writes space, tab, newline and backslash in octal (proc_pid_mountinfo(5)). */
function unescapePath(text: string): string {
	return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Reads the hierarchies out of /proc/self/mountinfo. */
export function readLayout(mountinfo: string): CgroupLayout {
	const v1 = new Map<string, CgroupMount>();
	let unified: string | undefined;
	for (const line of mountinfo.split("\n")) {
		// A cheap look first: the table of a busy host has thousands of lines.
		const dash = line.indexOf(" - cgroup");
		if (dash < 0) continue;
		const [, , , root = "/", mountPoint = ""] = line.split(" ", 5);
		const [type, , superblock = ""] = line.slice(dash + 3).split(" ");
		const path = unescapePath(mountPoint);
		if (type === "cgroup2") unified ??= path;
		else if (type === "cgroup") {
			// A release agent is a path, and the only other option with a value.
			const controllers = superblock
				.split(",")
				.filter((word) => !superblockOptions.has(word) && !word.startsWith("release_agent="));
			const key = controllers.join(",");
			// The first mount of a hierarchy counts, as in runc: engines bind parts of it elsewhere.
			if (!v1.has(key)) v1.set(key, { controllers, path, root: unescapePath(root) });
		}
	}
	const hierarchies = [...v1.values()];
	const controlled = hierarchies.some(({ controllers }) => controllers.some((name) => !name.startsWith("name=")));
	const mode = controlled
		? unified === undefined
			? "v1"
			: "hybrid"
		: unified !== undefined
			? "v2"
			: hierarchies.length > 0
				? "v1"
				: "none";
	return { mode, v1: hierarchies, ...(unified !== undefined ? { unified } : {}) };
}
