/** linux.intelRdt: what the host has of resctrl, and the container's groups in it. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { explainHostFailure } from "../plan/failure.js";
import type { ResctrlFacts } from "../plan/intel-rdt.js";
import { resctrlGroups } from "../plan/intel-rdt.js";
import type { HostStep } from "../plan/schema.js";
import { failedWith } from "./errno.js";
import type { Launch } from "./launch-state.js";

/** Undefined without a resctrl mount. */
export function readResctrl(native: Native, spec: Spec, mountinfo: string): ResctrlFacts | undefined {
	const root = resctrlRoot(mountinfo);
	if (root === undefined) return undefined;
	const closID = spec.linux?.intelRdt?.closID;
	if (!closID) return { root };
	try {
		return { root, schemata: native.readText({ path: `${closID === "/" ? root : `${root}/${closID}`}/schemata` }) };
	} catch (error) {
		if (failedWith(error, "ENOENT")) return { root };
		throw error;
	}
}

/** Mount point of resctrl; undefined when it is not mounted. */
export function resctrlRoot(mountinfo: string): string | undefined {
	return mountinfo
		.split("\n")
		.find((mount) => mount.includes(" - resctrl "))
		?.split(" ")[4];
}

/** Before the record is written, which says that the groups are the container's and to be removed with it. */
export function checkResctrlVacant({ native, plan }: Launch): void {
	for (const path of resctrlGroups(plan.host)) {
		if (native.stat({ path }) === undefined) continue;
		throw new RuntimeError("cgroup", `the resctrl group ${path} exists already`, {
			pointer: "/linux/intelRdt",
			path,
			hint: "a group of the container's own has its id for a name; linux.intelRdt.closID names one that exists",
		});
	}
}

/** Makes and fills the groups. The record that names them is on disk. */
export function makeResctrlGroups(state: Launch): void {
	state.resctrlMade = resctrlGroups(state.plan.host);
	execute(
		state,
		state.plan.host.filter(({ op }) => op === "resctrl.create" || op === "resctrl.schemata"),
	);
}

export function joinResctrlGroups(state: Launch, pid: number): void {
	execute(
		state,
		state.plan.host.filter(({ op }) => op === "resctrl.join"),
		pid,
	);
}

function execute(state: Launch, steps: HostStep[], pid?: number): void {
	if (steps.length === 0) return;
	const failure = state.native.executeHostSteps({
		steps: JSON.stringify(steps),
		...(pid === undefined ? {} : { pid }),
	});
	if (failure) throw explainHostFailure({ host: steps }, failure);
}

/** A control group takes its monitoring groups with it; both may be gone already. */
export function removeResctrlGroups(native: Native, groups: readonly string[]): void {
	for (const path of groups) native.removeDirectory({ path, missingOk: true });
}
