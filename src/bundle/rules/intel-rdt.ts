import type { Spec } from "../spec.js";
import type { Report } from "./report.js";

/** A class of service is one directory below the mount point of resctrl; "/" is that mount point itself. */
export function checkIntelRdt({ linux }: Spec, report: Report): void {
	const closID = linux?.intelRdt?.closID;
	if (closID === undefined || closID === "/") return;
	if (closID === "." || closID === ".." || closID.includes("/") || closID.includes("\n")) {
		report.error("/linux/intelRdt/closID", `invalid intelRdt.ClosID ${JSON.stringify(closID)}`);
	}
}
