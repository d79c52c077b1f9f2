/**
 * linux.resources.devices as properties of a unit. systemd applies its own idea of a unit's devices whenever it feels
 * like it (`systemctl daemon-reload`, a change of any property), and a unit without these properties has all devices.
 */
import { compileDeviceRules, type DeviceRule, formatRule, isTotal } from "./device-rules.js";
import type { Resources } from "./resources.js";
import { text, type UnitProperty } from "./unit-property.js";

const at = "/linux/resources/devices";

/**
 * `onInexact` hears of each rule that systemd has no words for. What it is told then allows more than the rule does. On
 * v2 that is harmless: the runtime's own program has the rules as they are, and an access has to pass both.
 */
export function deviceProperties(resources: Resources, onInexact?: (rule: string) => void): UnitProperty[] {
	const rules = compileDeviceRules(resources.devices);
	if (rules[0]?.allow) {
		// Everything but what the rules after it deny, which DevicePolicy can't say.
		if (rules.length > 1)
			onInexact?.(
				rules
					.slice(1)
					.filter(({ allow }) => !allow)
					.map(formatRule)
					.join(", "),
			);
		return [{ ...text("DevicePolicy", "auto"), at }, allowed([])];
	}
	const allow = allowList(rules, onInexact);
	return [{ ...text("DevicePolicy", "strict"), at }, allowed(allow)];
}

function allowed(devices: [node: string, access: string][]): UnitProperty {
	return { name: "DeviceAllow", signature: "a(ss)", value: devices, at };
}

/** Denials are taken out of what was allowed before: systemd knows no order, all its entries allow. */
function allowList(rules: DeviceRule[], onInexact?: (rule: string) => void): [node: string, access: string][] {
	const list = new Map<string, string>();
	for (const rule of rules) {
		if (isTotal(rule)) continue;
		// A minor number of any major: nodeOf makes every device of it.
		if (rule.major === undefined && rule.minor !== undefined) onInexact?.(formatRule(rule));
		for (const type of rule.type === "a" ? (["b", "c"] as const) : [rule.type]) {
			const node = nodeOf({ ...rule, type });
			const had = list.get(node) ?? "";
			if (rule.allow) list.set(node, inOrder(had + rule.access));
			else deny(list, { ...rule, type }, onInexact);
		}
	}
	return [...list].filter(([, access]) => access !== "");
}

function deny(list: Map<string, string>, rule: DeviceRule, onInexact?: (rule: string) => void): void {
	const own = nodeOf(rule);
	let inexact = false;
	for (const [node, access] of list) {
		const rest = [...access].filter((letter) => !rule.access.includes(letter)).join("");
		if (rule.minor === undefined ? covers(rule, node) : node === own && rule.major !== undefined) list.set(node, rest);
		// Part of what an entry with a wildcard allows.
		else if (rest !== access && includes(node, rule)) inexact = true;
	}
	if (inexact) onInexact?.(formatRule(rule));
}

/** The rule is about all that the entry names. */
function covers(rule: DeviceRule, node: string): boolean {
	const kind = rule.type === "b" ? "block" : "char";
	if (rule.major === undefined) return node.startsWith(`/dev/${kind}/`) || node.startsWith(`${kind}-`);
	return node.startsWith(`/dev/${kind}/${rule.major}:`) || node === `${kind}-${rule.major}`;
}

/** The entry allows more than the rule is about, that included. */
function includes(node: string, rule: DeviceRule): boolean {
	const kind = rule.type === "b" ? "block" : "char";
	return node === `${kind}-*` || node === `${kind}-${rule.major}`;
}

/**
 * As DeviceAllow takes it (systemd.resource-control(5)): a node by its number, which systemd reads out of such a name
 * without a look at the file since version 240, or a whole major number, or all devices of a type.
 */
function nodeOf({ type, major, minor }: DeviceRule): string {
	const kind = type === "b" ? "block" : "char";
	if (major === undefined) return `${kind}-*`;
	return minor === undefined ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`;
}

function inOrder(access: string): string {
	return [..."rwm"].filter((letter) => access.includes(letter)).join("");
}
