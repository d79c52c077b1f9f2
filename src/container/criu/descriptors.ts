/**
 * Standard streams of a container over a checkpoint. What they are when it is taken is written to `descriptors.json`
 * beside the images, as runc does; restore has criu put its own streams in their place.
 */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { failedWith } from "../errno.js";
import type { MountLine } from "./mount-table.js";

export interface Streams {
	/** For descriptors.json: for 0, 1, 2 what criu calls it. */
	names: string[];
	/** Those that criu must be told are not the container's. */
	externals: string[];
}

/** Devices that criu takes for terminals, as they are called on the host. */
const terminal = /^\/dev\/(pts\/\d+|tty\w*|console|hvc\d+)$/;

/** Of the container's first process. A terminal of the host is its caller's, which takes `shellJob`. */
export function readStreams(native: Native, pid: number, container: MountLine[], shellJob: boolean): Streams {
	const own = new Set(container.map(({ id }) => id));
	const names: string[] = [];
	const externals: string[] = [];
	for (const fd of [0, 1, 2]) {
		const link = linkOf(native, pid, fd);
		const file = link.startsWith("/") ? fileOf(native, pid, fd) : undefined;
		if (file === undefined || own.has(file.mount)) {
			names.push(link);
			continue;
		}
		if (terminal.test(link)) {
			if (!shellJob) throw onTerminal(link);
			const name = terminalName(native, `/proc/${pid}/fd/${fd}`);
			names.push(name);
			if (!externals.includes(name)) externals.push(name);
			continue;
		}
		// A file that the container's mounts do not show, such as the host's /dev/null or a log: criu cannot open it again.
		const name = `file[${file.mount.toString(16)}:${file.inode.toString(16)}]`;
		names.push(name);
		if (!externals.includes(name)) externals.push(name);
	}
	return { names, externals };
}

function onTerminal(link: string): RuntimeError {
	return new RuntimeError("criu", `the container has a terminal of the host as a standard stream (${link})`, {
		path: link,
		hint: "--shell-job leaves it out, and `restore --shell-job` puts the caller's own terminal in its place",
	});
}

/** criu's name of a terminal that it is not to save, in hexadecimal: st_rdev and st_dev. */
function terminalName(native: Native, path: string): string {
	const found = native.stat({ path });
	return `tty[${(found?.deviceNumber ?? 0).toString(16)}:${(found?.device ?? 0).toString(16)}]`;
}

function linkOf(native: Native, pid: number, fd: number): string {
	try {
		return native.readLink({ path: `/proc/${pid}/fd/${fd}` });
	} catch (error) {
		// Closed.
		if (failedWith(error, "ENOENT")) return "";
		throw error;
	}
}

/** `ino` is there since Linux 5.14. */
function fileOf(native: Native, pid: number, fd: number): { mount: number; inode: number } | undefined {
	const text = native.readText({ path: `/proc/${pid}/fdinfo/${fd}`, lossy: true });
	const mount = /^mnt_id:\s*(\d+)$/m.exec(text)?.[1];
	const inode = /^ino:\s*(\d+)$/m.exec(text)?.[1];
	return mount === undefined || inode === undefined ? undefined : { mount: Number(mount), inode: Number(inode) };
}

export function writeStreams(native: Native, images: string, { names }: Streams): void {
	native.replaceFile({ path: `${images}/descriptors.json`, text: JSON.stringify(names), mode: 0o600 });
}

/** What of the saved streams is replaced by descriptors 0, 1 and 2 of criu; a terminal by the first that is one. */
export function inheritedStreams(native: Native, images: string, shellJob: boolean): { key: string; fd: number }[] {
	const path = `${images}/descriptors.json`;
	const names = parse(readOrExplain(native, path), path);
	const inherited: { key: string; fd: number }[] = [];
	names.forEach((key, fd) => {
		const known = inherited.some((other) => other.key === key);
		if (known) return;
		if (key.startsWith("pipe:") || key.startsWith("file[")) inherited.push({ key, fd });
		if (key.startsWith("tty[")) inherited.push({ key, fd: ownTerminal(native, shellJob) });
	});
	return inherited;
}

function ownTerminal(native: Native, shellJob: boolean): number {
	if (!shellJob) {
		throw new RuntimeError("criu", "the container was saved on its caller's terminal", {
			hint: "--shell-job puts the terminal of this command in its place",
		});
	}
	for (const fd of [0, 1, 2]) if (terminal.test(native.readLink({ path: `/proc/self/fd/${fd}` }))) return fd;
	throw new RuntimeError("criu", "--shell-job: none of the standard streams is a terminal");
}

function readOrExplain(native: Native, path: string): string {
	try {
		return native.readText({ path });
	} catch (error) {
		if (!failedWith(error, "ENOENT", "ENOTDIR", "EACCES")) throw error;
		const reason = error.code === "ENOENT" ? "no such file or directory" : error.code;
		throw new RuntimeError("io", `open ${path}: ${reason}`, {
			path,
			errno: error.code,
			hint: "--image-path names a directory that `checkpoint` has filled",
		});
	}
}

function parse(text: string, path: string): string[] {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		value = undefined;
	}
	if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
	throw new RuntimeError("io", `${path} is not a list of descriptors`, { path });
}
