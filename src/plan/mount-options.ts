/**
 * The mount options of the runtime specification (config.md, "Linux mount options"), as data. What is not in the
 * table belongs to the filesystem.
 */
import type { AttributeChange, MountAttribute, Propagation } from "./schema.js";

type Atime = NonNullable<AttributeChange["atime"]>;

export type MountOption =
	| { sets: "attribute"; attribute: MountAttribute; on: boolean; recursive: boolean }
	| { sets: "atime"; atime: Atime; on: boolean; recursive: boolean }
	/** A flag of the superblock, shared by all mounts of one filesystem. */
	| { sets: "superblock"; flag: "sync" | "dirsync" | "lazytime" | "mand"; on: boolean }
	| { sets: "propagation"; propagation: Propagation }
	| { sets: "bind"; tree: boolean }
	| { sets: "remount" }
	| { sets: "copyUp" }
	| { sets: "idmap"; recursive: boolean }
	/** The kernel does it in any case, or nothing depends on it. */
	| { sets: "nothing" };

const attribute = (attribute: MountAttribute, on: boolean, recursive = false): MountOption => ({
	sets: "attribute",
	attribute,
	on,
	recursive,
});
const atime = (atime: Atime, on: boolean, recursive = false): MountOption => ({ sets: "atime", atime, on, recursive });
const superblock = (flag: "sync" | "dirsync" | "lazytime" | "mand", on: boolean): MountOption => ({
	sets: "superblock",
	flag,
	on,
});
const propagation = (propagation: Propagation): MountOption => ({ sets: "propagation", propagation });
const nothing: MountOption = { sets: "nothing" };

/** The r* options (mount_setattr(2) with AT_RECURSIVE) are the same words with an `r` in front. */
const attributes: Record<string, [MountAttribute, boolean]> = {
	ro: ["rdonly", true],
	rw: ["rdonly", false],
	nosuid: ["nosuid", true],
	suid: ["nosuid", false],
	nodev: ["nodev", true],
	dev: ["nodev", false],
	noexec: ["noexec", true],
	exec: ["noexec", false],
	nodiratime: ["nodiratime", true],
	diratime: ["nodiratime", false],
	nosymfollow: ["nosymfollow", true],
	symfollow: ["nosymfollow", false],
};
const atimes: Record<string, [Atime, boolean]> = {
	noatime: ["noatime", true],
	atime: ["noatime", false],
	relatime: ["relatime", true],
	norelatime: ["relatime", false],
	strictatime: ["strictatime", true],
	nostrictatime: ["strictatime", false],
};

export const mountOptions: ReadonlyMap<string, MountOption> = new Map<string, MountOption>([
	...Object.entries(attributes).map(([name, [word, on]]): [string, MountOption] => [name, attribute(word, on)]),
	...Object.entries(attributes).map(([name, [word, on]]): [string, MountOption] => [
		`r${name}`,
		attribute(word, on, true),
	]),
	...Object.entries(atimes).map(([name, [word, on]]): [string, MountOption] => [name, atime(word, on)]),
	...Object.entries(atimes).map(([name, [word, on]]): [string, MountOption] => [`r${name}`, atime(word, on, true)]),
	["sync", superblock("sync", true)],
	["async", superblock("sync", false)],
	["dirsync", superblock("dirsync", true)],
	["lazytime", superblock("lazytime", true)],
	["nolazytime", superblock("lazytime", false)],
	["mand", superblock("mand", true)],
	["nomand", superblock("mand", false)],
	["private", propagation("private")],
	["rprivate", propagation("rprivate")],
	["shared", propagation("shared")],
	["rshared", propagation("rshared")],
	["slave", propagation("slave")],
	["rslave", propagation("rslave")],
	["unbindable", propagation("unbindable")],
	["runbindable", propagation("runbindable")],
	["bind", { sets: "bind", tree: false }],
	["rbind", { sets: "bind", tree: true }],
	["remount", { sets: "remount" }],
	["tmpcopyup", { sets: "copyUp" }],
	["idmap", { sets: "idmap", recursive: false }],
	["ridmap", { sets: "idmap", recursive: true }],
	["defaults", nothing],
	// Whether the kernel logs what it finds wrong with a superblock.
	["silent", nothing],
	["loud", nothing],
	// A flag of mount(2) that fsconfig(2) does not have; filesystems with inode versions (ext4, xfs, btrfs) keep them anyway.
	["iversion", nothing],
	["noiversion", nothing],
]);
