/** The file system of FakeNative: absolute paths to entries, no permissions, symlinks only as far as realPath. */
import type { FileStat, FileType } from "./api.js";
import { nativeFailure } from "./fake.js";

interface Entry {
	type: FileType;
	mode: number;
	text: string;
}

export class FakeFiles {
	private readonly entries = new Map<string, Entry>([["/", { type: "directory", mode: 0o755, text: "" }]]);

	constructor(readonly cwd: string) {
		this.putDirectory(cwd);
	}

	/** The tests' own way in: makes the parents too. */
	put(path: string, text: string, type: FileType = "file", mode = 0o644): void {
		const absolute = this.absolute(path);
		this.putDirectory(parent(absolute));
		this.entries.set(absolute, { type, mode, text });
	}
	putDirectory(path: string): void {
		const absolute = this.absolute(path);
		if (this.entries.has(absolute)) return;
		this.putDirectory(parent(absolute));
		this.entries.set(absolute, { type: "directory", mode: 0o755, text: "" });
	}
	has(path: string): boolean {
		return this.entries.has(this.absolute(path));
	}
	/** Every path but the root, sorted: what a test compares to see that nothing is left. */
	paths(): string[] {
		return [...this.entries.keys()].filter((path) => path !== "/").sort();
	}

	read(path: string): string {
		const entry = this.entries.get(this.absolute(path));
		if (!entry) throw nativeFailure("open", "ENOENT", path);
		if (entry.type === "directory") throw nativeFailure("read", "EISDIR", path);
		return entry.text;
	}
	write(syscall: string, path: string, text: string, mode: number, type: FileType = "file"): void {
		this.checkParent(syscall, path);
		const absolute = this.absolute(path);
		if (this.entries.get(absolute)?.type === "directory") throw nativeFailure(syscall, "EISDIR", path);
		this.entries.set(absolute, { type, mode, text });
	}
	append(path: string, text: string, mode: number): void {
		const before = this.entries.get(this.absolute(path));
		this.write("open", path, (before?.text ?? "") + text, before?.mode ?? mode);
	}
	makeDirectory({
		path,
		mode,
		parents,
		existOk,
	}: {
		path: string;
		mode: number;
		parents?: boolean;
		existOk?: boolean;
	}) {
		const absolute = this.absolute(path);
		const entry = this.entries.get(absolute);
		if (entry) {
			if (existOk && entry.type === "directory") return false;
			throw nativeFailure("mkdir", "EEXIST", path);
		}
		if (parents && !this.entries.has(parent(absolute))) {
			this.makeDirectory({ path: parent(absolute), mode, parents, existOk: true });
		}
		this.checkParent("mkdir", path);
		this.entries.set(absolute, { type: "directory", mode, text: "" });
		return true;
	}
	removeFile({ path, missingOk }: { path: string; missingOk?: boolean }): void {
		const entry = this.entries.get(this.absolute(path));
		if (!entry && missingOk) return;
		if (!entry) throw nativeFailure("unlink", "ENOENT", path);
		if (entry.type === "directory") throw nativeFailure("unlink", "EISDIR", path);
		this.entries.delete(this.absolute(path));
	}
	removeDirectory({ path, missingOk }: { path: string; missingOk?: boolean }): void {
		const entry = this.entries.get(this.absolute(path));
		if (!entry && missingOk) return;
		if (!entry) throw nativeFailure("rmdir", "ENOENT", path);
		if (entry.type !== "directory") throw nativeFailure("rmdir", "ENOTDIR", path);
		if (this.list(path).length > 0) throw nativeFailure("rmdir", "ENOTEMPTY", path);
		this.entries.delete(this.absolute(path));
	}
	removeTree(path: string): void {
		const absolute = this.absolute(path);
		for (const other of [...this.entries.keys()]) {
			if (other === absolute || other.startsWith(`${absolute}/`)) this.entries.delete(other);
		}
	}
	list(path: string): { name: string; type: FileType }[] {
		const absolute = this.absolute(path);
		const entry = this.entries.get(absolute);
		if (!entry) throw nativeFailure("open", "ENOENT", path);
		if (entry.type !== "directory") throw nativeFailure("open", "ENOTDIR", path);
		const found: { name: string; type: FileType }[] = [];
		for (const [other, { type }] of this.entries) {
			if (other !== "/" && parent(other) === absolute)
				found.push({ name: other.slice(other.lastIndexOf("/") + 1), type });
		}
		return found.sort((a, b) => (a.name < b.name ? -1 : 1));
	}
	stat(path: string): FileStat | undefined {
		const entry = this.entries.get(this.absolute(path));
		if (!entry) return undefined;
		const ids = { uid: 0, gid: 0, device: 0, deviceNumber: 0 };
		return { type: entry.type, mode: entry.mode, ...ids, size: entry.text.length, mtimeMs: 0 };
	}
	realPath(path: string): string {
		if (!this.has(path)) throw nativeFailure("realpath", "ENOENT", path);
		return this.absolute(path);
	}

	private checkParent(syscall: string, path: string): void {
		const above = this.entries.get(parent(this.absolute(path)));
		if (!above) throw nativeFailure(syscall, "ENOENT", path);
		if (above.type !== "directory") throw nativeFailure(syscall, "ENOTDIR", path);
	}
	private absolute(path: string): string {
		const parts: string[] = [];
		for (const part of (path.startsWith("/") ? path : `${this.cwd}/${path}`).split("/")) {
			if (part === "..") parts.pop();
			else if (part !== "" && part !== ".") parts.push(part);
		}
		return `/${parts.join("/")}`;
	}
}

function parent(path: string): string {
	return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
