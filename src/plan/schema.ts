/**
 * The plan: what runtime-ts is going to do, as plain data.
 *
 * Written once as zod schemas: here what the engine runs and the whole, in schema-init.ts what the init runs. Everyone else imports only the inferred types (erased at build time, so
 * zod is never loaded by the runtime); the build turns the same schemas into JSON Schema and a validator, and
 * the tests check every plan that they make against it. addon/init/ holds the C++ that executes `init`,
 * addon/steps/ the C++ for `host`; both refuse an `op` that they do not know.
 *
 * Conventions
 * - Every step has `op` and, where it comes from a config value, `at`: the JSON pointer of that value.
 * - 64-bit numbers are decimal strings, because a JSON number loses them above 2^53 in JavaScript.
 * - Paths named `source` or `path` in host steps are host paths; paths named `destination` or `path` in init
 *   steps are container paths: absolute, normalised, resolved by the init inside the rootfs by fd.
 */
import { z } from "zod";
import { initStep } from "./schema-init.js";
import {
	at,
	type attributeChange,
	idRange,
	ioPriority,
	type mountAttribute,
	type mountIdMap,
	type namespaceType,
	type propagation,
	scheduler,
} from "./schema-values.js";

export { initStep };

/** Where to reach systemd, tried in this order. */
export const systemdBus = z.array(
	z.object({
		address: z.string().describe("as sd_bus_set_address(3) takes it"),
		broker: z.boolean().describe("there is a message bus; without, systemd itself is at the other end"),
	}),
);

/** A property of a unit: see BusVariant in src/cgroup/unit-property.ts. */
const unitProperty = z.object({
	at,
	name: z.string(),
	signature: z.string().describe("of D-Bus, one complete type"),
	value: z.unknown().describe("text (numbers too), or a list for what has parts, or {signature, value} for a variant"),
});

const unit = { at, bus: systemdBus, unit: z.string().describe("name of the unit") };

/** Steps of the engine, in the host's namespaces, undone in reverse order by delete. */
export const hostStep = z.discriminatedUnion("op", [
	z
		.object({
			...unit,
			op: z.literal("systemd.start"),
			cgroup: z.string().describe("where its cgroup has to be then, below the mount point of a hierarchy"),
			version: z.number().int().describe("of the systemd that the properties are for"),
			enter: z.boolean().describe("the init is put into it; what it clones is born there"),
			properties: z.array(unitProperty),
		})
		.describe("StartTransientUnit, and waits until systemd has done it"),
	z
		.object({ ...unit, op: z.literal("systemd.set"), properties: z.array(unitProperty) })
		.describe("SetUnitProperties, until the next boot"),
	z
		.object({ ...unit, op: z.literal("systemd.stop") })
		.describe(
			"StopUnit, waits until systemd has done it, and makes systemd forget that it failed; one that is not there is fine",
		),
	z.object({
		op: z.literal("cgroup.create"),
		at,
		path: z.string().describe("host path of the directory; parents are made too"),
		v2: z
			.boolean()
			.optional()
			.describe("every parent below the mount point passes on all of its cgroup.controllers (cgroup.subtree_control)"),
	}),
	z
		.object({ op: z.literal("cgroup.removeParents"), at })
		.describe("takes back the parents that cgroup.create has made, where nothing is in them: only when a create fails"),
	z.object({
		op: z.literal("cgroup.write"),
		at,
		path: z.string().describe("host path of the control file"),
		value: z.string(),
		optional: z.boolean().optional().describe("a missing file is not an error"),
		instead: z.object({ path: z.string(), value: z.string() }).optional().describe("written where the file is missing"),
	}),
	z.object({
		op: z.literal("cgroup.check"),
		at,
		path: z.string().describe("host path of a file with one number, such as memory.usage_in_bytes"),
		atMost: z.string().describe("decimal; a greater number in the file is an error (EBUSY)"),
	}),
	z.object({
		op: z.literal("cgroup.inherit"),
		at,
		path: z.string().describe("cgroup directory"),
		file: z.string(),
		root: z
			.string()
			.describe(
				"hierarchy mount point: parents below it are filled too (cpuset.cpus and cpuset.mems on v1 start empty)",
			),
	}),
	z.object({
		op: z.literal("cgroup.devices"),
		at,
		path: z.string().describe("v2 cgroup directory"),
		program: z
			.array(z.number().int())
			.describe(
				"unsigned 32-bit halves of the BPF instructions (struct bpf_insn), as a little-endian machine has them",
			),
		rules: z.array(z.string()).describe("the rules the program was made from, for the reader"),
		replace: z
			.boolean()
			.optional()
			.describe("in one step, the program that the runtime has attached there before; without one it is attached"),
	}),
	z.object({
		op: z.literal("cgroup.delegate"),
		at,
		path: z.string().describe("v2 cgroup directory"),
		uid: z
			.number()
			.int()
			.describe(
				"on the host: becomes the owner of the directory and of the files that /sys/kernel/cgroup/delegate names",
			),
	}),
	z.object({
		op: z.literal("idmap.write"),
		at,
		uid: z.array(idRange),
		gid: z.array(idRange),
		denySetgroups: z.boolean(),
	}),
	z
		.object({
			op: z.literal("netDevice.move"),
			at,
			device: z.string().describe("name in the engine's network namespace"),
			name: z.string().optional().describe("name in the container; may be a pattern such as eth%d"),
			namespace: z.string().optional().describe("host path; absent: that of the container's first process"),
		})
		.describe(
			"run when the init asks by netDevices.wait; the device's lasting global addresses move too, and it is brought up",
		),
	z
		.object({ op: z.literal("netDevices.return"), at })
		.describe("moves devices back where the engine took them from: only when a create fails, never on delete"),
	z.object({ op: z.literal("netDevices.keep"), at }).describe("there will be no way back: forgets what return needs"),
	z.object({
		op: z.literal("resctrl.create"),
		at,
		root: z.string().describe("mount point of resctrl, for its last_cmd_status; the same in the other steps"),
		path: z.string().describe("host path of the group"),
	}),
	z.object({
		op: z.literal("resctrl.schemata"),
		at,
		root: z.string(),
		path: z.string(),
		value: z.string().describe("lines for the group's schemata file"),
	}),
	z
		.object({ op: z.literal("resctrl.join"), at, root: z.string(), path: z.string() })
		.describe("run when the container's first process is known"),
	scheduler,
	ioPriority,
]);

