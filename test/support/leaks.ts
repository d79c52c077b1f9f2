/** What containers of one test file left on this machine. Everything they make carries the file's token in its name. */
import { readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type MountInfo, parseMountinfo } from "./mountinfo.js";

function read(path: string): string {
	try {
		return readFileSync(path, "latin1");
	} catch {
		return "";
	}
}

function link(path: string): string {
	try {
		return readlinkSync(path);
	} catch {
		return "";
	}
}

export function hostMounts(): MountInfo[] {
	return parseMountinfo(read("/proc/self/mountinfo"));
}

/**
 * Processes of a container: in a cgroup of ours, or with a mount table of their own that shows our rootfs. Command
 * lines are no criterion, the test runner's have the token too.
 */
export function processes(token: string): number[] {
	const hostNamespace = link("/proc/self/ns/mnt");
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.filter((pid) => {
			if (read(`/proc/${pid}/cgroup`).includes(token)) return true;
			const namespace = link(`/proc/${pid}/ns/mnt`);
			return namespace !== "" && namespace !== hostNamespace && read(`/proc/${pid}/mountinfo`).includes(token);
		})
		.map(Number)
		.filter((pid) => !/^State:\tZ/m.test(read(`/proc/${pid}/status`)));
}

/** Cgroup directories with the token in their path, deepest first. */
export function cgroups(token: string): string[] {
	const found: string[] = [];
	const walk = (directory: string, ours: boolean): void => {
		let names: string[];
		try {
			names = readdirSync(directory, { withFileTypes: true })
				.filter((entry) => entry.isDirectory())
				.map((entry) => entry.name);
		} catch {
			return; // removed meanwhile, by a test file that runs beside this one
		}
		for (const name of names) {
			const path = join(directory, name);
			const own = ours || name.includes(token);
			walk(path, own);
			if (own) found.push(path);
		}
	};
	for (const mount of hostMounts()) if (mount.type.startsWith("cgroup")) walk(mount.point, false);
	return found;
}

export function mounts(token: string): string[] {
	return hostMounts()
		.map((mount) => mount.point)
		.filter((point) => point.includes(token))
		.reverse();
}

function sockets(token: string): string[] {
	return read("/proc/net/unix")
		.split("\n")
		.filter((line) => line.includes(token));
}

/** One line for each thing that is left. */
export function findLeaks(token: string, root: string): string[] {
	return [
		...processes(token).map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`),
		...mounts(token).map((point) => `mount ${point}`),
		...cgroups(token).map((path) => `cgroup ${path}`),
		...sockets(token).map((line) => `socket ${line}`),
		// Caches have an @ in front, which no id can have; they are there to stay.
		...readdirSync(root)
			.filter((name) => !name.startsWith("@"))
			.map((name) => `state ${join(root, name)}`),
	];
}

export function removeCgroups(token: string): void {
	for (const path of cgroups(token)) {
		try {
			rmdirSync(path);
		} catch {
			// Busy: the leak is reported by the test that looks for it.
		}
	}
}
