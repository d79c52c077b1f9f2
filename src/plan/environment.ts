/** process.env, and what the runtime adds to it. */
import { append } from "./append.js";
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

/** `listenPid`: of the process, in the container; 0 where the init fills it in. */
export function compileEnvironment({ process, options }: Context, listenPid: 0 | 1 = 1): Environment {
	const entries: string[] = [];
	if (process.env !== undefined) append(entries, process.env);
	if (options.notifyDirectory !== undefined) entries.push(`NOTIFY_SOCKET=${notifyDestination}/notify.sock`);
	if (options.listenFds > 0) entries.push(`LISTEN_FDS=${options.listenFds}`, `LISTEN_PID=${listenPid}`);

	// By name, so that an inherited property of Object is none.
	const values: Record<string, string> = Object.create(null);
	const last: Record<string, number> = Object.create(null);
	for (let index = 0; index < entries.length; index++) {
		const entry = entries[index] as string;
		const name = nameOf(entry);
		last[name] = index;
		values[name] = entry.slice(name.length + 1);
	}
	const needsHome = !values.HOME;
	const variables: string[] = [];
	for (let index = 0; index < entries.length; index++) {
		const entry = entries[index] as string;
		const name = nameOf(entry);
		// The last of several counts, at its own place. getenv(3) would find the first.
		if (last[name] === index && !(needsHome && name === "HOME")) variables.push(entry);
	}
	return { variables, searchPath: values.PATH ?? "", needsHome };
}

/** An entry that is no assignment is all name: it reaches the program as it is, as the bundle's warning says. */
function nameOf(entry: string): string {
	const equals = entry.indexOf("=");
	return equals > 0 ? entry.slice(0, equals) : entry;
}
