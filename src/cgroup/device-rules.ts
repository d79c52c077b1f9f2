/** linux.resources.devices: the list of rules that a container ends up with, for v1 files and the v2 program alike. */
import type { Spec } from "../bundle/spec.js";

type Rules = NonNullable<NonNullable<NonNullable<Spec["linux"]>["resources"]>["devices"]>;

export interface DeviceRule {
	allow: boolean;
	/** `a` is both. */
	type: "a" | "b" | "c";
	/** Undefined: any. */
	major?: number;
	minor?: number;
	/** Some of `rwm`, in this order. */
	access: string;
	/** Pointer of the rule, below /linux/resources. */
	at?: string;
}

const any = { allow: true, type: "a", access: "rwm" } as const;

/**
 * What a container can't do without: making device nodes (using them is another matter), the default devices, ptys,
 * and tun, which runc put back in 1.2.4 because VPN images rely on it.
 */
const defaultRules: DeviceRule[] = [
	{ allow: true, type: "c", access: "m" },
	{ allow: true, type: "b", access: "m" },
	{ allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
	{ allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
	{ allow: true, type: "c", major: 1, minor: 7, access: "rwm" },
	{ allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
	{ allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
	{ allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
	{ allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
	{ allow: true, type: "c", major: 10, minor: 200, access: "rwm" },
	{ allow: true, type: "c", major: 136, access: "rwm" },
];

export function isTotal(rule: DeviceRule): boolean {
	return rule.type === "a" && rule.major === undefined && rule.minor === undefined && rule.access === "rwm";
}

/**
 * Nothing is allowed to begin with (GHSA-g54h-m393-cpwq). Then the configured rules in order, and last the defaults:
 * engines start their lists with "deny all", which must not take /dev/null away. A rule for everything makes those
 * before it meaningless, so the list begins with the last of them.
 */
export function compileDeviceRules(rules: Rules = []): DeviceRule[] {
	let list: DeviceRule[] = [{ ...any, allow: false }];
	for (let index = 0; index < rules.length; index++) {
		const { allow, type = "a", major, minor, access } = rules[index] as Rules[number];
		// Unset is everything (config-linux.md).
		const rule: DeviceRule = { allow, type, access: access ? inOrder(access) : "rwm", at: `/devices/${index}` };
		if (major !== undefined && major >= 0) rule.major = Number(major);
		if (minor !== undefined && minor >= 0) rule.minor = Number(minor);
		if (isTotal(rule)) list = [rule];
		else if (rule.access !== "") list.push(rule);
	}
	// Where all is allowed and nothing was forbidden after that, there is nothing to add.
	if (list[0]?.allow && list.every((rule) => rule.allow)) return list.slice(0, 1);
	for (let index = 0; index < defaultRules.length; index++) list.push(defaultRules[index] as DeviceRule);
	return list;
}

function inOrder(access: string): string {
	if (access === "rwm") return access;
	return (access.includes("r") ? "r" : "") + (access.includes("w") ? "w" : "") + (access.includes("m") ? "m" : "");
}

/** As v1 files take it and people read it: `c 1:3 rwm`. */
export function formatRule({ type, major, minor, access }: DeviceRule): string {
	return `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}
