/** Steps of a plan that criu does not do, done by an init that ends behind them. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { explainFailure } from "../../plan/failure.js";
import type { InitStep } from "../../plan/schema.js";

/** `what` names the work in errors: "made mount points". */
export function runInit(native: Native, id: string, steps: readonly InitStep[], what: string): void {
	const init: InitStep[] = [...steps, { op: "start.wait", via: "channel" }];
	const channel = native.startInit({ preserveFds: 0 });
	let process: number | undefined;
	let ended = false;
	try {
		native.sendPlan({ channel, plan: JSON.stringify({ version: 1, id, init }) });
		for (;;) {
			const message = native.receive(process === undefined ? { channel } : { channel, pidfd: process });
			if (message.type === "pid") process = message.pidfd;
			else if (message.type === "ready") return;
			else if (message.type === "failure") throw explainFailure({ init }, message);
			else throw new RuntimeError("init", `the init ended while it ${what} (${message.type})`);
		}
	} finally {
		if (process !== undefined) {
			native.signalPid({ pidfd: process, signal: 9 });
			native.close({ fd: channel });
			native.reap({ pidfd: process });
			native.close({ fd: process });
			ended = true;
		}
		if (!ended) native.endInit({ channel });
	}
}
