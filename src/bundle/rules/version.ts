import type { Spec } from "../spec.js";
import type { Report } from "./report.js";

/** Range of specification versions that are accepted; `features` prints it. */
export const OCI_VERSION_MIN = "1.0.0";
export const OCI_VERSION_MAX = "1.3.0";

const NEWEST_MINOR = 3;

/** SemVer 2.0.0, its own grammar: no leading zeros, also not in the numbers of a pre-release; no empty identifier. */
const SEMVER =
	/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;

/** config.md, "Specification version": every minor version up to the runtime's own, suffixes like -dev included. */
export function checkVersion(spec: Spec, report: Report): void {
	const version = spec.ociVersion;
	// What every engine of the last ten years sends: no regular expression for them (compile.ts says why).
	if (version === "1.0.2-dev" || isPlain(version)) return;
	const [, major, minor] = SEMVER.exec(version) ?? [];
	const found = JSON.stringify(version);
	if (major === undefined) {
		report.error("/ociVersion", `expected a version like 1.3.0 (SemVer 2.0.0); found ${found}`);
	} else if (major !== "1" || Number(minor) > NEWEST_MINOR) {
		report.error("/ociVersion", `expected a version from ${OCI_VERSION_MIN} to ${OCI_VERSION_MAX}; found ${found}`);
	}
}

/** 1.0.0 to 1.3.9. */
function isPlain(version: string): boolean {
	if (version.length !== 5 || !version.startsWith("1.") || version[3] !== ".") return false;
	const minor = version.charCodeAt(2) - 48;
	const patch = version.charCodeAt(4) - 48;
	return minor >= 0 && minor <= NEWEST_MINOR && patch >= 0 && patch <= 9;
}
