import { checkpoint as checkpointContainer } from "../../container/criu/checkpoint.js";
import type { Command } from "../session.js";
import { criuRequest } from "./criu.js";

export const checkpoint: Command<"checkpoint"> = (invocation, { native, log }) => {
	const { options } = invocation;
	const statusFd = options["status-fd"];
	checkpointContainer(native, {
		...criuRequest(invocation),
		parentPath: options["parent-path"] ?? "",
		leaveRunning: options["leave-running"] === true,
		preDump: options["pre-dump"] === true,
		tcpSkipInFlight: options["tcp-skip-in-flight"] === true,
		linkRemap: options["link-remap"] === true,
		pageServer: options["page-server"] ?? "",
		...(statusFd === undefined ? {} : { statusFd }),
		// A failing poststop hook: the container goes away all the same.
		onWarning: (message, pointer) => log.aside(message, pointer),
	});
	return 0;
};
