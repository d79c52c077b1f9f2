import { restore as restoreContainer } from "../../container/criu/restore.js";
import { cgroupDriver } from "../cgroup-driver.js";
import { rootlessMode } from "../rootless-mode.js";
import type { Command } from "../session.js";
import { criuRequest } from "./criu.js";

export const restore: Command<"restore"> = (invocation, { native, log }) => {
	const { global, options } = invocation;
	const { "console-socket": consoleSocket, "pid-file": pidFile } = options;
	const { "lsm-profile": lsmProfile, "lsm-mount-context": lsmMountContext } = options;
	return restoreContainer(native, {
		...criuRequest(invocation),
		...rootlessMode(global),
		...cgroupDriver(global),
		bundle: options.bundle || ".",
		...(consoleSocket ? { consoleSocket } : {}),
		...(pidFile ? { pidFile } : {}),
		detach: options.detach === true,
		noSubreaper: options["no-subreaper"] === true,
		noPivot: options["no-pivot"] === true,
		tcpClose: options["tcp-close"] === true,
		...(lsmProfile ? { lsmProfile } : {}),
		...(lsmMountContext ? { lsmMountContext } : {}),
		onWarning: (message, pointer) => log.warning(message, pointer),
		onNotice: (message, pointer) => log.aside(message, pointer),
	});
};
