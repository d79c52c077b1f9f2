/**
 * state.json: what is known of a container between two commands.
 *
 * The keys outside `runtime_ts` are runc's, with runc's meaning, because others read them from the state
 * directory: cadvisor and Podman's checkpoint take `cgroup_paths` and `namespace_paths`, tools take the pid.
 *
 * Only types are taken from this file (zod is never loaded at run time); the build makes a validator from
 * `containerRecord`, and the tests check every record that they write against it.
 */
import { z } from "zod";
import { execDefaults } from "../plan/exec-schema.js";
import { initStep, plan, systemdBus } from "../plan/schema.js";

const hook = z.object({
	path: z.string(),
	args: z.array(z.string()).optional(),
	env: z.array(z.string()).optional(),
	timeout: z.number().int().optional().describe("seconds"),
});

export const containerRecord = z.object({
	id: z.string(),
	init_process_pid: z.number().int().describe("0 until the container's first process exists"),
	init_process_start: z.number().int().describe("clock ticks since boot: a pid that was reused has another start time"),
	created: z.string().describe("RFC 3339"),
	config: z.object({
		rootfs: z.string(),
		readonlyfs: z.boolean(),
		hostname: z.string(),
		namespaces: z.array(z.object({ type: z.string(), path: z.string() })).describe("runc's names: NEWPID, NEWNS, ..."),
		labels: z.array(z.string()).describe("bundle=PATH, then the annotations"),
	}),
	rootless: z.boolean(),
	cgroup_paths: z.record(z.string(), z.string()).describe("controller to host path; on cgroup v2 the one key is empty"),
	namespace_paths: z.record(z.string(), z.string()),
	external_descriptors: z.array(z.string()),
	intel_rdt_path: z.string(),
	intel_rdt_mon_path: z.string().optional(),
	runtime_ts: z.object({
		version: z.literal(1).describe("of this object's shape"),
		ociVersion: z.string(),
		bundle: z.string(),
		annotations: z.record(z.string(), z.string()).optional(),
		poststart: z.array(hook).optional(),
		poststop: z.array(hook).optional(),
		hostMounts: z.literal(true).optional().describe("mounts of the container are in the runtime's mount namespace"),
		resources: z
			.record(z.string(), z.unknown())
			.optional()
			.describe("linux.resources as it is now, for update; integers above 2^53 are strings"),
		systemd: z
			.object({ unit: z.string(), bus: systemdBus, version: z.number().int().describe("of systemd") })
			.optional()
			.describe("the unit that is the container's cgroup; delete stops it"),
		resctrl: z.array(z.string()).optional().describe("resctrl groups that delete removes, children first"),
		seccompListener: plan.shape.seccompListener.describe("for start: the filter is loaded after it"),
		exec: execDefaults,
		startSteps: z
			.object({ first: z.number().int(), steps: z.array(initStep) })
			.optional()
			.describe(
				"init steps that run after start, so that start can tell which of them failed; the environment is left out",
			),
	}),
});

export type ContainerRecord = z.infer<typeof containerRecord>;
export type RecordedHook = z.infer<typeof hook>;
