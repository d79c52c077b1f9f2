/**
 * From an argument vector to an exit status.
 *
 * The short commands that engines call for every container are imported here; the others, and everything that needs
 * yargs, are loaded when they are asked for (a module costs its evaluation at each start of the program).
 *
 * For the same reason a table of objects that not every container needs stands behind a function, in all modules that
 * are imported here: cold, an object of three properties takes about 4000 instructions, the first Set 60000. Lists of
 * strings and numbers are part of the bytecode and cost nothing.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { remove } from "./commands/delete.js";
import { exec } from "./commands/exec.js";
import { kill } from "./commands/kill.js";
import { start } from "./commands/start.js";
import { state } from "./commands/state.js";
import { asRuntimeError } from "./failure.js";
import { openLog } from "./log.js";
import type { Parsed } from "./parse.js";
import { parse } from "./parse.js";
import type { Session } from "./session.js";
import type { GlobalOptions, Invocation } from "./table.js";

export async function main(argv: string[], native: Native): Promise<number> {
	let global: GlobalOptions = {};
	try {
		for (let index = 0; index < argv.length; index++) {
			if ((argv[index] as string).indexOf("\uFFFD") < 0) continue;
			(await import("./not-utf8.js")).refuseOtherBytes(native, argv);
			break;
		}
		const parsed = parse(argv) ?? (await parseSlowly(argv, native));
		if (typeof parsed === "number") return parsed;
		if (parsed.command === "version") {
			const { versionText } = await import("./version.js");
			native.print({ fd: 1, text: await versionText(native) });
			return 0;
		}
		global = parsed.global;
		const log = openLog(native, global);
		if (log.debugging) log.debug(`arguments: ${JSON.stringify(argv)}`);
		return await dispatch(parsed, { native, log });
	} catch (error) {
		return fail(error, native, global);
	}
}

/** Help, misuse, and the rare line that only yargs can read. */
async function parseSlowly(argv: string[], native: Native): Promise<Parsed | number> {
	const { loadAnywhere } = await import("./deleted-directory.js");
	const { parseFull } = await loadAnywhere(() => import("./full.js"));
	const outcome = await parseFull(argv);
	if (outcome.kind === "parsed") return outcome.parsed;
	if (outcome.kind === "help") {
		native.print({ fd: 1, text: outcome.text });
		return 0;
	}
	if (outcome.usage !== undefined) native.print({ fd: 1, text: outcome.usage });
	const { hint, message, status } = outcome;
	return fail(new RuntimeError("usage", message, hint === undefined ? {} : { hint }, status), native, outcome.global);
}

function fail(thrown: unknown, native: Native, global: GlobalOptions): number {
	const error = asRuntimeError(thrown);
	try {
		const log = openLog(native, global);
		log.failure(error);
		if (log.debugging && thrown instanceof Error && thrown.stack) log.debug(thrown.stack);
	} catch (logError) {
		// The log is what failed, now or in the first place: standard error is left.
		const { log: _unusable, ...rest } = global;
		const log = openLog(native, rest);
		const logFailure = asRuntimeError(logError);
		if (error.message !== logFailure.message) log.failure(error);
		log.failure(logFailure);
	}
	return error.status;
}

function dispatch(invocation: Invocation, session: Session): number | Promise<number> {
	switch (invocation.command) {
		case "create":
			return import("./commands/from-bundle.js").then(({ create }) => create(invocation, session));
		case "start":
			return start(invocation, session);
		case "run":
			return import("./commands/from-bundle.js").then(({ run }) => run(invocation, session));
		case "state":
			return state(invocation, session);
		case "kill":
			return kill(invocation, session);
		case "exec":
			return exec(invocation, session);
		case "delete":
			return remove(invocation, session);
		case "pause":
			return import("./commands/pause.js").then(({ pause }) => pause(invocation, session));
		case "resume":
			return import("./commands/resume.js").then(({ resume }) => resume(invocation, session));
		case "events":
			return import("./commands/events.js").then(({ events }) => events(invocation, session));
		case "checkpoint":
			return import("./commands/checkpoint.js").then(({ checkpoint }) => checkpoint(invocation, session));
		case "restore":
			return import("./commands/restore.js").then(({ restore }) => restore(invocation, session));
		case "ps":
			return import("./commands/ps.js").then(({ ps }) => ps(invocation, session));
		case "list":
			return import("./commands/list.js").then(({ list }) => list(invocation, session));
		case "update":
			return import("./commands/update.js").then(({ update }) => update(invocation, session));
		case "spec":
			return import("./commands/spec.js").then(({ spec }) => spec(invocation, session));
		case "features":
			return import("./commands/features.js").then(({ features }) => features(invocation, session));
		case "explain":
			return import("./commands/from-bundle.js").then(({ explain }) => explain(invocation, session));
		case "validate":
			return import("./commands/from-bundle.js").then(({ validate }) => validate(invocation, session));
		case "completion":
			return import("./commands/completion.js").then(({ completion }) => completion(invocation, session));
	}
}
