/** The host's devices that a user namespace's container gets, for the plan to say how they differ from what is asked for. */
import type { Spec } from "../bundle/spec.js";
import type { Native } from "../native/api.js";
import { asksForAttributes, type DeviceFile } from "../plan/bound-devices.js";

/** By path; without those that are missing, which fail when they are bound. */
export function readDeviceFiles(native: Native, spec: Spec): Record<string, DeviceFile> {
	const files: Record<string, DeviceFile> = {};
	for (const device of spec.linux?.devices ?? []) {
		if (device.type === "p" || !asksForAttributes(device)) continue;
		const found = native.stat({ path: device.path });
		if (found !== undefined) files[device.path] = { mode: found.mode & 0o777, uid: found.uid, gid: found.gid };
	}
	return files;
}
