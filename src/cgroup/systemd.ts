/** The systemd driver: the container's cgroup is a transient unit, which systemd makes when it is asked by D-Bus. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { HostStep } from "../plan/schema.js";
import type { CgroupPlan } from "./compile.js";
import type { CgroupLayout } from "./layout.js";
import type { Resources } from "./resources.js";
import { annotatedProperties } from "./unit-annotations.js";
import { type UnitName, unitName } from "./unit-name.js";
import { flag, text, type UnitProperty } from "./unit-property.js";
import { resourceProperties } from "./unit-resources.js";

export interface BusAddress {
	/** As sd_bus_set_address(3) takes it. */
	address: string;
	/** There is a message bus; without, systemd itself is at the other end. */
	broker: boolean;
}

/** The systemd that manages the container's cgroup. */
export interface SystemdFacts {
	/** The manager of a user, not of the host. */
	user: boolean;
	/** Where to reach it, tried in this order. */
	bus: BusAddress[];
	/** The number that `systemctl --version` begins with. */
	version: number;
	/** Its own cgroup, in which its units are: empty for the root. */
	controlGroup: string;
}

export interface SystemdUnit {
	step: HostStep;
	/** Below the mount point of a hierarchy, with a leading slash. */
	path: string;
	/** systemd puts the process into the unit; into a slice it does not. */
	entered: boolean;
	warnings: { at: string; message: string }[];
}

interface UnitInput {
	id: string;
	spec: Spec;
	layout: CgroupLayout;
	systemd: SystemdFacts;
	/** Root on the host. */
	privileged: boolean;
}

/** The step that starts the unit, and where its cgroup is then. */
export function compileUnit({ id, spec, layout, systemd, privileged }: UnitInput): SystemdUnit {
	if (layout.mode === "none") {
		throw new RuntimeError(
			"host.unsupported",
			"no cgroup hierarchy is mounted here, so the cgroups that systemd makes can't be seen",
			{
				hint: "mount /sys/fs/cgroup, or choose --cgroup-manager disabled",
			},
		);
	}
	const mode = layout.mode === "v2" ? "v2" : "v1";
	if (systemd.user && mode === "v1") {
		throw new RuntimeError("host.unsupported", "systemd gives a user's units no cgroups on cgroup v1", {
			hint: "boot the host with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or leave --systemd-cgroup out",
		});
	}
	const name = unitName(id, spec.linux?.cgroupsPath, systemd.user);
	const warnings: SystemdUnit["warnings"] = [];
	const onInexactDevices = (rule: string): void => {
		// v2 has the runtime's own program beside.
		if (mode === "v2") return;
		const message = `systemd can't be told of device rule ${rule}; it allows more when it sets the devices of its units anew`;
		warnings.push({ at: "/linux/resources/devices", message });
	};
	const resources: Resources = spec.linux?.resources ?? {};
	const target = { mode, version: systemd.version, devices: privileged, onInexactDevices } as const;
	const properties = [
		...ownProperties(id, name, mode),
		...resourceProperties(resources, spec.ociVersion, target),
		...annotatedProperties(spec),
	];
	const path = systemd.controlGroup + name.path;
	const entered = name.kind === "scope";
	const step: HostStep = {
		op: "systemd.start",
		at: "/linux/cgroupsPath",
		bus: systemd.bus,
		unit: name.unit,
		cgroup: path,
		version: systemd.version,
		enter: entered,
		properties,
	};
	return { step, path, entered, warnings };
}

/** runc's. Without DefaultDependencies=no the unit would be stopped early at shutdown, before what runs in it. */
function ownProperties(id: string, { kind, slice }: UnitName, mode: "v1" | "v2"): UnitProperty[] {
	const list = [text("Description", `runtime-ts container ${id}`)];
	// A slice is where its name says; it can only want the other to be there.
	if (kind === "slice") list.push({ name: "Wants", signature: "as", value: [slice] });
	// Delegated, systemd leaves the files below to us, and gives all controllers.
	else list.push(text("Slice", slice), flag("Delegate", true));
	list.push(flag("MemoryAccounting", true), flag("CPUAccounting", true), flag("TasksAccounting", true));
	list.push(flag(mode === "v2" ? "IOAccounting" : "BlockIOAccounting", true), flag("DefaultDependencies", false));
	return list;
}

/** runc's words for a host without. */
export function requireSystemd({ systemd }: { systemd?: SystemdFacts }): SystemdFacts {
	if (systemd !== undefined) return systemd;
	throw new RuntimeError(
		"host.unsupported",
		"systemd cgroup flag passed, but systemd support for managing cgroups is not available",
	);
}

/**
 * systemd makes the directory and puts the init into it, on v1 in its own hierarchy and in those of the controllers that it
 * knows. What is written and joined after that is for the others (cpuset, freezer, hugetlb): it does no harm where
 * systemd was before, so nothing depends on which those are in some version of it.
 */
export function addUnit(plan: CgroupPlan, { step, entered, warnings }: SystemdUnit): void {
	plan.host.unshift(step);
	for (const cgroup of plan.cgroups) {
		const own = cgroup.controller === "" || cgroup.controller.startsWith("name=");
		if (entered && own) cgroup.entered = true;
	}
	plan.warnings.push(...warnings);
}
