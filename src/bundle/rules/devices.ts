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

/** u is another word for c (mknod(1)). */
function identity({ type, major, minor }: Device): string {
	return type === "p" ? "p" : `${type === "b" ? "b" : "c"} ${major}:${minor}`;
}

function attributes({ fileMode, uid, gid }: Device): string {
	return `${fileMode} ${uid} ${gid}`;
}

/** A path cannot be two devices; and one that is listed twice, as engines do, gets what its first entry says. */
function checkTwice(device: Device, first: number, earlier: Device, index: number, report: Report): void {
	const at = `/linux/devices/${index}`;
	if (identity(device) !== identity(earlier)) {
		report.error(
			`${at}/path`,
			`${device.path} is already device ${identity(earlier)} at /linux/devices/${first}; here it is ${identity(device)}`,
		);
	} else if (attributes(device) !== attributes(earlier)) {
		report.warning(at, `${device.path} is listed twice; mode and owner are those of /linux/devices/${first}`);
	}
}

function isComplete({ type, major, minor }: Device): boolean {
	return type === "p" || (major !== undefined && minor !== undefined);
}

export function checkDevices(spec: Spec, report: Report): void {
	const devices = spec.linux?.devices ?? [];
	const seen: Record<string, number> = {};
	for (let index = 0; index < devices.length; index++) {
		const device = devices[index];
		// What does not fit the schema has been reported (salvage.ts).
		if (device?.type === undefined || device.path === undefined) continue;
		if (isComplete(device)) {
			const first = seen[device.path];
			if (first === undefined) seen[device.path] = index;
			else checkTwice(device, first, devices[first] as Device, index, report);
		}
		if (device.type === "p") continue;
		checkNumber(device, "major", `/linux/devices/${index}/major`, report);
		checkNumber(device, "minor", `/linux/devices/${index}/minor`, report);
	}
}
