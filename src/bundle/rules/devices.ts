import type { Spec } from "../spec.js";
import type { Report } from "./report.js";

/** dev_t: twelve bits for the major number, twenty for the minor one. */
const LARGEST = { major: 0xfff, minor: 0xf_ffff };

export function checkDevices(spec: Spec, report: Report): void {
	const devices = spec.linux?.devices ?? [];
	for (let index = 0; index < devices.length; index++) {
		const device = devices[index];
		if (device === undefined || device.type === "p") continue;
		for (const number of ["major", "minor"] as const) {
			const value = device[number];
			const at = `/linux/devices/${index}/${number}`;
			if (value === undefined) report.error(at, `is required for a device of type ${device.type}, but missing`);
			else if (value < 0 || value > LARGEST[number]) {
				report.error(at, `expected an integer from 0 to ${LARGEST[number]}; found ${value}`);
			}
		}
	}
}
