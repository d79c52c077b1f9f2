/** `--pidfd-socket`: a descriptor of the container's process for the caller, which no other process can take the place of. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { StartedLaunch } from "./launch-state.js";

/** runc's words for the first process of a container and for that of an exec, by which go-runc tells them apart. */
type Whose = "standard" | "setns";

/** Before the program runs: who asks for it wants to know how that ends. */
export function sendPidfd(native: Native, { request, pidfd }: StartedLaunch): void {
	if (request.pidfdSocket) handOverPidfd(native, request.pidfdSocket, pidfd, "standard");
}

export function handOverPidfd(native: Native, socket: string, pidfd: number, whose: Whose): void {
	try {
		native.sendTerminal({ socket, fd: pidfd, name: whose });
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		throw new RuntimeError("io", `unable to hand the pidfd to ${socket}: ${text}`, {
			path: socket,
			hint: "--pidfd-socket names an AF_UNIX stream socket that somebody listens on",
		});
	}
}
