import { pause as pauseContainer } from "../../container/pause.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const pause: Command<"pause"> = ({ global, positionals }, { native }) => {
	pauseContainer(native, { ...placeOf(global), id: positionals[0] ?? "" });
	return 0;
};
