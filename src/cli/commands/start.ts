import { start as startContainer } from "../../container/start.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const start: Command<"start"> = ({ global, positionals }, { native, log }) => {
	startContainer(native, {
		...placeOf(global),
		id: positionals[0] ?? "",
		onWarning: (message, pointer) => log.notice(message, pointer),
	});
	return 0;
};
