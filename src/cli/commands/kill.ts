import { kill as killContainer } from "../../container/kill.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const kill: Command<"kill"> = ({ global, options, positionals }, { native }) => {
	const [id = "", signal] = positionals;
	killContainer(native, {
		...placeOf(global),
		id,
		...(signal === undefined ? {} : { signal }),
		all: options.all === true,
	});
	return 0;
};
