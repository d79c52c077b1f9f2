/** Reads one mount's options; where two contradict each other the later one counts, as for mount(8). */
import { isIdMapOption } from "../bundle/idmap-option.js";
import { append } from "./append.js";
import { mountOption } from "./mount-options.js";
import type { AttributeChange, InitStepOf, MountAttribute, Propagation } from "./schema.js";

type FilesystemOption = InitStepOf<"mount.filesystem">["options"][number];

export interface MountFlags {
	/** Undefined: not a bind mount; `tree` with the mounts below the source. */
	bind?: { tree: boolean };
	remount: boolean;
	copyUp: boolean;
	/** Index of `tmpcopyup`, for the pointer of an error. */
	copyUpAt?: number;
	attributes: AttributeChanges;
	recursive: AttributeChanges;
	/** Flags that the superblock is to have. */
	superblock: string[];
	propagation: Propagation[];
	/** `idmap` or `ridmap`, and the word itself, which may hold a mapping. */
	idmap?: { recursive: boolean; option: string };
	/** For the filesystem itself. */
	options: FilesystemOption[];
}

/** A change of attributes while it is being collected. */
export class AttributeChanges {
	set: MountAttribute[] = [];
	clear: MountAttribute[] = [];
	atime: AttributeChange["atime"];

	change(attribute: MountAttribute, on: boolean): void {
		this.drop(attribute);
		(on ? this.set : this.clear).push(attribute);
	}

	drop(attribute: MountAttribute): void {
		if (this.set.includes(attribute)) this.set = this.set.filter((other) => other !== attribute);
		if (this.clear.includes(attribute)) this.clear = this.clear.filter((other) => other !== attribute);
	}

	changeAtime(atime: NonNullable<AttributeChange["atime"]>, on: boolean): void {
		if (on) this.atime = atime;
		else if (atime === "relatime") {
			// "norelatime" only takes "relatime" back; what remains is what the kernel does by itself (since 2.6.30, relatime).
			if (this.atime === "relatime") this.atime = undefined;
		} else if (this.atime === undefined || this.atime === atime) this.atime = "relatime";
	}

	get readonly(): boolean | undefined {
		return this.set.includes("rdonly") || (this.clear.includes("rdonly") ? false : undefined);
	}

	/** For a mount that exists before, such as the source of a bind. */
	toChange(): AttributeChange | undefined {
		if (this.clear.length === 0) return this.toNew();
		return { ...this.toNew(), clear: this.clear };
	}

	/** For a mount that is made now: it has no attribute that could be cleared. */
	toNew(): AttributeChange | undefined {
		const { set, atime } = this;
		if (set.length === 0) return atime === undefined ? undefined : { atime };
		return atime === undefined ? { set } : { set, atime };
	}
}

export function readMountFlags(words: readonly string[], type: string | undefined): MountFlags {
	const flags: MountFlags = {
		remount: false,
		copyUp: false,
		attributes: new AttributeChanges(),
		recursive: new AttributeChanges(),
		superblock: [],
		propagation: [],
		options: [],
	};
	if (type === "bind") flags.bind = { tree: false };
	for (let index = 0; index < words.length; index++) {
		const word = words[index] as string;
		const option = mountOption(word);
		switch (option?.sets) {
			case undefined:
				if (isIdMapOption(word)) flags.idmap = { recursive: word.startsWith("r"), option: word };
				else if (word.includes(",")) append(flags.options, filesystemOptions(word));
				else flags.options.push(keyAndValue(word));
				break;
			case "attribute":
				(option.recursive ? flags.recursive : flags.attributes).change(option.attribute, option.on);
				break;
			case "atime":
				(option.recursive ? flags.recursive : flags.attributes).changeAtime(option.atime, option.on);
				break;
			case "superblock":
				flags.superblock = withFlag(flags.superblock, option.flag, option.on);
				break;
			case "propagation":
				flags.propagation.push(option.propagation);
				break;
			case "bind":
				flags.bind = { tree: option.tree || flags.bind?.tree === true };
				break;
			case "remount":
				flags.remount = true;
				break;
			case "copyUp":
				flags.copyUp = true;
				flags.copyUpAt = index;
				break;
			case "idmap":
				flags.idmap = { recursive: option.recursive, option: word };
				break;
			case "nothing":
				break;
		}
	}
	return flags;
}

function withFlag(flags: string[], flag: string, on: boolean): string[] {
	const others = flags.filter((other) => other !== flag);
	return on ? [...others, flag] : others;
}

/**
 * `key=value` or a flag. mount(2) took all of them in one comma-separated string, so a comma separates here as
 * well, except where a backslash says that it is part of a value (overlay's lowerdir).
 */
function filesystemOptions(word: string): FilesystemOption[] {
	return word
		.split(/(?<!\\),/)
		.filter((part) => part !== "")
		.map(keyAndValue);
}

function keyAndValue(word: string): FilesystemOption {
	const equals = word.indexOf("=");
	return equals < 0 ? word : [word.slice(0, equals), word.slice(equals + 1)];
}
