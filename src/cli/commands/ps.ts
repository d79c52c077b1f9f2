import { listProcesses } from "../../container/processes.js";
import { hostTable, ofProcesses } from "../process-table.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const ps: Command<"ps"> = async ({ global, options, positionals }, { native }) => {
	const [id = "", ...args] = positionals;
	const pids = listProcesses(native, { ...placeOf(global), id });
	if (options.format === "json") {
		// Go's encoding of an empty slice, as with list.
		native.print({ fd: 1, text: `${pids.length === 0 ? "null" : JSON.stringify(pids)}\n` });
		return 0;
	}
	const table = await hostTable(args.length === 0 ? ["-ef"] : args, native.environment());
	native.print({ fd: 1, text: ofProcesses(table, pids) });
	return 0;
};
