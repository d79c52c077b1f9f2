import type { Mount, Spec } from "../spec.js";
import { findNamespace, type Report } from "./report.js";

/** Options that change a mount that is there already, so that no filesystem type is needed. */
const CHANGES = ["remount", "private", "slave", "shared", "unbindable", "rprivate", "rslave", "rshared", "runbindable"];

function hasAny(options: string[], wanted: string[]): boolean {
	for (let index = 0; index < options.length; index++) if (wanted.includes(options[index] as string)) return true;
	return false;
}

function checkMount(mount: Mount, at: string, report: Report): void {
	const { destination, source, type, options = [] } = mount;
	if (!destination.startsWith("/")) {
		// runc's words; the specification has tolerated it since 1.2.0.
		report.warning(`${at}/destination`, "relative destination path is **deprecated**, using it as relative to /");
	}
	if (options.includes("bind") || options.includes("rbind")) {
		if (!source) report.error(`${at}/source`, "a bind mount needs the path of what is to be bound; found nothing");
	} else if (!type && !hasAny(options, CHANGES)) {
		report.error(`${at}/type`, "expected a filesystem type, as this is no bind mount; found nothing");
	}
}

export function checkMounts(spec: Spec, report: Report): void {
	const { mounts = [] } = spec;
	for (let index = 0; index < mounts.length; index++) {
		const mount = mounts[index];
		// What does not fit the schema has been reported (salvage.ts).
		if (mount?.destination !== undefined) checkMount(mount, `/mounts/${index}`, report);
	}
	if (mounts.length > 0 && findNamespace(spec, "mount") === undefined) {
		const consequence = "the container's mounts are made in the runtime's own, and stay";
		report.warning("/linux/namespaces", `without a mount namespace ${consequence}`);
	}
}
