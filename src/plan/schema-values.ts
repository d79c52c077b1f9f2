/** What the steps of a plan have in common; see schema.ts. */
import { z } from "zod";

export const at = z.string().optional().describe("JSON pointer of the config.json value that this step comes from");

export const namespaceType = z.enum(["user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"]);

/** Per-mount attributes, named after MOUNT_ATTR_* (mount_setattr(2)). */
export const mountAttribute = z.enum(["rdonly", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"]);
export const atime = z.enum(["relatime", "noatime", "strictatime"]);
export const propagation = z.enum([
	"private",
	"rprivate",
	"slave",
	"rslave",
	"shared",
	"rshared",
	"unbindable",
	"runbindable",
]);

/** A change of per-mount attributes: what to set, what to clear; what neither list names stays as it is. */
export const attributeChange = z.object({
	set: z.array(mountAttribute).optional(),
	clear: z.array(mountAttribute).optional(),
	atime: atime.optional(),
});

/** First id inside, first id outside, how many; as a line of /proc/PID/uid_map. */
export const idRange = z.tuple([z.number(), z.number(), z.number()]);

/** The mapping of an id-mapped mount, from the ids in the filesystem to those that they are on the host. */
export const mountIdMap = z.object({
	recursive: z.boolean().describe("ridmap: the mounts below it too"),
	uid: z.array(idRange).optional().describe("absent, with gid: the mapping of the user namespace that the init is in"),
	gid: z.array(idRange).optional(),
});

/** Steps of the init, or of the engine where the init has no say (scheduling.ts). */
export const scheduler = z
	.object({
		op: z.literal("process.scheduler"),
		at,
		policy: z.string().describe("SCHED_*"),
		nice: z.number().int(),
		priority: z.number().int(),
		flags: z.array(z.string()).describe("SCHED_FLAG_*"),
		runtime: z.string().describe("nanoseconds, as are deadline and period"),
		deadline: z.string(),
		period: z.string(),
	})
	.describe("sched_setattr(2)");
export const ioPriority = z
	.object({
		op: z.literal("process.ioPriority"),
		at,
		class: z.string().describe("IOPRIO_CLASS_*"),
		priority: z.number().int(),
	})
	.describe("ioprio_set(2), for the process group");
