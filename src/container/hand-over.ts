/** Descriptors for the caller: the terminal (`--console-socket`) and the process (`--pidfd-socket`). */
import { annotation } from "../bundle/annotations.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { ContainerRecord } from "./record.js";

/** `name`: of the terminal, which containerd, conmon and others expect not to be empty. */
export function handTerminal(native: Native, socket: string, fd: number, name: string): void {
	hand(native, { socket, fd, name }, "console", "--console-socket");
}

/** `kind`: runc's words for the first process of a container and for one of an exec; go-runc tells them apart by it. */
export function handPidfd(native: Native, socket: string | undefined, fd: number, kind: "standard" | "setns"): void {
	if (socket) hand(native, { socket, fd, name: kind }, "pidfd", "--pidfd-socket");
}

/** A container's first process: to --pidfd-socket, and to whom the annotation names, as with crun. */
export function handInit(
	native: Native,
	socket: string | undefined,
	{ pidfd, record }: { pidfd: number; record: ContainerRecord },
): void {
	handPidfd(native, socket, pidfd, "standard");
	const receiver = annotation(record.runtime_ts, "run.oci.pidfd_receiver");
	if (receiver) hand(native, { socket: receiver, fd: pidfd, name: "standard" }, "pidfd", "run.oci.pidfd_receiver");
}

function hand(
	native: Native,
	message: { socket: string; fd: number; name: string },
	what: "console" | "pidfd",
	option: string,
): void {
	try {
		native.sendTerminal(message);
	} catch (error) {
		const path = message.socket;
		const text = error instanceof Error ? error.message : String(error);
		throw new RuntimeError("console", `unable to hand the ${what} to ${path}: ${text}`, {
			path,
			hint: `${option} names an AF_UNIX stream socket that somebody listens on`,
		});
	}
}
