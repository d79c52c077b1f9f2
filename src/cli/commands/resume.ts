import { resume as resumeContainer } from "../../container/pause.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const resume: Command<"resume"> = ({ global, positionals }, { native }) => {
	resumeContainer(native, { ...placeOf(global), id: positionals[0] ?? "" });
	return 0;
};
