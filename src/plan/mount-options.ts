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

function attribute(attribute: MountAttribute, on: boolean): MountOption {
	return { sets: "attribute", attribute, on, recursive: false };
}

function atime(atime: Atime, on: boolean): MountOption {
	return { sets: "atime", atime, on, recursive: false };
}

function superblock(flag: "sync" | "dirsync" | "lazytime" | "mand", on: boolean): MountOption {
	return { sets: "superblock", flag, on };
}

function propagation(propagation: Propagation): MountOption {
	return { sets: "propagation", propagation };
}

const nothing: MountOption = { sets: "nothing" };

/** Written out, because making it from smaller tables costs a tenth of a container's start. */
const table: Readonly<Record<string, MountOption>> = {
	ro: attribute("rdonly", true),
	rw: attribute("rdonly", false),
	nosuid: attribute("nosuid", true),
	suid: attribute("nosuid", false),
	nodev: attribute("nodev", true),
	dev: attribute("nodev", false),
	noexec: attribute("noexec", true),
	exec: attribute("noexec", false),
	nodiratime: attribute("nodiratime", true),
	diratime: attribute("nodiratime", false),
	nosymfollow: attribute("nosymfollow", true),
	symfollow: attribute("nosymfollow", false),
	noatime: atime("noatime", true),
	atime: atime("noatime", false),
	relatime: atime("relatime", true),
	norelatime: atime("relatime", false),
	strictatime: atime("strictatime", true),
	nostrictatime: atime("strictatime", false),
	sync: superblock("sync", true),
	async: superblock("sync", false),
	dirsync: superblock("dirsync", true),
	lazytime: superblock("lazytime", true),
	nolazytime: superblock("lazytime", false),
	mand: superblock("mand", true),
	nomand: superblock("mand", false),
	private: propagation("private"),
	rprivate: propagation("rprivate"),
	shared: propagation("shared"),
	rshared: propagation("rshared"),
	slave: propagation("slave"),
	rslave: propagation("rslave"),
	unbindable: propagation("unbindable"),
	runbindable: propagation("runbindable"),
	bind: { sets: "bind", tree: false },
	rbind: { sets: "bind", tree: true },
	remount: { sets: "remount" },
	tmpcopyup: { sets: "copyUp" },
	idmap: { sets: "idmap", recursive: false },
	ridmap: { sets: "idmap", recursive: true },
	defaults: nothing,
	// Whether the kernel logs what it finds wrong with a superblock.
	silent: nothing,
	loud: nothing,
	// A flag of mount(2) that fsconfig(2) does not have; filesystems with inode versions (ext4, xfs, btrfs) keep them anyway.
	iversion: nothing,
	noiversion: nothing,
};

/** What the word sets; undefined for an option of the filesystem. */
export function mountOption(word: string): MountOption | undefined {
	const option = Object.hasOwn(table, word) ? table[word] : undefined;
	if (option !== undefined || !word.startsWith("r")) return option;
	// The r* options (mount_setattr(2) with AT_RECURSIVE) are the same words with an `r` in front.
	const plain = word.slice(1);
	const base = Object.hasOwn(table, plain) ? table[plain] : undefined;
	return base?.sets === "attribute" || base?.sets === "atime" ? { ...base, recursive: true } : undefined;
}

/** Every word that mountOption knows. */
export function mountOptionNames(): string[] {
	const names = Object.keys(table);
	return [...new Set([...names, ...names.map((name) => `r${name}`).filter((name) => mountOption(name))])];
}
