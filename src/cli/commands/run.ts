/** `run`, in runc's form (`run -b BUNDLE ID`) and in the one for people (`run BUNDLE`). */
import { run as runContainer } from "../../container/run.js";
import type { Native } from "../../native/api.js";
import type { Command } from "../session.js";
import { launchRequest } from "./launch.js";

export const run: Command<"run"> = (invocation, session) => {
	const { options, positionals } = invocation;
	const { native } = session;
	const argument = positionals[0] ?? "";
	const named = options.bundle ? false : isBundle(native, argument);
	const id = named ? inventId(native, argument) : argument;
	const bundle = named ? argument : options.bundle || ".";
	const status = runContainer(native, {
		...launchRequest(invocation, { id, bundle }, session),
		detach: options.detach === true,
		keep: options.keep === true,
		noSubreaper: options["no-subreaper"] === true,
	});
	// Where the container outlives the command, its user has to learn the name that we gave it.
	if (named && options.detach) native.print({ fd: 1, text: `${id}\n` });
	else if (named && options.keep) native.print({ fd: 2, text: `kept as ${id}\n` });
	return status;
};

/** An id can't have a slash, so a caller of runc's form with its -b never comes here by accident. */
function isBundle(native: Native, argument: string): boolean {
	if (argument.includes("/") || argument === ".") return true;
	return (
		argument !== "" &&
		native.stat({ path: `${argument}/config.json` }) !== undefined &&
		!native.stat({ path: "config.json" })
	);
}

/** The bundle's own name with something behind it that two runs do not share. */
function inventId(native: Native, bundle: string): string {
	const path = native.stat({ path: bundle }) ? native.realPath({ path: bundle }) : bundle;
	const name = path.slice(path.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9_+.-]/g, "-") || "container";
	return `${name}-${Math.random().toString(36).slice(2, 8).padEnd(6, "0")}`;
}
