/** `--trace`. */
import type { TracedStep } from "../../container/request.js";
import type { Session } from "../session.js";

/** A line for each step: microseconds, step, where its value comes from. */
export function printTrace(steps: readonly TracedStep[], { native }: Session): void {
	let total = 0;
	let text = "";
	for (const { op, at, microseconds } of steps) {
		total += microseconds;
		text += `${String(microseconds).padStart(8)} µs  ${at === undefined ? op : `${op.padEnd(24)}${at}`}\n`;
	}
	native.print({ fd: 2, text: `${text}${String(total).padStart(8)} µs  in all\n` });
}
