/** Compiles new resources of a container that exists into the host steps that change them, and nothing else. */
import { RuntimeError } from "../errors.js";
import type { HostStep, Plan } from "../plan/schema.js";
import { deviceList, transition } from "./device-list.js";
import { compileDeviceRules } from "./device-rules.js";
import { mergeResources } from "./merge.js";
import { hasLimits, pidsLimit, pointerTo, type Resources, refuseUnsupported } from "./resources.js";
import { writeV1 } from "./v1.js";
import { deviceStep, writeV2 } from "./v2.js";
import { Writes } from "./writes.js";

export interface UpdateInput {
	/** Fields that are missing stay as they are. */
	given: Resources;
	/** What the container has, from its config.json and earlier updates. */
	saved: Resources;
	/** Its cgroups: on v2 one, whose controller is empty. */
	cgroups: Plan["cgroups"];
	/** Of its config.json. */
	ociVersion: string;
	/** Root on the host. Others can't restrict devices. */
	privileged: boolean;
}

export interface UpdatePlan {
	/** cgroup.check and cgroup.write, in an order that is right for a new cgroup; see order.ts. */
	steps: HostStep[];
	/** Device rules, to be changed last: what each of the two lists does can't be read back. */
	devices: HostStep[];
	/** Undoes `devices`. */
	devicesBack: HostStep[];
	/** The container's resources from then on. */
	merged: Resources;
}

export function compileUpdate({ given, saved, cgroups, ociVersion, privileged }: UpdateInput): UpdatePlan {
	refuseUnsupported(given);
	const plan: UpdatePlan = { steps: [], devices: [], devicesBack: [], merged: mergeResources(saved, given) };
	if (pidsLimit(given, ociVersion, true) === undefined && saved.pids) plan.merged.pids = saved.pids;
	if (cgroups.length === 0) {
		if (hasLimits(given)) refuseWithoutCgroup();
		return plan;
	}
	const target = new Writes(cgroups, plan.steps, saved);
	const unified = cgroups[0]?.controller === "";
	(unified ? writeV2 : writeV1)(given, ociVersion, target, false);
	if (!privileged || !changesDevices(given.devices, saved.devices)) return plan;
	plan.merged.devices = given.devices as NonNullable<Resources["devices"]>;
	const directory = target.directory("devices", pointerTo("/devices"));
	const [before, after] = [saved.devices, given.devices];
	const change = unified ? replaceProgram : rewriteList;
	plan.devices = change(before, after, directory);
	plan.devicesBack = change(after, before, directory);
	return plan;
}

function refuseWithoutCgroup(): never {
	throw new RuntimeError("cgroup", "the container has no cgroup, so its resources can't be limited", {
		hint: "containers of ordinary users get one when config.json asks for it, with linux.cgroupsPath or a limit",
	});
}

/**
 * Engines send the resources that they know, with the "deny all" that every list begins with, and not the rules that the
 * container was created with (CRI): that is no wish to take its devices away. Any other list is one.
 */
function changesDevices(given: Resources["devices"], saved: Resources["devices"]): boolean {
	if (given === undefined) return false;
	const rules = meaning(given);
	return rules !== meaning([]) && rules !== meaning(saved);
}

function meaning(devices: Resources["devices"]): string {
	return JSON.stringify(compileDeviceRules(devices).map(({ at: _place, ...rule }) => rule));
}

type Devices = Resources["devices"];

function replaceProgram(_before: Devices, after: Devices, directory: string): HostStep[] {
	return [{ ...deviceStep(compileDeviceRules(after), directory), replace: true }];
}

/** v1 keeps a list of exceptions: what is in both stays, without a moment in which it is not there. */
function rewriteList(before: Devices, after: Devices, directory: string): HostStep[] {
	const from = deviceList(compileDeviceRules(before));
	const to = deviceList(compileDeviceRules(after));
	return transition(from, to).map(({ allow, value }) => ({
		op: "cgroup.write",
		at: pointerTo("/devices"),
		path: `${directory}/devices.${allow ? "allow" : "deny"}`,
		value,
	}));
}
