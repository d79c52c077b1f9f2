import { destroy } from "../../container/delete.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

/** `delete`; the word itself is a keyword. */
export const remove: Command<"delete"> = ({ global, options, positionals }, { native, log }) => {
	const id = positionals[0] ?? "";
	const place = placeOf(global);
	const one = (name: string): void =>
		destroy(native, {
			...place,
			id: name,
			force: options.force === true,
			// A failing poststop hook: the container goes away all the same, and the specification wants it said.
			onWarning: (message, pointer) => log.notice(message, pointer),
		});
	if (options.regex !== true) {
		one(id);
		return 0;
	}
	return import("../../container/matching.js").then(({ forEachMatching }) => {
		forEachMatching(native, place, id, one, (message) => log.notice(message));
		return 0;
	});
};
