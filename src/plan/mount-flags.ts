/** Reads one mount's options; where two contradict each other the later one counts, as for mount(8). */
import { mountOptions } from "./mount-options.js";
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
	superblock: Map<string, boolean>;
	propagation: Propagation[];
	/** For the filesystem itself. */
	options: FilesystemOption[];
}

/** A change of attributes while it is being collected. */
export class AttributeChanges {
	readonly #attributes = new Map<MountAttribute, boolean>();
	atime: AttributeChange["atime"];

	change(attribute: MountAttribute, on: boolean): void {
		this.#attributes.set(attribute, on);
	}

	changeAtime(atime: NonNullable<AttributeChange["atime"]>, on: boolean): void {
		if (on) this.atime = atime;
		else if (atime === "relatime") {
			// "norelatime" only takes "relatime" back; what remains is what the kernel does by itself (since 2.6.30, relatime).
			if (this.atime === "relatime") this.atime = undefined;
		} else if (this.atime === undefined || this.atime === atime) this.atime = "relatime";
	}

	get readonly(): boolean | undefined {
		return this.#attributes.get("rdonly");
	}

	drop(attribute: MountAttribute): void {
		this.#attributes.delete(attribute);
	}

	/** For a mount that exists before, such as the source of a bind. */
	toChange(): AttributeChange | undefined {
		const set = this.#names(true);
		const clear = this.#names(false);
		if (set.length === 0 && clear.length === 0 && this.atime === undefined) return undefined;
		return {
			...(set.length > 0 ? { set } : {}),
			...(clear.length > 0 ? { clear } : {}),
			...(this.atime !== undefined ? { atime: this.atime } : {}),
		};
	}

	/** For a mount that is made now: it has no attribute that could be cleared. */
	toNew(): AttributeChange | undefined {
		const { clear: _nothingToClear, ...change } = this.toChange() ?? {};
		return Object.keys(change).length === 0 ? undefined : change;
	}

	#names(on: boolean): MountAttribute[] {
		return [...this.#attributes].filter(([, value]) => value === on).map(([name]) => name);
	}
}

export function readMountFlags(words: readonly string[], type: string | undefined): MountFlags {
	const flags: MountFlags = {
		remount: false,
		copyUp: false,
		attributes: new AttributeChanges(),
		recursive: new AttributeChanges(),
		superblock: new Map(),
		propagation: [],
		options: [],
	};
	if (type === "bind") flags.bind = { tree: false };
	for (const [index, word] of words.entries()) {
		const option = mountOptions.get(word);
		switch (option?.sets) {
			case undefined:
				flags.options.push(...filesystemOptions(word));
				break;
			case "attribute":
				(option.recursive ? flags.recursive : flags.attributes).change(option.attribute, option.on);
				break;
			case "atime":
				(option.recursive ? flags.recursive : flags.attributes).changeAtime(option.atime, option.on);
				break;
			case "superblock":
				flags.superblock.set(option.flag, option.on);
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
			// The bundle has refused id-mapped mounts.
			case "idmap":
			case "nothing":
				break;
		}
	}
	return flags;
}

/**
 * `key=value` or a flag. mount(2) took all of them in one comma-separated string, so a comma separates here as
 * well, except where a backslash says that it is part of a value (overlay's lowerdir).
 */
function filesystemOptions(word: string): FilesystemOption[] {
	return word
		.split(/(?<!\\),/)
		.filter((part) => part !== "")
		.map((part) => {
			const equals = part.indexOf("=");
			return equals < 0 ? part : [part.slice(0, equals), part.slice(equals + 1)];
		});
}
