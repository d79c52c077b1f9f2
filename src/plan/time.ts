/** linux.timeOffsets and the time namespace. */
import { RuntimeError } from "../errors.js";
import type { Context, Linux } from "./context.js";
import type { InitStep, InitStepOf } from "./schema.js";

type Offsets = InitStepOf<"time.create">["offsets"];
type TimeOffset = NonNullable<NonNullable<Linux["timeOffsets"]>["monotonic"]>;

/**
 * It has to belong to the container's user namespace, or who enters the container by that later may not enter its time:
 * so it is made where the init is in it, which is before the clone for one that is joined, and after it for a new one.
 */
export function createTimeNamespace(context: Context, place: "before clone" | "after clone", init: InitStep[]): void {
	const at = context.namespaces.pointer("time");
	if (at === undefined || context.namespaces.isNew("user") !== (place === "after clone")) return;
	if (!context.host.timeNamespaces) {
		throw new RuntimeError("host.unsupported", "time namespaces aren't enabled in the kernel", {
			pointer: at,
			hint: "they take Linux 5.6 with CONFIG_TIME_NS",
		});
	}
	const { timeOffsets } = context.linux;
	init.push({
		op: "time.create",
		at: timeOffsets === undefined ? at : "/linux/timeOffsets",
		offsets: [...offset("monotonic", timeOffsets?.monotonic), ...offset("boottime", timeOffsets?.boottime)],
	});
}

function offset(clock: Offsets[number]["clock"], value: TimeOffset | undefined): Offsets {
	return value === undefined ? [] : [{ clock, secs: String(value.secs ?? 0), nanosecs: value.nanosecs ?? 0 }];
}
