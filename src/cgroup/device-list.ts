/**
 * The devices controller of v1 as the kernel keeps it (security/device_cgroup.c): everything or nothing, and a list of
 * exceptions from that. It has no order of rules: a rule removes bits from the exception for exactly the same devices,
 * or adds one. What such a list can't say is refused here, because the kernel would ignore it in silence.
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

/** Nearly every list of rules grants one device after the other, which needs no look at what was there. */
export function refuseHoles(rules: readonly DeviceRule[]): void {
	for (let index = 1; index < rules.length; index++) {
		if (rules[index]?.allow !== rules[0]?.allow) continue;
		deviceList(rules);
		return;
	}
}

function apply(list: DeviceList, rule: DeviceRule): void {
	const { exceptions } = list;
	const device = deviceOf(rule);
	const before = exceptions[device] ?? "";
	if (rule.allow !== list.allow) {
		exceptions[device] = letters((letter) => before.includes(letter) || rule.access.includes(letter));
		return;
	}
	for (const wider of [{ major: undefined }, { minor: undefined }, { major: undefined, minor: undefined }]) {
		const other = deviceOf({ ...rule, ...wider });
		if (other !== device && shares(exceptions[other], rule.access)) refuse(rule, other);
	}
	const left = letters((letter) => before.includes(letter) && !rule.access.includes(letter));
	if (left === "") delete exceptions[device];
	else exceptions[device] = left;
}

function deviceOf(
	rule: Omit<DeviceRule, "major" | "minor"> & { major?: number | undefined; minor?: number | undefined },
) {
	return `${rule.type} ${rule.major ?? "*"}:${rule.minor ?? "*"}`;
}

function letters(wanted: (letter: string) => boolean): string {
	return ["r", "w", "m"].filter(wanted).join("");
}

function shares(one = "", two = ""): boolean {
	return [...one].some((letter) => two.includes(letter));
}

function refuse(rule: DeviceRule, wider: string): never {
	const what = `${rule.allow ? "allow" : "deny"} ${formatRule(rule)}`;
	throw new RuntimeError(
		"config.unsupported",
		`cgroup: the device rule "${what}" is an exception from the rule for ${wider}, and lists of cgroup v1 have no such exceptions`,
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
