/** A line of /proc/PID/mountinfo (proc(5)). */
export interface MountInfo {
	/** Root of the mount within its filesystem. */
	root: string;
	point: string;
	/** Per-mount options. */
	options: string[];
	/** Optional fields, the propagation: `shared:N`, `master:N`, `unbindable`; none means private. */
	propagation: string[];
	type: string;
	source: string;
	/** Per-superblock options. */
	superblock: string[];
}

export function parseMountinfo(text: string): MountInfo[] {
	return text
		.split("\n")
		.filter((line) => line.includes(" - "))
		.map((line) => {
			const words = line.split(" ");
			const dash = words.indexOf("-");
			const word = (index: number) => (words[index] ?? "").replaceAll("\\040", " ");
			return {
				root: word(3),
				point: word(4),
				options: word(5).split(","),
				propagation: words.slice(6, dash),
				type: word(dash + 1),
				source: word(dash + 2),
				superblock: word(dash + 3).split(","),
			};
		});
}

/** The topmost mount on a mount point; an error names what there is. */
export function mountOn(text: string, point: string): MountInfo {
	const found = parseMountinfo(text).findLast((mount) => mount.point === point);
	if (!found) throw new Error(`nothing is mounted on ${point}:\n${text}`);
	return found;
}

/** Propagation in the configuration's words. */
export function propagationOf(mount: MountInfo): string {
	const kinds = mount.propagation.map((field) => field.replace(/:.*/, ""));
	if (kinds.includes("unbindable")) return "unbindable";
	if (kinds.includes("shared")) return kinds.includes("master") ? "slave and shared" : "shared";
	return kinds.includes("master") ? "slave" : "private";
}
