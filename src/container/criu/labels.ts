/** --lsm-profile and --lsm-mount-context: criu passes over those of a module that the kernel does not run. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { hasAppArmor, hasSelinux } from "../facts.js";

export interface RestoredLabels {
	/** TYPE:NAME */
	lsmProfile?: string;
	lsmMountContext?: string;
}

export function checkLabels(native: Native, { lsmProfile, lsmMountContext }: RestoredLabels): void {
	const noSelinux = "selinux is disabled or not supported";
	if (lsmProfile) {
		const type = /^(apparmor|selinux):./.exec(lsmProfile)?.[1];
		if (type === undefined) {
			throw new RuntimeError("usage", `--lsm-profile ${JSON.stringify(lsmProfile)} is not TYPE:NAME`, {
				hint: "TYPE is apparmor or selinux",
			});
		}
		if (type === "selinux" && !hasSelinux(native))
			throw new RuntimeError("host.unsupported", `--lsm-profile ${lsmProfile}: ${noSelinux}`);
		if (type === "apparmor" && !hasAppArmor(native))
			throw new RuntimeError("host.unsupported", `--lsm-profile ${lsmProfile}: apparmor not supported`);
	}
	if (lsmMountContext && !hasSelinux(native))
		throw new RuntimeError("host.unsupported", `--lsm-mount-context: ${noSelinux}`);
}
