/**
 * Where errors and debug records go: standard error for people, `--log` for engines.
 *
 * Engines read the log by machine. containerd takes the last error record, podman takes the whole file for one
 * JSON object: so unless more is asked for the log gets nothing but the one error that ends the command.
 */
import { type ErrorContext, RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { logTarget, openTarget, sendRecord } from "./log-target.js";
import type { GlobalOptions } from "./table.js";

export type Level = "error" | "warning" | "debug";

/** Fields of a record beside level, msg and time; logrus has them too, so no reader minds them. */
export type Fields = ErrorContext & { code?: string };

export interface Log {
	/** True with --debug or --log-level debug. */
	readonly debugging: boolean;
	/** Only with one of these. */
	debug(message: string): void;
	/** Only with these or --log-level warning; see above. */
	warning(message: string, pointer?: string): void;
	/** A warning unless --log-level is error, for the commands whose log podman does not read (start, delete). */
	notice(message: string, pointer?: string): void;
	/** The same for create and run: on standard error only, since Podman takes their log for one object. */
	aside(message: string, pointer?: string): void;
	/** The error that ends the command. */
	failure(error: RuntimeError): void;
}

/** Opens the log, so that a file that cannot be written is told before anything has happened. */
export function openLog(native: Native, global: GlobalOptions): Log {
	const target = global.log ? logTarget(global.log) : undefined;
	const json = global["log-format"] === "json";
	const level = global.debug ? "debug" : global["log-level"];
	const debugging = level === "debug";
	if (target !== undefined) openTarget(native, target);

	const write = (level: Level, message: string, fields: Fields): void => {
		if (target !== undefined && target.kind !== "file") {
			sendRecord(native, target.kind, target.name, { level, message, fields });
			return;
		}
		const time = `${new Date().toISOString().slice(0, 19)}Z`;
		const text = json ? jsonRecord(level, message, time, fields) : textRecord(level, message, time, fields);
		if (target === undefined) native.print({ fd: 2, text });
		else native.appendText({ path: target.path, text, mode: 0o644 });
	};

	return {
		debugging,
		debug(message) {
			if (debugging) write("debug", message, {});
		},
		warning(message, pointer) {
			if (debugging || level === "warning") write("warning", message, pointer === undefined ? {} : { pointer });
		},
		notice(message, pointer) {
			if (target === undefined) this.aside(message, pointer);
			else if (level !== "error") write("warning", message, pointer === undefined ? {} : { pointer });
		},
		aside(message, pointer) {
			if (level === "error") return;
			const place = pointer === undefined ? "" : ` (config.json#${pointer})`;
			native.print({ fd: 2, text: `warning: ${message}${place}\n` });
		},
		failure(failure) {
			const error = withPlace(failure);
			// go-runc returns all of standard error as the text of its error; docker and conmon match on it.
			native.print({ fd: 2, text: forPeople(error) });
			if (target !== undefined) write("error", error.message, { code: error.code, ...error.context });
		},
	};
}

/** Errors about the config name the value in the message, too: engines show nothing else. */
function withPlace(error: RuntimeError): RuntimeError {
	const { code, message, context } = error;
	const concernsConfig = code === "config.invalid" || code === "config.unsupported" || code === "host.unsupported";
	const place = placeOf(context);
	if (!concernsConfig || !place || message.includes("config.json") || message.includes(place)) return error;
	return new RuntimeError(code, `${message} (${place})`, context, error.status);
}

function placeOf({ pointer, origin }: ErrorContext): string | undefined {
	return origin ?? (pointer ? `config.json#${pointer}` : undefined);
}

function forPeople(error: RuntimeError): string {
	const { hint, output } = error.context;
	const place = placeOf(error.context);
	let text = error.message;
	// Most messages have runc's words only; those with the config value in them are not told twice.
	if (place && !text.includes(place)) text += ` (${place})`;
	text += "\n";
	if (output && !error.message.includes(output.trim()))
		text += `output: ${output.trimEnd().replaceAll("\n", "\n        ")}\n`;
	if (hint) text += `hint: ${hint}\n`;
	return text;
}

function jsonRecord(level: Level, msg: string, time: string, fields: Fields): string {
	return `${JSON.stringify({ level, msg, time, ...fields })}\n`;
}

/** logrus's text format, which is what `runc --log` writes. */
function textRecord(level: Level, message: string, time: string, fields: Fields): string {
	let line = `time="${time}" level=${level} msg=${quoted(message)}`;
	for (const [key, value] of Object.entries(fields)) line += ` ${key}=${quoted(String(value))}`;
	return `${line}\n`;
}

/** A bare word where logrus writes one. */
function quoted(text: string): string {
	return /^[A-Za-z0-9\-._/@^+]+$/.test(text) ? text : JSON.stringify(text);
}
