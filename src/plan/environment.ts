/** process.env, and what the runtime adds to it. */
import type { Context } from "./context.js";

/** Where the proxy socket of sd_notify(3) is bound in the container, as in runc. */
export const notifyDestination = "/run/notify";

export interface Environment {
	variables: string[];
	/** Directories in which args[0] is looked for; empty when PATH is not set, as in runc. */
	searchPath: string;
	/** HOME is unset or empty, so the init takes it from /etc/passwd. */
	needsHome: boolean;
}

export function compileEnvironment(context: Context): Environment {
	const entries: [string, string | undefined][] = (context.process.env ?? []).map(split);
	if (context.options.notifyDirectory !== undefined)
		entries.push(["NOTIFY_SOCKET", `${notifyDestination}/notify.sock`]);
	if (context.options.listenFds > 0) {
		entries.push(["LISTEN_FDS", String(context.options.listenFds)], ["LISTEN_PID", "1"]);
	}
	// The last of several counts, at its own place. getenv(3) would find the first.
	const last = new Map(entries.map(([name], index) => [name, index]));
	const values = new Map(entries);
	const needsHome = !values.get("HOME");
	const variables = entries
		.filter(([name], index) => last.get(name) === index && !(name === "HOME" && needsHome))
		.map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
	return { variables, searchPath: values.get("PATH") ?? "", needsHome };
}

/** An entry that is no assignment reaches the program as it is, as the bundle's warning says. */
function split(text: string): [string, string | undefined] {
	const equals = text.indexOf("=");
	return equals > 0 ? [text.slice(0, equals), text.slice(equals + 1)] : [text, undefined];
}
