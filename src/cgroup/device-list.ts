/**
 * The devices controller of v1 as the kernel keeps it (security/device_cgroup.c): everything or nothing, and a list of
 * exceptions from that. It has no order of rules, and no exceptions from exceptions: those are refused here, because
 * the kernel would ignore them in silence.
 */
import { RuntimeError } from "../errors.js";
import { type DeviceRule, formatRule, isTotal } from "./device-rules.js";
import { pointerTo } from "./resources.js";

export interface DeviceList {
	/** What holds for a device that is no exception. */
	allow: boolean;
	/** Letters of access by device, as `c 1:3` or `b 8:*`. */
	exceptions: Record<string, string>;
}

export function deviceList(rules: readonly DeviceRule[]): DeviceList {
	let list: DeviceList = { allow: false, exceptions: {} };
	for (const rule of rules) {
		if (isTotal(rule)) list = { allow: rule.allow, exceptions: {} };
		// "a" is both types.
		else for (const type of rule.type === "a" ? (["b", "c"] as const) : [rule.type]) apply(list, { ...rule, type });
	}
	return list;
}

/**
 * Whether the kernel, given one rule after the other, would end up with another list: it takes nothing out of an exception
 * but what was said of exactly the same devices. Nearly every list of rules only grants one device after the other.
 */
export function takesBack(rules: readonly DeviceRule[]): boolean {
	for (let index = 1; index < rules.length; index++) if (rules[index]?.allow === rules[0]?.allow) return true;
	return false;
}

function apply(list: DeviceList, rule: DeviceRule): void {
	const { exceptions } = list;
	if (rule.allow !== list.allow) {
		const device = `${rule.type} ${rule.major ?? "*"}:${rule.minor ?? "*"}`;
		const before = exceptions[device] ?? "";
		exceptions[device] = letters((letter) => before.includes(letter) || rule.access.includes(letter));
		return;
	}
	for (const [device, access] of Object.entries(exceptions)) {
		const left = letters((letter) => access.includes(letter) && !rule.access.includes(letter));
		if (left.length === access.length || !meet(rule, device)) continue;
		if (!covers(rule, device)) refuse(rule, device);
		if (left === "") delete exceptions[device];
		else exceptions[device] = left;
	}
}

/** Type, major and minor number of `c 10:*`; undefined for all. */
function parts(device: string): [type: string, major: number | undefined, minor: number | undefined] {
	const [type = "", major = "*", minor = "*"] = device.split(/[ :]/);
	const number = (text: string) => (text === "*" ? undefined : Number(text));
	return [type, number(major), number(minor)];
}

/** There is a device of which both speak. */
function meet(rule: DeviceRule, device: string): boolean {
	const [type, major, minor] = parts(device);
	const agree = (one: number | undefined, two: number | undefined) =>
		one === undefined || two === undefined || one === two;
	return rule.type === type && agree(rule.major, major) && agree(rule.minor, minor);
}

/** Of devices that meet: the rule speaks of all of them. */
function covers(rule: DeviceRule, device: string): boolean {
	const [, major, minor] = parts(device);
	return (rule.major === undefined || rule.major === major) && (rule.minor === undefined || rule.minor === minor);
}

function letters(wanted: (letter: string) => boolean): string {
	return ["r", "w", "m"].filter(wanted).join("");
}

function refuse(rule: DeviceRule, device: string): never {
	const what = `${rule.allow ? "allow" : "deny"} ${formatRule(rule)}`;
	throw new RuntimeError(
		"config.unsupported",
		`cgroup: the device rule "${what}" is an exception from the one for ${device}, and lists of cgroup v1 have no such exceptions`,
		{ pointer: pointerTo(rule.at ?? "/devices") },
	);
}

/**
 * What to write to get from one list to the other, as file and value. Additions come first, so that what both allow
 * stays allowed all the time; only between "everything but" and "nothing but" there is a moment that has neither.
 */
export function transition(from: DeviceList, to: DeviceList): { allow: boolean; value: string }[] {
	if (from.allow !== to.allow) {
		return [{ allow: to.allow, value: "a" }, ...transition({ allow: to.allow, exceptions: {} }, to)];
	}
	return [
		...difference(to, from).map((value) => ({ allow: !to.allow, value })),
		...difference(from, to).map((value) => ({ allow: to.allow, value })),
	];
}

/** The exceptions of `one` that `other` lacks. */
function difference(one: DeviceList, other: DeviceList): string[] {
	const missing: string[] = [];
	for (const device in one.exceptions) {
		const access = letters(
			(letter) => Boolean(one.exceptions[device]?.includes(letter)) && !other.exceptions[device]?.includes(letter),
		);
		if (access !== "") missing.push(`${device} ${access}`);
	}
	return missing;
}
