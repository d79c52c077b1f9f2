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
	const seen: string[] = [];
	let unified: string | undefined;
	let controlled = false;
	for (let dash = mountinfo.indexOf(SEPARATOR); dash >= 0; dash = mountinfo.indexOf(SEPARATOR, dash + 1)) {
		// id, parent and device come before the root and the mount point, optional fields after them.
		const start = mountinfo.lastIndexOf("\n", dash) + 1;
		const root = behind(mountinfo, start, 3);
		const path = behind(mountinfo, root, 1);
		// Type, source and superblock options.
		const type = dash + 3;
		const superblock = behind(mountinfo, type, 2);
		if (superblock === 0 || path === 0 || path > dash) continue;
		if (mountinfo.startsWith("cgroup2 ", type)) unified = better(unified, field(mountinfo, path));
		if (!mountinfo.startsWith("cgroup ", type)) continue;
		const controllers = controllersOf(mountinfo, superblock);
		const key = controllers.join(",");
		const before = seen.indexOf(key);
		if (before >= 0) {
			const known = v1[before] as CgroupMount;
			if (better(known.path, field(mountinfo, path)) !== known.path)
				v1[before] = { controllers, path: field(mountinfo, path), root: field(mountinfo, root) };
			continue;
		}
		seen.push(key);
		controlled ||= !key.startsWith("name=");
		v1.push({ controllers, path: field(mountinfo, path), root: field(mountinfo, root) });
	}
	const layout: CgroupLayout = { mode: "none", v1 };
	if (controlled) layout.mode = unified === undefined ? "v1" : "hybrid";
	else if (unified !== undefined) layout.mode = "v2";
	else if (v1.length > 0) layout.mode = "v1";
	if (unified !== undefined) layout.unified = unified;
	return layout;
}

/**
 * Of two mounts of a hierarchy, known first. One below /sys/fs/cgroup is the host's; elsewhere engines bind parts of it,
 * and a container's shared mounts, read-only and of another root, can even come first in the table. Among equals the
 * first counts, as in runc.
 */
function better(known: string | undefined, path: string): string {
	if (known === undefined) return path;
	return !known.startsWith("/sys/fs/cgroup") && path.startsWith("/sys/fs/cgroup") ? path : known;
}

/** Index behind `count` spaces from `index` on; 0 when the line is not as the kernel writes it. */
function behind(text: string, index: number, count: number): number {
	let next = index;
	for (let skipped = 0; skipped < count; skipped++) {
		const space = text.indexOf(" ", next);
		if (space < 0) return 0;
		next = space + 1;
	}
	return next;
}

function field(text: string, start: number): string {
	return unescapePath(text.slice(start, text.indexOf(" ", start)));
}

/** The words of the last field, up to the end of the line, that are no options of the superblock. */
function controllersOf(text: string, start: number): string[] {
	const newline = text.indexOf("\n", start);
	const end = newline < 0 ? text.length : newline;
	const controllers: string[] = [];
	for (let from = start; from < end; ) {
		const comma = text.indexOf(",", from);
		const to = comma < 0 || comma > end ? end : comma;
		const word = text.slice(from, to);
		// A release agent is a path, and with the name the only option that has a value.
		if (!superblockOptions.includes(word) && !word.startsWith("release_agent=")) controllers.push(word);
		from = to + 1;
	}
	return controllers;
}
