/** What `create` and `run` have in common: their options, as the container layer wants them. */
import type { LaunchRequest, TracedStep } from "../../container/request.js";
import { cgroupDriver } from "../cgroup-driver.js";
import { rootlessMode } from "../rootless-mode.js";
import type { Session } from "../session.js";
import type { Invocation } from "../table.js";
import { placeOf } from "./place.js";
import { printTrace } from "./trace.js";

export function launchRequest(
	{ global, options }: Invocation<"create"> | Invocation<"run">,
	{ id, bundle }: { id: string; bundle: string },
	session: Session,
): LaunchRequest {
	const { "console-socket": consoleSocket, "pid-file": pidFile, "pidfd-socket": pidfdSocket } = options;
	return {
		...placeOf(global),
		...rootlessMode(global),
		id,
		bundle,
		...(consoleSocket ? { consoleSocket } : {}),
		...(pidFile ? { pidFile } : {}),
		...(pidfdSocket ? { pidfdSocket } : {}),
		noPivot: options["no-pivot"] === true,
		noNewKeyring: options["no-new-keyring"] === true,
		preserveFds: options["preserve-fds"] ?? 0,
		...cgroupDriver(global),
		onWarning: (message, pointer) => session.log.warning(message, pointer),
		onNotice: (message, pointer) => session.log.aside(message, pointer),
		...(global.trace ? { onTrace: (steps: TracedStep[]) => printTrace(steps.map(atConfig), session) } : {}),
	};
}

const atConfig = ({ at, ...step }: TracedStep): TracedStep => (at === undefined ? step : { ...step, at: `#${at}` });
