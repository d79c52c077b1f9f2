import { type ContainerEvent, followEvents, statsOnce } from "../../container/events.js";
import { RuntimeError } from "../../errors.js";
import { readDuration } from "../duration.js";
import { exactText } from "../exact-text.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const events: Command<"events"> = ({ global, options, positionals }, { native, log }) => {
	const request = { ...placeOf(global), id: positionals[0] ?? "" };
	const intervalMs = readInterval(options.interval ?? "5s");
	const print = (event: ContainerEvent): void => native.print({ fd: 1, text: `${exactText(event)}\n` });
	if (options.stats) print(statsOnce(native, request));
	else {
		followEvents(native, {
			...request,
			intervalMs,
			output: 1,
			onEvent: print,
			onNotice: (message) => log.notice(message),
		});
	}
	return 0;
};

function readInterval(text: string): number {
	const intervalMs = readDuration(text);
	if (intervalMs === undefined) {
		throw new RuntimeError("usage", `invalid value "${text}" for flag -interval: parse error`, {
			hint: "a duration is written like 500ms, 5s or 1m30s",
		});
	}
	if (intervalMs <= 0) throw new RuntimeError("usage", "duration interval must be greater than 0");
	return intervalMs;
}