export const plan = z.object({
	version: z.literal(1),
	id: z.string(),
	/** OCI version, bundle and rootfs the plan was made from. */
	bundle: z.string(),
	rootfs: z.string(),
	mountedRoot: z
		.string()
		.optional()
		.describe(
			"without a mount namespace, where there is something to mount: host path where the engine attaches a copy of the rootfs, which root.open then opens",
		),
	host: z.array(hostStep).describe("run by the engine while the init already clones and mounts"),
	cgroups: z
		.array(
			z.object({
				controller: z
					.string()
					.describe("v1: the hierarchy's controllers, comma-separated; v2: empty, as in /proc/PID/cgroup"),
				path: z.string(),
				entered: z.boolean().optional().describe("systemd puts the init into it"),
			}),
		)
		.describe(
			"directories made by `host`; each that is not entered is joined by cgroup.join, or the first is cloned into (v2)",
		),
	init: z.array(initStep).describe("run by the init program, in this order"),
	seccomp: z
		.unknown()
		.optional()
		.describe("normalised profile for the filter compiler, or the program itself; see src/plan/seccomp.ts"),
	seccompListener: z
		.object({
			path: z.string().describe("host path, absolute, of the agent's socket"),
			metadata: z.string().optional(),
		})
		.optional()
		.describe("who gets the listener of the filter, once it is loaded"),
	trace: z.boolean().optional().describe("the init times each step and reports it"),
	warnings: z.array(z.object({ at: z.string().optional(), message: z.string() })),
});

export type IdRange = z.infer<typeof idRange>;
export type MountIdMap = z.infer<typeof mountIdMap>;
export type NamespaceType = z.infer<typeof namespaceType>;
export type MountAttribute = z.infer<typeof mountAttribute>;
export type AttributeChange = z.infer<typeof attributeChange>;
export type Propagation = z.infer<typeof propagation>;
export type InitStep = z.infer<typeof initStep>;
export type InitStepOf<Op extends InitStep["op"]> = Extract<InitStep, { op: Op }>;
export type UnitPropertyValue = z.infer<typeof unitProperty>;
export type HostStep = z.infer<typeof hostStep>;
export type Plan = z.infer<typeof plan>;
