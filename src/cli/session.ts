/** What every command gets beside its own arguments. */
import type { Native } from "../native/api.js";
import type { Log } from "./log.js";
import type { CommandName, Invocation } from "./table.js";

export interface Session {
	native: Native;
	log: Log;
}

/** A command: returns the exit status, throws what went wrong. */
export type Command<Name extends CommandName> = (
	invocation: Invocation<Name>,
	session: Session,
) => number | Promise<number>;
