import { state as readState } from "../../container/state.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

/** No newline at the end, as with runc. */
export const state: Command<"state"> = ({ global, positionals }, { native }) => {
	const found = readState(native, { ...placeOf(global), id: positionals[0] ?? "" });
	native.print({ fd: 1, text: JSON.stringify(found, null, 2) });
	return 0;
};
