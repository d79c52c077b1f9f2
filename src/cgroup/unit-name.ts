/** linux.cgroupsPath for the systemd driver: `slice:prefix:name`, and where in the hierarchy that unit is. */
import { RuntimeError } from "../errors.js";

export interface UnitName {
	/** `prefix-name.scope`, or a slice where the name is one. */
	unit: string;
	/** The slice that the unit is in. */
	slice: string;
	kind: "scope" | "slice";
	/** Cgroup of the unit below the manager's own, with a leading slash. */
	path: string;
}

/** systemd.unit(5); the name of a unit is a file name, too. */
const LONGEST = 255;
const VALID = /^[A-Za-z0-9:_.\\@-]+$/;

/** Empty parts have runc's defaults, but for the prefix, which is ours. */
export function unitName(id: string, cgroupsPath: string | undefined, user: boolean): UnitName {
	const [slice = "", prefix = "", name = "", ...more] = (cgroupsPath || `:runtime-ts:${id}`).split(":");
	if (cgroupsPath && (cgroupsPath.split(":").length !== 3 || more.length > 0 || name === "")) {
		throw invalid(
			`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
			"without --systemd-cgroup cgroupsPath is a path",
		);
	}
	const parent = slice || (user ? "user.slice" : "system.slice");
	const inside = expandSlice(parent);
	if (name.endsWith(".slice")) return { unit: name, slice: parent, kind: "slice", path: expandSlice(name) };
	const unit = `${prefix === "" ? "" : `${prefix}-`}${name}.scope`;
	if (!VALID.test(unit) || unit.length > LONGEST) {
		throw invalid(
			`${JSON.stringify(unit)} can't be the name of a systemd unit`,
			`up to ${LONGEST} letters, digits and : - _ . \\ @ can; cgroupsPath slice:prefix:name gives the container another one`,
		);
	}
	return { unit, slice: parent, kind: "scope", path: `${inside === "/" ? "" : inside}/${unit}` };
}

/** systemd.slice(5): dashes in a slice's name say where it is; `a-b.slice` is /a.slice/a-b.slice, `-.slice` the root. */
export function expandSlice(slice: string): string {
	const suffix = ".slice";
	if (slice === "-.slice") return "/";
	const name = slice.slice(0, -suffix.length);
	const words = name.split("-");
	if (!slice.endsWith(suffix) || slice.length > LONGEST || !VALID.test(slice) || words.includes("")) {
		throw invalid(`invalid slice name: ${slice}`, "a slice is one or more words with dashes between them, and .slice");
	}
	return words.map((_, index) => `/${words.slice(0, index + 1).join("-")}${suffix}`).join("");
}

function invalid(message: string, hint: string): RuntimeError {
	return new RuntimeError("config.invalid", message, { pointer: "/linux/cgroupsPath", hint });
}
