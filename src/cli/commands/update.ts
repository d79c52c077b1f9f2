/** `update`: the flags, or a document, as resources. */
import { diagnose, parseResources } from "../../bundle/resources.js";
import type { Resources } from "../../bundle/spec.js";
import { update as updateContainer } from "../../container/update.js";
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import type { Command } from "../session.js";
import { readSize } from "../size.js";
import type { OptionsOf } from "../table.js";
import { placeOf } from "./place.js";

type Options = OptionsOf<"update">;

/** Where a flag's value goes, and what it is. */
const flags: readonly [keyof Options, string, "integer" | "size" | "text"][] = [
	["blkio-weight", "/blockIO/weight", "integer"],
	["cpu-period", "/cpu/period", "integer"],
	["cpu-quota", "/cpu/quota", "integer"],
	["cpu-burst", "/cpu/burst", "integer"],
	["cpu-share", "/cpu/shares", "integer"],
	["cpu-rt-period", "/cpu/realtimePeriod", "integer"],
	["cpu-rt-runtime", "/cpu/realtimeRuntime", "integer"],
	["cpuset-cpus", "/cpu/cpus", "text"],
	["cpuset-mems", "/cpu/mems", "text"],
	["cpu-idle", "/cpu/idle", "integer"],
	["memory", "/memory/limit", "size"],
	["memory-reservation", "/memory/reservation", "size"],
	["memory-swap", "/memory/swap", "size"],
	["kernel-memory", "/memory/kernel", "size"],
	["kernel-memory-tcp", "/memory/kernelTCP", "size"],
	["pids-limit", "/pids/limit", "integer"],
];

export const update: Command<"update"> = ({ global, options, positionals }, { native }) => {
	// An empty value is no value to runc.
	const given = flags.filter(([name]) => Boolean(options[name]));
	const fromFile = Boolean(options.resources);
	const [first] = given;
	if (fromFile && first !== undefined) {
		throw new RuntimeError("usage", `--resources and --${first[0]} can't be given together`, {
			hint: "the document has a place for every value",
		});
	}
	const schemas = {
		...(options["l3-cache-schema"] ? { l3CacheSchema: options["l3-cache-schema"] } : {}),
		...(options["mem-bw-schema"] ? { memBwSchema: options["mem-bw-schema"] } : {}),
	};
	updateContainer(native, {
		...placeOf(global),
		id: positionals[0] ?? "",
		resources: fromFile ? parseResources(readDocument(native, options.resources ?? "")) : resourcesOf(options, given),
		nameOf: fromFile ? (pointer) => `resources#${pointer}` : flagOf,
		...(Object.keys(schemas).length > 0 ? { schemas } : {}),
	});
	return 0;
};

function readDocument(native: Native, path: string): string {
	return path === "-" ? native.readInput() : native.readText({ path });
}

function flagOf(pointer: string): string {
	const name = flags.find(([, place]) => place === pointer)?.[0];
	return name === undefined ? `linux.resources#${pointer}` : `--${name}`;
}

/** Throws one error that says everything that is wrong with the values. */
function resourcesOf(options: Options, given: typeof flags): Resources {
	const resources: Record<string, Record<string, unknown>> = {};
	const faults: string[] = [];
	for (const [name, pointer, kind] of given) {
		const text = String(options[name]);
		const value = kind === "text" ? text : kind === "size" && text !== "-1" ? plain(readSize(text)) : readInteger(text);
		if (value === undefined) {
			faults.push(
				`invalid value for ${name}: ${JSON.stringify(text)} is no ${kind === "size" ? "size, such as 512M, or -1 for no limit" : "number"}`,
			);
			continue;
		}
		const [, part = "", field = ""] = pointer.split("/");
		resources[part] = { ...resources[part], [field]: value };
	}
	for (const { pointer, message } of diagnose(resources))
		faults.push(`invalid value for ${flagOf(pointer).slice(2)}: ${message}`);
	if (faults.length > 0) throw new RuntimeError("usage", faults.join("\n  "));
	return resources as Resources;
}

function readInteger(text: string): bigint | number | undefined {
	return /^[+-]?\d+$/.test(text) ? plain(BigInt(text.replace(/^\+/, ""))) : undefined;
}

/** A number where it is exact, as in documents. */
function plain(value: bigint | undefined): bigint | number | undefined {
	return value !== undefined && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
