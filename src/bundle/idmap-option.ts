/**
 * crun's form of the idmap option, which Podman's users write: `idmap=uids=0-1-10#10-11-10;gids=0-100-10`. Each range is
 * first id in the filesystem, first id on the host, how many. After an `@` the second is an id of the container, and what
 * it is on the host follows from the mappings of the container's user namespace (crun(1), "idmap mount options").
 */
import type { IdMapping } from "./spec.js";

export interface IdMapOption {
	uids: IdMapping[];
	gids: IdMapping[];
}

/** Mappings of the container's user namespace. */
export interface ContainerMappings {
	uidMappings?: IdMapping[];
	gidMappings?: IdMapping[];
}

/** True for `idmap` and `ridmap`, with or without mappings. */
export function isIdMapOption(option: string): boolean {
	const rest = option.startsWith("ridmap") ? option.slice(6) : option.startsWith("idmap") ? option.slice(5) : undefined;
	return rest === "" || rest?.startsWith("=") === true;
}

/** Undefined when the option names no mapping. Throws an Error with a reason for the user when it can't be read. */
export function readIdMapOption(option: string, container: ContainerMappings = {}): IdMapOption | undefined {
	const equals = option.indexOf("=");
	const text = equals < 0 ? "" : option.slice(equals + 1);
	if (text === "") return undefined;
	const found: Partial<IdMapOption> = {};
	for (const part of text.split(";")) {
		const name = part.slice(0, 5);
		if (name === "uids=") found.uids = readRanges(part.slice(5), container.uidMappings);
		else if (name === "gids=") found.gids = readRanges(part.slice(5), container.gidMappings);
		else throw new Error(`expected uids= or gids=; found ${JSON.stringify(part)}`);
	}
	const { uids, gids } = found;
	if (uids === undefined || gids === undefined) {
		// The kernel takes no mapping with one of them empty (mount_setattr(2), EINVAL).
		throw new Error(`expected uids= and gids=; found no ${uids === undefined ? "uids=" : "gids="}`);
	}
	return { uids, gids };
}

function readRanges(text: string, container: IdMapping[] | undefined): IdMapping[] {
	return text.split("#").map((range) => readRange(range, container));
}

function readRange(text: string, container: IdMapping[] | undefined): IdMapping {
	const match = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text);
	if (match === null) throw new Error(`expected ID-ID-COUNT; found ${JSON.stringify(text)}`);
	const [containerID, second, size] = [Number(match[2]), Number(match[3]), Number(match[4])];
	if (match[1] === "") return { containerID, hostID: second, size };
	const within = container?.find(
		(mapping) => second >= mapping.containerID && second - mapping.containerID < mapping.size,
	);
	if (within === undefined) throw new Error(`the container's user namespace has no id ${second}, which ${text} names`);
	const offset = second - within.containerID;
	if (size > within.size - offset) throw new Error(`${text} goes beyond one range of the container's user namespace`);
	return { containerID, hostID: within.hostID + offset, size };
}
