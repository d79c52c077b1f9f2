import { create as createContainer } from "../../container/create.js";
import type { Command } from "../session.js";
import { launchRequest } from "./launch.js";

export const create: Command<"create"> = (invocation, session) => {
	const id = invocation.positionals[0] ?? "";
	createContainer(session.native, launchRequest(invocation, { id, bundle: invocation.options.bundle || "." }, session));
	return 0;
};
