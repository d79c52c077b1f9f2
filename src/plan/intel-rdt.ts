/** linux.intelRdt: the container's group in resctrl, the filesystem of cache and memory bandwidth allocation. */
import { RuntimeError } from "../errors.js";
import { append } from "./append.js";
import type { Context, Linux } from "./context.js";
import type { HostStep } from "./schema.js";

type IntelRdt = NonNullable<Linux["intelRdt"]>;

/** What the host has; read only where config.json asks for it. */
export interface ResctrlFacts {
	/** Mount point. */
	root: string;
	/** Content of the schemata file of the class of service that closID names; absent when there is no such class. */
	schemata?: string;
}

const pointer = "/linux/intelRdt";

/** All steps have one of three ops: resctrl.create and resctrl.schemata come before resctrl.join. */
export function compileIntelRdt(context: Context, host: HostStep[]): void {
	const { intelRdt } = context.linux;
	if (intelRdt !== undefined) append(host, groupSteps(context, intelRdt));
}

function groupSteps({ id, host }: Context, intelRdt: IntelRdt): HostStep[] {
	if (host.resctrl === undefined) {
		throw new RuntimeError("host.unsupported", "intelRdt is specified in config, but Intel RDT is not enabled", {
			pointer,
			hint: "no resctrl filesystem is mounted: mount -t resctrl resctrl /sys/fs/resctrl",
		});
	}
	const { root, schemata } = host.resctrl;
	const group = groupOf(intelRdt, id, root);
	const lines = linesOf(intelRdt);
	const steps: HostStep[] = [];
	if (!intelRdt.closID) steps.push({ op: "resctrl.create", at: pointer, root, path: group });
	else if (schemata === undefined) {
		if (lines.length === 0) {
			throw new RuntimeError(
				"config.invalid",
				`the class of service ${group} does not exist, and there is no schema to make it with`,
				{ pointer: `${pointer}/closID`, path: group },
			);
		}
		steps.push({ op: "resctrl.create", at: `${pointer}/closID`, root, path: group });
	} else {
		// It may have other containers in it: it must be what is wanted, and it is not written to.
		for (const { at, line } of lines) compare(at, line, schemata, group);
	}
	if (lines.length > 0 && steps.length > 0) {
		const value = lines.map(({ line }) => `${line}\n`).join("");
		steps.push({ op: "resctrl.schemata", at: lines[0]?.at ?? pointer, root, path: group, value });
	}
	const monitored = `${group}/mon_groups/${id}`;
	if (intelRdt.enableMonitoring) {
		steps.push({ op: "resctrl.create", at: `${pointer}/enableMonitoring`, root, path: monitored });
	}
	steps.push({ op: "resctrl.join", at: pointer, root, path: group });
	if (intelRdt.enableMonitoring) {
		steps.push({ op: "resctrl.join", at: `${pointer}/enableMonitoring`, root, path: monitored });
	}
	return steps;
}

function groupOf({ closID }: IntelRdt, id: string, root: string): string {
	return closID === "/" ? root : `${root}/${closID || id}`;
}

/** In the order of the specification: L3, then memory bandwidth, then the free lines. */
function linesOf({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): { at: string; line: string }[] {
	return [
		{ at: `${pointer}/l3CacheSchema`, line: l3CacheSchema ?? "" },
		{ at: `${pointer}/memBwSchema`, line: memBwSchema ?? "" },
		...schemata.map((line, index) => ({ at: `${pointer}/schemata/${index}`, line })),
	].filter(({ line }) => line !== "");
}

/** `L3:0=fffff;1=f` to resource `L3` and values by cache id. Numbers lose leading zeros, which the kernel adds. */
function parseSchema(line: string): { resource: string; values: Map<string, string> } {
	const [resource = "", list = ""] = line.split(":");
	const values = new Map<string, string>();
	for (const entry of list.split(";")) {
		const [cache = "", value = ""] = entry.split("=");
		values.set(
			cache.trim().replace(/^0+(?=.)/, ""),
			value
				.trim()
				.toLowerCase()
				.replace(/^0+(?=.)/, ""),
		);
	}
	return { resource: resource.trim(), values };
}

/** Each value that the line gives must be the class's own; caches that it does not name may have any. */
function compare(at: string, line: string, existing: string, group: string): void {
	const wanted = parseSchema(line);
	const found = existing
		.split("\n")
		.map(parseSchema)
		.find(({ resource }) => resource === wanted.resource);
	const differs = [...wanted.values].some(([cache, value]) => found?.values.get(cache) !== value);
	if (found !== undefined && !differs) return;
	throw new RuntimeError(
		"config.invalid",
		`the class of service ${group} exists, and its schemata are not ${JSON.stringify(line)}`,
		{ pointer: at, path: group },
	);
}

/** The directories that the engine makes, children first. */
export function resctrlGroups(steps: readonly HostStep[]): string[] {
	return steps.flatMap((step) => (step.op === "resctrl.create" ? [step.path] : [])).reverse();
}

/** Those that `delete` removes: not a class that closID names, others may be in it (config-linux.md, "IntelRdt"). */
export function ownResctrlGroups(steps: readonly HostStep[]): string[] {
	return steps
		.flatMap((step) => (step.op === "resctrl.create" && step.at !== `${pointer}/closID` ? [step.path] : []))
		.reverse();
}
