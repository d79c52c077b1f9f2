/** `--pidfd-socket`: a descriptor of the container's process for the caller, which no other process can take the place of. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { StartedLaunch } from "./launch-state.js";

/** runc's word for the first process of a container; go-runc tells it from that of an exec ("setns") by it. */
const firstProcess = "standard";

/** Before the program runs: who asks for it wants to know how that ends. */
export function sendPidfd(native: Native, { request, pidfd }: StartedLaunch): void {
	const socket = request.pidfdSocket;
	if (!socket) return;
	try {
		native.sendTerminal({ socket, fd: pidfd, name: firstProcess });
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		throw new RuntimeError("io", `unable to hand the pidfd to ${socket}: ${text}`, {
			path: socket,
			hint: "--pidfd-socket names an AF_UNIX stream socket that somebody listens on",
		});
	}
}
