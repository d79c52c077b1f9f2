import type { Spec } from "../spec.js";
import type { Report } from "./report.js";

/** Range of specification versions that are accepted; `features` prints it. */
export const OCI_VERSION_MIN = "1.0.0";
export const OCI_VERSION_MAX = "1.3.0";

const NEWEST_MINOR = 3;

/** config.md, "Specification version": every minor version up to the runtime's own, suffixes like -dev included. */
export function checkVersion(spec: Spec, report: Report): void {
	const version = spec.ociVersion;
	// What every engine of the last ten years sends.
	if (version === "1.0.2-dev") return;
	const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+][0-9A-Za-z.+-]+)?$/;
	const [, major, minor] = semver.exec(version) ?? [];
	const found = JSON.stringify(version);
	if (major === undefined) {
		report.error("/ociVersion", `expected a version like 1.3.0 (SemVer 2.0.0); found ${found}`);
	} else if (major !== "1" || Number(minor) > NEWEST_MINOR) {
		report.error("/ociVersion", `expected a version from ${OCI_VERSION_MIN} to ${OCI_VERSION_MAX}; found ${found}`);
	}
}
