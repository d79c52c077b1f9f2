/** Where the values of linux.resources go: steps that write the control files of one container's cgroups. */
import { RuntimeError } from "../errors.js";
import type { HostStep, Plan } from "../plan/schema.js";
import { type CgroupTarget, pointerTo, type Resources, type WriteOptions } from "./resources.js";

export class Writes implements CgroupTarget {
	readonly steps: HostStep[];
	readonly saved: Resources | undefined;
	private readonly cgroups: Plan["cgroups"];

	/** Steps are appended to `steps`. */
	constructor(cgroups: Plan["cgroups"], steps: HostStep[], saved?: Resources) {
		this.steps = steps;
		this.cgroups = cgroups;
		this.saved = saved;
	}

	/** On v2 which controllers there are is known only to the kernel: a missing one is a missing file (ENOENT). */
	directory(controller: string, pointer: string): string {
		for (let index = 0; index < this.cgroups.length; index++) {
			const { controller: names, path } = this.cgroups[index] as Plan["cgroups"][number];
			if (names === controller || names === "" || `,${names},`.includes(`,${controller},`)) return path;
		}
		return missing(controller, pointer);
	}

	write(controller: string, pointer: string, file: string, value: string, how?: WriteOptions): void {
		const at = pointerTo(pointer);
		const directory = this.directory(controller, at);
		const step: HostStep = { op: "cgroup.write", at, path: `${directory}/${file}`, value };
		if (how?.optional) step.optional = true;
		if (how?.instead) step.instead = { path: `${directory}/${how.instead.file}`, value: how.instead.value };
		this.steps.push(step);
	}
}

export function missing(controller: string, pointer: string): never {
	throw new RuntimeError("cgroup", `cgroup: controller "${controller}" is not mounted, so its limit can't be set`, {
		pointer,
		hint: `mount the hierarchy on the host, or take the limit out of config.json#${pointer}`,
	});
}
