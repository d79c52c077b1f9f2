import type { Device, Spec } from "../spec.js";
import type { Report } from "./report.js";

/** dev_t: twelve bits for the major number, twenty for the minor one. */
const LARGEST = { major: 0xfff, minor: 0xf_ffff };

function checkNumber(device: Device, number: "major" | "minor", at: string, report: Report): void {
	const value = device[number];
	if (value === undefined) report.error(at, `is required for a device of type ${device.type}, but missing`);
	else if (value < 0 || value > LARGEST[number]) {
		report.error(at, `expected an integer from 0 to ${LARGEST[number]}; found ${value}`);
	}
}

export function checkDevices(spec: Spec, report: Report): void {
	const devices = spec.linux?.devices ?? [];
	for (let index = 0; index < devices.length; index++) {
		const device = devices[index];
		// What does not fit the schema has been reported (salvage.ts).
		if (device?.type === undefined || device.type === "p") continue;
		checkNumber(device, "major", `/linux/devices/${index}/major`, report);
		checkNumber(device, "minor", `/linux/devices/${index}/minor`, report);
	}
}
