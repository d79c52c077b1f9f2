/**
 * The mount options of the runtime specification (config.md, "Linux mount options"), as data. What is not
 * here belongs to the filesystem.
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

const names = [
	"ro",
	"rw",
	"nosuid",
	"suid",
	"nodev",
	"dev",
	"noexec",
	"exec",
	"nodiratime",
	"diratime",
	"nosymfollow",
	"symfollow",
	"noatime",
	"atime",
	"relatime",
	"norelatime",
	"strictatime",
	"nostrictatime",
	"sync",
	"async",
	"dirsync",
	"lazytime",
	"nolazytime",
	"mand",
	"nomand",
	"private",
	"rprivate",
	"shared",
	"rshared",
	"slave",
	"rslave",
	"unbindable",
	"runbindable",
	"bind",
	"rbind",
	"remount",
	"tmpcopyup",
	"idmap",
	"ridmap",
	"defaults",
	"silent",
	"loud",
	"iversion",
	"noiversion",
] as const;

/** A switch, because a table of so many objects takes a twentieth of what the program executes to start a container. */
function plainOption(word: string): MountOption | undefined {
	const name = word as (typeof names)[number];
	switch (name) {
		case "ro":
			return attribute("rdonly", true);
		case "rw":
			return attribute("rdonly", false);
		case "nosuid":
			return attribute("nosuid", true);
		case "suid":
			return attribute("nosuid", false);
		case "nodev":
			return attribute("nodev", true);
		case "dev":
			return attribute("nodev", false);
		case "noexec":
			return attribute("noexec", true);
		case "exec":
			return attribute("noexec", false);
		case "nodiratime":
			return attribute("nodiratime", true);
		case "diratime":
			return attribute("nodiratime", false);
		case "nosymfollow":
			return attribute("nosymfollow", true);
		case "symfollow":
			return attribute("nosymfollow", false);
		case "noatime":
			return atime("noatime", true);
		case "atime":
			return atime("noatime", false);
		case "relatime":
			return atime("relatime", true);
		case "norelatime":
			return atime("relatime", false);
		case "strictatime":
			return atime("strictatime", true);
		case "nostrictatime":
			return atime("strictatime", false);
		case "sync":
			return superblock("sync", true);
		case "async":
			return superblock("sync", false);
		case "dirsync":
			return superblock("dirsync", true);
		case "lazytime":
			return superblock("lazytime", true);
		case "nolazytime":
			return superblock("lazytime", false);
		case "mand":
			return superblock("mand", true);
		case "nomand":
			return superblock("mand", false);
		case "private":
		case "rprivate":
		case "shared":
		case "rshared":
		case "slave":
		case "rslave":
		case "unbindable":
		case "runbindable":
			return { sets: "propagation", propagation: name };
		case "bind":
			return { sets: "bind", tree: false };
		case "rbind":
			return { sets: "bind", tree: true };
		case "remount":
			return { sets: "remount" };
		case "tmpcopyup":
			return { sets: "copyUp" };
		case "idmap":
			return { sets: "idmap", recursive: false };
		case "ridmap":
			return { sets: "idmap", recursive: true };
		case "defaults":
		// Whether the kernel logs what it finds wrong with a superblock.
		case "silent":
		case "loud":
		// A flag of mount(2) that fsconfig(2) does not have; filesystems with inode versions (ext4, xfs, btrfs) keep them anyway.
		case "iversion":
		case "noiversion":
			return { sets: "nothing" };
		default: {
			// The compiler's proof that each name has its case.
			const _none: never = name;
			return undefined;
		}
	}
}

/** What the word sets; undefined for an option of the filesystem. */
export function mountOption(word: string): MountOption | undefined {
	const option = plainOption(word);
	if (option !== undefined || !word.startsWith("r")) return option;
	// The r* options (mount_setattr(2) with AT_RECURSIVE) are the same words with an `r` in front.
	const base = plainOption(word.slice(1));
	return base?.sets === "attribute" || base?.sets === "atime" ? { ...base, recursive: true } : undefined;
}

/** Every word that mountOption knows. */
export function mountOptionNames(): string[] {
	return [...new Set([...names, ...names.map((name) => `r${name}`).filter((name) => mountOption(name))])];
}
