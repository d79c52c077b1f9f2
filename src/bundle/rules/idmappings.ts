import type { IdMapping, Linux, Spec } from "../spec.js";
import { findNamespace, newUserNamespace, type Report } from "./report.js";

type Side = "containerID" | "hostID";

/** user_namespaces(7): the kernel takes 340 lines (4.15), and answers a bad one with a plain EINVAL. */
const MOST_MAPPINGS = 340;
/** The last id, 4294967295, is (uid_t) -1 and can't be mapped. */
const LAST_ID = 0xffff_fffe;

function overlap(one: IdMapping, other: IdMapping, side: Side): boolean {
	return one[side] < other[side] + other.size && other[side] < one[side] + one.size;
}

function checkSide(mappings: IdMapping[], index: number, side: Side, at: string, report: Report): void {
	const mapping = mappings[index] as IdMapping;
	if (mapping[side] + mapping.size - 1 > LAST_ID) {
		const range = `${mapping.size} ids from ${mapping[side]} on`;
		report.error(`${at}/size`, `the range goes beyond the last id ${LAST_ID}: ${range}`);
	}
	for (let other = 0; other < index; other++) {
		if (!overlap(mapping, mappings[other] as IdMapping, side)) continue;
		report.error(`${at}/${side}`, `the range overlaps with that of entry ${other}`);
		return;
	}
}

function checkRange(mappings: IdMapping[], index: number, at: string, report: Report): void {
	if (mappings[index]?.size === 0) {
		report.error(`${at}/size`, "expected at least one id; found 0");
		return;
	}
	checkSide(mappings, index, "containerID", at, report);
	checkSide(mappings, index, "hostID", at, report);
}

/** Rules of the kernel for one list; `at` points to it. */
export function checkMappingList(mappings: IdMapping[], at: string, report: Report): void {
	if (mappings.length > MOST_MAPPINGS) {
		report.error(at, `expected at most ${MOST_MAPPINGS} entries, the kernel's limit; found ${mappings.length}`);
		return;
	}
	for (let index = 0; index < mappings.length; index++) checkRange(mappings, index, `${at}/${index}`, report);
}

/** setuid(2), setgid(2) and setgroups(2) answer EINVAL for an id that the new namespace does not have. */
function checkMapped(id: number, mappings: IdMapping[], at: string, kind: string, report: Report): void {
	for (let index = 0; index < mappings.length; index++) {
		const { containerID, size } = mappings[index] as IdMapping;
		if (id >= containerID && id - containerID < size) return;
	}
	report.error(at, `${kind} ${id} is not mapped in the container's user namespace`);
}

function checkUser(spec: Spec, { uidMappings = [], gidMappings = [] }: Linux, report: Report): void {
	const { uid = 0, gid = 0, additionalGids = [] } = spec.process.user ?? {};
	checkMapped(uid, uidMappings, "/process/user/uid", "user", report);
	checkMapped(gid, gidMappings, "/process/user/gid", "group", report);
	for (let index = 0; index < additionalGids.length; index++) {
		const at = `/process/user/additionalGids/${index}`;
		checkMapped(additionalGids[index] as number, gidMappings, at, "group", report);
	}
}

export function checkIdMappings(spec: Spec, report: Report): void {
	const { linux } = spec;
	if (linux === undefined) return;
	const { uidMappings = [], gidMappings = [] } = linux;
	if (findNamespace(spec, "user") === undefined) {
		const words = "User namespace mappings specified, but USER namespace isn't enabled in the config";
		if (uidMappings.length > 0) report.error("/linux/uidMappings", words);
		if (gidMappings.length > 0) report.error("/linux/gidMappings", words);
		return;
	}
	const before = report.diagnostics.length;
	checkMappingList(uidMappings, "/linux/uidMappings", report);
	checkMappingList(gidMappings, "/linux/gidMappings", report);
	const created = newUserNamespace(spec);
	if (created === undefined) return;
	const words = (kind: string): string => `user namespaces enabled, but no ${kind} mappings found`;
	if (uidMappings.length === 0 && gidMappings.length === 0) {
		report.warning("/linux/uidMappings", `${words("id")}: an ordinary user gets those of /etc/subuid, root an error`);
		return;
	}
	if (uidMappings.length === 0) report.error("/linux/uidMappings", words("uid"));
	if (gidMappings.length === 0) report.error("/linux/gidMappings", words("gid"));
	if (report.diagnostics.length === before) checkUser(spec, created, report);
}
