import { pointerToken } from "../diagnostic.js";
import type { Spec } from "../spec.js";
import { findNamespace, type Report } from "./report.js";

/** What the kernel takes for the name of a device (dev_valid_name): IFNAMSIZ is 16, with the NUL. */
function isName(name: string): boolean {
	return Buffer.byteLength(name) < 16 && name !== "." && name !== ".." && !/^$|[/:\s]/.test(name);
}

/** A name, or a pattern with one %d in it that the kernel fills in. */
function isNameOrPattern(name: string): boolean {
	return isName(name) && !name.replace("%d", "").includes("%");
}

export function checkNetDevices(spec: Spec, report: Report): void {
	const devices = spec.linux?.netDevices;
	if (devices === undefined) return;
	const at = "/linux/netDevices";
	const names = Object.keys(devices);
	if (names.length > 0 && findNamespace(spec, "network") === undefined) {
		report.error(at, "unable to move network devices without a private NET namespace");
	}
	const taken = new Map<string, string>();
	for (const device of names) {
		const pointer = `${at}/${pointerToken(device)}`;
		const name = devices[device]?.name || device;
		if (!isName(device) || device.includes("%")) {
			report.error(pointer, `invalid network device name ${JSON.stringify(device)}`);
		} else if (!isNameOrPattern(name)) {
			report.error(`${pointer}/name`, `invalid network device name ${JSON.stringify(name)}`);
		} else if (taken.has(name)) {
			report.error(pointer, `the name ${name} in the container is already that of ${taken.get(name)}`);
		} else if (!name.includes("%")) taken.set(name, device);
	}
}
