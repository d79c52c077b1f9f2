/** Which mounts of a container criu must not save, because they are the host's: as the two mount tables show them. */

export interface MountLine {
	id: number;
	/** major:minor of the superblock. */
	device: string;
	/** Root of the mount within its filesystem. */
	root: string;
	point: string;
	type: string;
}

/** Reads /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export function readMountTable(text: string): MountLine[] {
	const lines: MountLine[] = [];
	for (const line of text.split("\n")) {
		const [id, , device, root, point] = line.split(" ");
		const type = line.split(" - ")[1]?.split(" ")[0];
		if (type === undefined || device === undefined || root === undefined || point === undefined) continue;
		lines.push({ id: Number(id), device, root: unescapePath(root), point: unescapePath(point), type });
	}
	return lines;
}

function unescapePath(text: string): string {
	return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Filesystems that show the kernel, not a disk: criu mounts them anew, as long as they are there as a whole. */
const kernelTypes = ["proc", "sysfs", "mqueue", "devpts"];

/** The name of the host's /dev/null, which covers masked files, in the images: many mounts, one source. */
export const nullDevice = "/dev/null";

export interface ExternalMount {
	/** Mount point in the container. */
	point: string;
	/** In the images. */
	name: string;
}

/**
 * `container` and `host` are the tables of both; with `ownCgroups` the container has a cgroup namespace, and its cgroup
 * mounts are its own.
 */
export function externalMounts(container: MountLine[], host: MountLine[], ownCgroups: boolean): ExternalMount[] {
	const onHost = new Set(host.map(({ device }) => device));
	const whole = new Set(container.filter(({ root }) => root === "/").map(({ device }) => device));
	const rootfs = container.find(({ point }) => point === "/");
	const isExternal = ({ device, root, type }: MountLine): boolean => {
		// Without the namespace v1 is bound from the host, as a part of v2 is; all of v2 is a mount like the host's own.
		if (type === "cgroup") return !ownCgroups;
		if (type === "cgroup2") return !ownCgroups && root !== "/";
		if (kernelTypes.includes(type)) return !whole.has(device);
		// A part of the container's own root, bound onto itself or elsewhere.
		if (rootfs !== undefined && device === rootfs.device) return !isBelow(root, rootfs.root);
		return onHost.has(device);
	};
	return container
		.filter((mount) => mount.point !== "/" && isExternal(mount))
		.map(({ point, root, type }) => ({ point, name: type === "devtmpfs" && root === "/null" ? nullDevice : point }));
}

/** `path` is `directory`, or below it. */
export function isBelow(path: string, directory: string): boolean {
	return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}
