/** The mappings of an id-mapped mount: mounts[].uidMappings, mounts[].gidMappings and the options idmap and ridmap. */
import { type IdMapOption, isIdMapOption, readIdMapOption } from "../idmap-option.js";
import type { IdMapping, Mount, Spec } from "../spec.js";
import { checkMappingList } from "./idmappings.js";
import { findNamespace, type Report } from "./report.js";

/** Index of the option that asks for an id-mapped mount, the last if there are more; -1 without one. */
function findIdMapOption(options: string[]): number {
	for (let index = options.length - 1; index >= 0; index--) {
		if (isIdMapOption(options[index] as string)) return index;
	}
	return -1;
}

export function checkMountIdMaps(spec: Spec, report: Report): void {
	const { mounts = [] } = spec;
	for (let index = 0; index < mounts.length; index++) {
		const mount = mounts[index];
		if (mount === undefined) continue;
		const option = mount.options === undefined ? -1 : findIdMapOption(mount.options);
		if (option >= 0 || mount.uidMappings !== undefined || mount.gidMappings !== undefined)
			checkMountIdMap(spec, mount, option, `/mounts/${index}`, report);
	}
}

/** An empty list is no list: Go programs leave it in. */
function given(mappings: IdMapping[] | undefined): mappings is IdMapping[] {
	return mappings !== undefined && mappings.length > 0;
}

function checkMountIdMap(spec: Spec, mount: Mount, option: number, at: string, report: Report): void {
	const { uidMappings, gidMappings, options = [] } = mount;
	if (given(uidMappings) !== given(gidMappings)) {
		const missing = given(uidMappings) ? "gidMappings" : "uidMappings";
		report.error(`${at}/${missing}`, "uidMappings and gidMappings must come together");
		return;
	}
	const where = given(uidMappings) ? `${at}/uidMappings` : `${at}/options/${option}`;
	if (!given(uidMappings) && option < 0) return;
	checkTarget(mount, where, report);
	if (given(uidMappings) && given(gidMappings)) {
		// They win over what the option says.
		checkMappingList(uidMappings, `${at}/uidMappings`, report);
		checkMappingList(gidMappings, `${at}/gidMappings`, report);
		return;
	}
	const mappings = readOption(spec, options[option] as string, where, report);
	if (mappings === "wrong") return;
	if (mappings !== undefined) {
		checkInOption(mappings.uids, where, report);
		checkInOption(mappings.gids, where, report);
	} else if (findNamespace(spec, "user") === undefined) {
		report.error(where, "without uidMappings and gidMappings, expected a user namespace to take the mapping from");
	}
}

/** What the kernel could only answer with a plain EINVAL. */
function checkTarget({ type, options = [] }: Mount, where: string, report: Report): void {
	if (options.includes("remount"))
		report.error(where, "a mount that is already there can't be id-mapped (mount_setattr(2))");
	else if (type === "cgroup") report.error(where, "a cgroup mount can't be id-mapped");
	else if ((!type || type === "none") && !options.includes("bind") && !options.includes("rbind"))
		report.error(where, "a change of propagation can't be id-mapped");
}

function readOption({ linux }: Spec, option: string, at: string, report: Report): IdMapOption | undefined | "wrong" {
	try {
		return readIdMapOption(option, linux);
	} catch (error) {
		report.error(at, (error as Error).message);
		return "wrong";
	}
}

/** The ranges of an option have no pointers of their own. */
function checkInOption(mappings: IdMapping[], at: string, report: Report): void {
	checkMappingList(mappings, at, {
		error: (pointer: string, message: string) => report.error(at, `${pointer.slice(at.length + 1)}: ${message}`),
	} as Report);
}
