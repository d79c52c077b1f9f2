/** What `exec` would do: its plan, and nothing done. */
import type { Native } from "../native/api.js";
import type { ExecPlan } from "../plan/exec.js";
import { compile, failingAsExec } from "./exec.js";
import { execCgroups } from "./exec-cgroups.js";
import type { ExecRequest } from "./exec-request.js";
import { checkEnterable } from "./exec-status.js";
import { checkPreservedFds, listenFds } from "./request.js";
import { loadRecord, locate } from "./store.js";

export interface ExplainedExec extends ExecPlan {
	id: string;
	warnings: { at?: string; message: string }[];
	/** Where the value that a step names comes from: `--user`, `config.json#/process/user`. */
	origin: (at: string) => string;
}

/** Fails in the same way as exec, as far as that shows without starting anything. */
export function explainExec(native: Native, request: ExecRequest): ExplainedExec {
	return failingAsExec(() => {
		const env = request.env ?? native.environment();
		const directory = locate(native, { ...request, env }, request.id);
		const fds = { sockets: listenFds(env), preserved: request.preserveFds ?? 0 };
		checkPreservedFds(native, fds.sockets, fds.preserved);
		const record = loadRecord(native, directory);
		checkEnterable(native, directory, record, request.ignorePaused === true);
		const warnings: ExplainedExec["warnings"] = [];
		const onWarning: ExecRequest["onWarning"] = (message, at) =>
			warnings.push(at === undefined ? { message } : { at, message });
		const cgroups = execCgroups(record.cgroup_paths, request.cgroups);
		const { plan, origin } = compile(native, { ...request, onWarning }, { directory, record }, fds, cgroups);
		return { ...plan, id: record.id, warnings, origin };
	});
}
