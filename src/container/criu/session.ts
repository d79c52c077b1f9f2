/** One talk with criu: it is started, asked one thing, and ends. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { failedWith } from "../errno.js";
import type { Environment } from "../place.js";
import { hintFor } from "./hints.js";
import {
	type CriuAnswer,
	decodeAnswer,
	encodeRequest,
	type RequestParts,
	type RequestType,
	requestTypes,
} from "./rpc.js";

export interface CriuProgram {
	path: string;
	env: Environment;
	/** File for what criu prints while it is not the container's. */
	output: string;
}

export interface Asking extends RequestParts {
	/** Where criu writes its log, for the error. */
	log?: string;
	/** Descriptors 4 and up. */
	fds?: number[];
	/** criu gets our standard streams: they are to be the restored container's. */
	standardStreams?: boolean;
	/** criu runs, and has not been asked yet. */
	onStart?: (pid: number) => Partial<RequestParts> | undefined;
	/** criu waits for the answer; a failure makes it give up. */
	onNotify?: (script: string, pid: number, fd: number | undefined) => void;
}

/** The first that there is in PATH, as execvp would have it. */
export function findCriu(native: Native, env: Environment, given: string | undefined): string {
	if (given !== undefined) return given;
	for (const directory of (env.PATH || "/usr/sbin:/usr/bin:/sbin:/bin").split(":")) {
		const path = `${directory || "."}/criu`;
		const found = native.stat({ path });
		if (found?.type === "file" && (found.mode & 0o111) !== 0) return path;
	}
	throw new RuntimeError("host.unsupported", 'exec: "criu": executable file not found in $PATH', {
		hint: "checkpoint and restore take criu (https://criu.org): install it, or name it with --criu",
	});
}

/** Asks criu and returns its last answer, which was no failure. */
export function askCriu(native: Native, program: CriuProgram, type: RequestType, asking: Asking = {}): CriuAnswer {
	const { socket, pid, pidfd } = start(native, program, asking);
	try {
		const more = asking.onStart?.(pid);
		native.sendCriu({ socket, data: encodeRequest(type, { ...asking, ...more }) });
		for (;;) {
			const { data, fd } = native.receiveCriu({ socket });
			if (data.length === 0) throw silent(native, program, type);
			const answer = decodeAnswer(data);
			if (!answer.success) throw failed(native, type, answer, asking.log);
			if (answer.notify === undefined) return answer;
			asking.onNotify?.(answer.notify.script, answer.notify.pid, fd);
			native.sendCriu({ socket, data: encodeRequest("NOTIFY", { notifySuccess: true }) });
		}
	} catch (error) {
		// It ended by itself, and the request did not arrive.
		if (failedWith(error, "EPIPE", "ECONNRESET")) throw silent(native, program, type);
		throw error;
	} finally {
		// At the end of file criu ends; what it was about to restore, it takes back.
		native.close({ fd: socket });
		native.reap({ pidfd });
		native.close({ fd: pidfd });
	}
}

function start(native: Native, program: CriuProgram, asking: Asking): { socket: number; pid: number; pidfd: number } {
	const env = Object.entries(program.env).map(([name, value]) => `${name}=${value ?? ""}`);
	try {
		return native.startCriu({
			program: program.path,
			env,
			fds: asking.fds ?? [],
			...(asking.standardStreams ? {} : { output: program.output }),
		});
	} catch (error) {
		if (!failedWith(error, "ENOENT", "EACCES", "ENOEXEC")) throw error;
		throw new RuntimeError("host.unsupported", `unable to start criu: ${error.message}`, { path: program.path });
	}
}

/** Dies before it says a word: it does not know this kernel, most likely. */
function silent(native: Native, program: CriuProgram, type: RequestType): RuntimeError {
	const said = errorLines(native, program.output);
	const reason = said.length > 0 ? `: ${said[0]}` : "";
	return new RuntimeError("host.unsupported", `criu failed: type ${type}: it ended without an answer${reason}`, {
		path: program.path,
		...(said.length > 0 ? { output: said.join("\n") } : {}),
		hint: "`criu check` says what it misses on this kernel; a newer criu may know it",
	});
}

/** runc's words, and the lines of criu's log that say why. */
function failed(native: Native, type: RequestType, answer: CriuAnswer, log: string | undefined): RuntimeError {
	const names = Object.entries(requestTypes);
	const name = names.find(([, number]) => number === answer.type)?.[0] ?? type;
	const said = log === undefined ? [] : errorLines(native, log);
	const where = log === undefined ? "" : `\nlog file: ${log}`;
	const reason = answer.message.trim() || said[0];
	const hint = hintFor(said);
	return new RuntimeError(
		"criu",
		`criu failed: type ${name} errno ${answer.errno}${reason ? `: ${reason}` : ""}${where}`,
		{
			...(log === undefined ? {} : { path: log }),
			...(said.length > 0 ? { output: said.join("\n") } : {}),
			...(hint === undefined ? {} : { hint }),
		},
	);
}

function errorLines(native: Native, path: string): string[] {
	try {
		const lines = native.readText({ path, lossy: true }).split("\n");
		return lines.filter((line) => line.includes("Error")).map((line) => line.replace(/^\([\d.]+\)\s*(?:\d+:\s*)?/, ""));
	} catch {
		return [];
	}
}

/** Throws where this criu or this kernel lacks what an option needs. */
export function checkFeatures(
	native: Native,
	program: CriuProgram,
	wanted: { preDump: boolean; lazyPages: boolean },
): void {
	if (!wanted.preDump && !wanted.lazyPages) return;
	const { features } = askCriu(native, program, "FEATURE_CHECK", {
		features: { ...(wanted.preDump ? { memoryTracking: true } : {}), ...(wanted.lazyPages ? { lazyPages: true } : {}) },
	});
	const missing = [
		...(wanted.preDump && !features.memoryTracking ? ["MemTrack"] : []),
		...(wanted.lazyPages && !features.lazyPages ? ["LazyPages"] : []),
	];
	if (missing.length > 0)
		throw new RuntimeError("host.unsupported", `criu is missing features: [${missing.join(" ")}]`);
}

/** The version as one number, 31701 for 3.17.1. Also how it is found out whether criu starts on this kernel. */
export function criuVersion(native: Native, program: CriuProgram): number {
	const { version = 0 } = askCriu(native, program, "VERSION");
	if (version < 30_000) throw new RuntimeError("host.unsupported", `CRIU version ${version} must be 30000 or higher`);
	return version;
}
