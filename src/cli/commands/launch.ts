/** What `create` and `run` have in common: their options, as the container layer wants them. */
import type { LaunchRequest, TracedStep } from "../../container/request.js";
import { cgroupDriver } from "../cgroup-driver.js";
import { rootlessMode } from "../rootless-mode.js";
import type { Session } from "../session.js";
import type { Invocation } from "../table.js";
import { placeOf } from "./place.js";

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
		...(global.trace ? { onTrace: (steps: TracedStep[]) => printTrace(steps, session) } : {}),
	};
}

/** A line for each step: microseconds, step, config value. */
function printTrace(steps: readonly TracedStep[], { native }: Session): void {
	let total = 0;
	let text = "";
	for (const { op, at, microseconds } of steps) {
		total += microseconds;
		text += `${String(microseconds).padStart(8)} µs  ${at === undefined ? op : `${op.padEnd(24)}#${at}`}\n`;
	}
	native.print({ fd: 2, text: `${text}${String(total).padStart(8)} µs  in all\n` });
}
