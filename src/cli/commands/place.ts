/** Where the containers of an invocation are recorded. */
import type { Place } from "../../container/place.js";
import type { GlobalOptions } from "../table.js";

export function placeOf(global: GlobalOptions): Place {
	// An empty --root is runc's way to say the default.
	return global.root ? { root: global.root } : {};
}
