/**
 * What `exec` takes over from the container, kept in its record: what config.json says is settled when the container is
 * created. As in schema.ts, only types are taken from here, and 64-bit numbers are decimal strings.
 */
import { z } from "zod";
import { initStep } from "./schema.js";

const names = z.array(z.string()).optional();

/** config.json's process, without what is each process's own: its arguments and its terminal. */
const savedProcess = z.object({
	user: z
		.object({
			uid: z.number().int(),
			gid: z.number().int(),
			umask: z.number().int().optional(),
			additionalGids: z.array(z.number().int()).optional(),
		})
		.optional(),
	cwd: z.string(),
	env: names,
	capabilities: z
		.object({ bounding: names, effective: names, permitted: names, inheritable: names, ambient: names })
		.optional(),
	rlimits: z.array(z.object({ type: z.string(), soft: z.string(), hard: z.string() })).optional(),
	noNewPrivileges: z.boolean().optional(),
	apparmorProfile: z.string().optional(),
	selinuxLabel: z.string().optional(),
	oomScoreAdj: z.number().int().optional(),
	scheduler: z
		.object({
			policy: z.string(),
			nice: z.number().int().optional(),
			priority: z.number().int().optional(),
			flags: names,
			runtime: z.string().optional(),
			deadline: z.string().optional(),
			period: z.string().optional(),
		})
		.optional(),
	ioPriority: z.object({ class: z.string(), priority: z.number().int() }).optional(),
	execCPUAffinity: z.object({ initial: z.string().optional(), final: z.string().optional() }).optional(),
});

export const execDefaults = z.object({
	process: savedProcess,
	steps: z
		.array(initStep)
		.describe("of the container's own plan, for each process in it: keyring, personality, memory policy, seccomp"),
});

export type SavedProcess = z.infer<typeof savedProcess>;
export type ExecDefaults = z.infer<typeof execDefaults>;
