/** The seccomp filter on its way to the init, and its listener on its way to the agent. */
import { OCI_VERSION_MAX } from "../bundle/rules/version.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { errnoText } from "../plan/errno.js";
import type { Plan } from "../plan/schema.js";
import { type Filter, seccompFilter } from "./cache.js";
import { isNativeFailure } from "./errno.js";
import type { HookState } from "./hooks.js";
import type { ContainerRecord } from "./record.js";
import type { StateDirectory } from "./store.js";
import { hookState } from "./teardown.js";

/** The program of `plan.seccomp`: compiled, found in the cache below `root`, or as config.json brings it. */
export function filterOf(native: Native, root: string, { seccomp }: Pick<Plan, "seccomp">): Filter {
	const { program } = seccomp as { program?: string };
	if (program !== undefined) return { program: Buffer.from(program, "base64") };
	try {
		return seccompFilter(native, root, JSON.stringify(seccomp));
	} catch (error) {
		if (!isNativeFailure(error)) throw error;
		const { syscall, errno, code, detail } = error;
		const unknown = syscall === "seccomp_syscall_resolve_name";
		const what = unknown ? `unknown system call ${detail ?? ""}` : [syscall, detail].filter(Boolean).join(" ");
		const cause = unknown ? what : `${what}: ${errnoText(code, errno)}`;
		throw new RuntimeError("config.invalid", `unable to start container process: unable to init seccomp: ${cause}`, {
			pointer: "/linux/seccomp",
			errno: code,
			...(unknown ? { hint: "the annotation run.oci.seccomp_fail_unknown_syscall makes it an error" } : {}),
		});
	}
}

/** Keeps the filter for exec: what the bundle or the cache hold by then may be another one. */
export function saveFilter(native: Native, directory: StateDirectory, program: Uint8Array): void {
	native.appendText({ path: directory.seccomp, text: Buffer.from(program).toString("base64"), mode: 0o600 });
}

export function savedFilter(native: Native, directory: StateDirectory): Uint8Array {
	return Buffer.from(native.readText({ path: directory.seccomp }), "base64");
}

/** What hands a listener over: who gets it, and the container it belongs to. */
export interface ListenerDelivery {
	native: Native;
	record: ContainerRecord;
	/** Of the process that has the filter, as is `pid`; absent: the container's first one. */
	pidfd: number;
	pid?: number;
	/** Of the container; absent: created. */
	status?: HookState["status"];
}

/** Who has to hear of the container's filter once it is loaded, which is after start; undefined without an agent. */
export function delivery(native: Native, record: ContainerRecord, pidfd: number): ListenerDelivery | undefined {
	return record.runtime_ts.seccompListener === undefined ? undefined : { native, record, pidfd };
}

/** Sends the container process state of config-linux.md, and the listener, to the agent. */
export function deliverListener(delivery: ListenerDelivery, remoteFd: number): void {
	const { native, record, pidfd, pid = record.init_process_pid, status = "created" } = delivery;
	const listener = record.runtime_ts.seccompListener;
	if (listener === undefined)
		throw new RuntimeError("init", "the init broke the protocol: a listener without an agent");
	const { path, metadata } = listener;
	const state = JSON.stringify({
		ociVersion: OCI_VERSION_MAX,
		fds: ["seccompFd"],
		pid,
		...(metadata === undefined ? {} : { metadata }),
		state: hookState(record, status),
	});
	try {
		native.sendSeccompListener({ pidfd, remoteFd, socket: path, state });
	} catch (error) {
		if (!isNativeFailure(error)) throw error;
		const { syscall, errno, code } = error;
		const words =
			"unable to start container process: failed to connect with seccomp agent specified in the seccomp profile";
		throw new RuntimeError("init", `${words}: ${syscall} ${path}: ${errnoText(code, errno)}`, {
			pointer: "/linux/seccomp/listenerPath",
			path,
			syscall,
			errno: code,
			hint:
				code === "EAGAIN"
					? "the agent did not take it within 30 s"
					: "an agent has to listen on this AF_UNIX stream socket",
		});
	}
}

/** The init ended without a word after it loaded the filter, or before. */
export function listenerLost(): RuntimeError {
	const message = "unable to start container process: the process ended before its seccomp listener was handed over";
	return new RuntimeError("init", message, {
		pointer: "/linux/seccomp",
		hint: "a profile with SCMP_ACT_NOTIFY has to allow write, by which the runtime gets at the listener",
	});
}
