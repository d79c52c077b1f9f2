import type { IdMapping, Linux, Spec } from "../spec.js";
import { findNamespace, newUserNamespace, type Report } from "./report.js";

type Side = "containerID" | "hostID";
const LISTS = ["uidMappings", "gidMappings"] as const;

/** user_namespaces(7): the kernel takes 340 lines (4.15), and answers a bad one with a plain EINVAL. */
const MOST_MAPPINGS = 340;
/** The last id, 4294967295, is (uid_t) -1 and can't be mapped. */
const LAST_ID = 0xffff_fffe;

function overlap(one: IdMapping, other: IdMapping, side: Side): boolean {
	return one[side] < other[side] + other.size && other[side] < one[side] + one.size;
}

function checkRange(mappings: IdMapping[], index: number, at: string, report: Report): void {
	const mapping = mappings[index] as IdMapping;
	if (mapping.size === 0) {
		report.error(`${at}/size`, "expected at least one id; found 0");
		return;
	}
	for (const side of ["containerID", "hostID"] as const) {
		if (mapping[side] + mapping.size - 1 > LAST_ID) {
			report.error(
				`${at}/size`,
				`the range goes beyond the last id ${LAST_ID}: ${mapping.size} ids from ${mapping[side]} on`,
			);
		}
		const other = mappings.findIndex((earlier, position) => position < index && overlap(mapping, earlier, side));
		if (other >= 0) report.error(`${at}/${side}`, `the range overlaps with that of entry ${other}`);
	}
}

function checkList(mappings: IdMapping[], at: string, report: Report): void {
	if (mappings.length > MOST_MAPPINGS) {
		report.error(at, `expected at most ${MOST_MAPPINGS} entries, the kernel's limit; found ${mappings.length}`);
		return;
	}
	for (let index = 0; index < mappings.length; index++) checkRange(mappings, index, `${at}/${index}`, report);
}

function isMapped(id: number, mappings: IdMapping[]): boolean {
	return mappings.some(({ containerID, size }) => id >= containerID && id - containerID < size);
}

/** setuid(2), setgid(2) and setgroups(2) answer EINVAL for an id that the new namespace does not have. */
function checkUser(spec: Spec, { uidMappings = [], gidMappings = [] }: Linux, report: Report): void {
	const { uid = 0, gid = 0, additionalGids = [] } = spec.process.user ?? {};
	const check = (id: number, mappings: IdMapping[], at: string, kind: string): void => {
		if (!isMapped(id, mappings)) report.error(at, `${kind} ${id} is not mapped in the container's user namespace`);
	};
	check(uid, uidMappings, "/process/user/uid", "user");
	check(gid, gidMappings, "/process/user/gid", "group");
	for (const [index, extra] of additionalGids.entries()) {
		check(extra, gidMappings, `/process/user/additionalGids/${index}`, "group");
	}
}

export function checkIdMappings(spec: Spec, report: Report): void {
	const { linux } = spec;
	if (linux === undefined) return;
	if (findNamespace(spec, "user") === undefined) {
		for (const list of LISTS) {
			if (!linux[list]?.length) continue;
			report.error(
				`/linux/${list}`,
				"User namespace mappings specified, but USER namespace isn't enabled in the config",
			);
		}
		return;
	}
	const before = report.diagnostics.length;
	for (const list of LISTS) checkList(linux[list] ?? [], `/linux/${list}`, report);
	const created = newUserNamespace(spec);
	if (created === undefined) return;
	for (const list of LISTS) {
		if (created[list]?.length) continue;
		report.error(`/linux/${list}`, `user namespaces enabled, but no ${list.slice(0, 3)} mappings found`);
	}
	if (report.diagnostics.length === before) checkUser(spec, created, report);
}
