import { kill as killContainer } from "../../container/kill.js";
import { signalNumber } from "../../container/signals.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const kill: Command<"kill"> = ({ global, options, positionals }, { native, log }) => {
	const [id = "", signal] = positionals;
	const place = placeOf(global);
	const request = {
		...place,
		...(signal === undefined ? {} : { signal }),
		all: options.all === true,
		onNotice: (message: string) => log.notice(message),
	};
	if (options.regex !== true) {
		killContainer(native, { ...request, id });
		return 0;
	}
	return import("../../container/matching.js").then(({ forEachMatching }) => {
		// Said once, not for every container, and where none matches.
		if (signal !== undefined) signalNumber(signal);
		const one = (match: string): void => killContainer(native, { ...request, id: match });
		forEachMatching(native, place, id, one, (message) => log.notice(message));
		return 0;
	});
};
