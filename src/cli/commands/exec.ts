import { exec as execInContainer } from "../../container/exec.js";
import type { ExecRequest } from "../../container/exec-request.js";
import { RuntimeError } from "../../errors.js";
import type { ExecOptions } from "../../plan/exec-process.js";
import type { Command } from "../session.js";
import type { Invocation } from "../table.js";
import { placeOf } from "./place.js";
import { printTrace } from "./trace.js";

export const exec: Command<"exec"> = (invocation, session) => {
	const { native, log } = session;
	const { global, options, positionals } = invocation;
	const request: ExecRequest = {
		...placeOf(global),
		id: positionals[0] ?? "",
		options: processOptions(invocation),
		detach: options.detach === true,
		preserveFds: options["preserve-fds"] ?? 0,
		ignorePaused: options["ignore-paused"] === true,
		onWarning: (message, pointer) => log.warning(message, pointer),
	};
	// An empty value is none, as with runc.
	if (options.process) request.processFile = options.process;
	if (options["pid-file"]) request.pidFile = options["pid-file"];
	if (options["console-socket"]) request.consoleSocket = options["console-socket"];
	if (options["pidfd-socket"]) request.pidfdSocket = options["pidfd-socket"];
	if (options.cgroup) request.cgroups = options.cgroup;
	if (options.explain) {
		return import("./explain-exec.js").then(({ explainExec }) => explainExec(request, options.json === true, session));
	}
	if (options.json) throw new RuntimeError("usage", "--json is for --explain: exec itself prints nothing");
	if (global.trace) request.onTrace = (steps) => printTrace(steps, session);
	return execInContainer(native, request);
};

function processOptions({ options, positionals }: Invocation<"exec">): ExecOptions {
	const own: ExecOptions = { args: positionals.slice(1), tty: options.tty === true };
	if (options.cwd) own.cwd = options.cwd;
	if (options.env) own.env = options.env;
	if (options.user) own.user = options.user;
	if (options["additional-gids"]) own.additionalGids = options["additional-gids"];
	if (options.cap) own.capabilities = options.cap;
	if (options["no-new-privs"] !== undefined) own.noNewPrivileges = options["no-new-privs"];
	if (options.apparmor) own.apparmorProfile = options.apparmor;
	if (options["process-label"]) own.selinuxLabel = options["process-label"];
	return own;
}
