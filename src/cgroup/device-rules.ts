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
	...[3, 5, 7, 8, 9].map((minor): DeviceRule => ({ allow: true, type: "c", major: 1, minor, access: "rwm" })),
	{ allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
	{ allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
	{ allow: true, type: "c", major: 10, minor: 200, access: "rwm" },
	{ allow: true, type: "c", major: 136, access: "rwm" },
];

export function isTotal(rule: DeviceRule): boolean {
	return rule.type === "a" && rule.major === undefined && rule.minor === undefined && rule.access === "rwm";
}

function wildcard(value: number | bigint | undefined): number | undefined {
	return value === undefined || Number(value) < 0 ? undefined : Number(value);
}

/**
 * Nothing is allowed to begin with (GHSA-g54h-m393-cpwq). Then the configured rules in order, and last the defaults:
 * engines start their lists with "deny all", which must not take /dev/null away. A rule for everything makes those
 * before it meaningless, so the list begins with the last of them.
 */
export function compileDeviceRules(rules: Rules | undefined): DeviceRule[] {
	let list: DeviceRule[] = [{ ...any, allow: false }];
	for (const [index, { allow, type, major, minor, access }] of (rules ?? []).entries()) {
		const fixedMajor = wildcard(major);
		const fixedMinor = wildcard(minor);
		const rule: DeviceRule = {
			allow,
			type: type ?? "a",
			...(fixedMajor !== undefined ? { major: fixedMajor } : {}),
			...(fixedMinor !== undefined ? { minor: fixedMinor } : {}),
			// Unset is everything (config-linux.md).
			access: access ? [..."rwm"].filter((letter) => access.includes(letter)).join("") : "rwm",
			at: `/linux/resources/devices/${index}`,
		};
		if (isTotal(rule)) list = [rule];
		else if (rule.access !== "") list.push(rule);
	}
	// Where all is allowed and nothing was forbidden after that, there is nothing to add.
	if (list[0]?.allow && list.every((rule) => rule.allow)) return list.slice(0, 1);
	return [...list, ...defaultRules];
}

/** As v1 files take it and people read it: `c 1:3 rwm`. */
export function formatRule({ type, major, minor, access }: DeviceRule): string {
	return `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}
