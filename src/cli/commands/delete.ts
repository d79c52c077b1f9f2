import { destroy } from "../../container/delete.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

/** `delete`; the word itself is a keyword. */
export const remove: Command<"delete"> = ({ global, options, positionals }, { native, log }) => {
	destroy(native, {
		...placeOf(global),
		id: positionals[0] ?? "",
		force: options.force === true,
		// A failing poststop hook: the container goes away all the same, and the specification wants it said.
		onWarning: (message, pointer) => log.notice(message, pointer),
	});
	return 0;
};
