/** `exec --explain`: the plan that the same line would execute without it. */
import type { ExecRequest } from "../../container/exec-request.js";
import { explainExec as explainInContainer } from "../../container/explain-exec.js";
import { formatExecPlan } from "../plan-text.js";
import type { Session } from "../session.js";

export function explainExec(request: ExecRequest, json: boolean, { native }: Session): number {
	const { origin, ...explained } = explainInContainer(native, request);
	const text = json
		? `${JSON.stringify({ version: 1, ...explained }, null, 2)}\n`
		: formatExecPlan({ ...explained, origin });
	native.print({ fd: 1, text });
	return 0;
}
