/** Where `--log` leads: a file, or as with crun `file:PATH`, `journald:NAME`, `syslog:NAME`. */
import { type ErrorContext, RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";

export interface LogRecord {
	level: "error" | "warning" | "debug";
	message: string;
	fields: ErrorContext & { code?: string };
}

export type LogTarget = { kind: "file"; path: string } | { kind: "journald" | "syslog"; name: string };

const sockets = { journald: "/run/systemd/journal/socket", syslog: "/dev/log" } as const;
/** LOG_ERR, LOG_WARNING and LOG_DEBUG of syslog(3). */
const priorities = { error: 3, warning: 4, debug: 7 } as const;
/** LOG_USER. */
const facility = 1 << 3;

export function logTarget(text: string): LogTarget {
	if (text.startsWith("file:")) return { kind: "file", path: text.slice("file:".length) };
	for (const kind of ["journald", "syslog"] as const) {
		if (text.startsWith(`${kind}:`)) return { kind, name: text.slice(kind.length + 1) || "runtime-ts" };
	}
	return { kind: "file", path: text };
}

/** Fails when nobody is there to take the records; makes the file. */
export function openTarget(native: Native, target: LogTarget): void {
	if (target.kind === "file") {
		try {
			native.appendText({ path: target.path, text: "", mode: 0o644 });
		} catch (error) {
			throw new RuntimeError("io", `cannot open log file: ${(error as Error).message}`, { path: target.path });
		}
		return;
	}
	const path = sockets[target.kind];
	if (native.stat({ path }) !== undefined) return;
	throw new RuntimeError("io", `cannot open log: no ${target.kind} listens on ${path}`, {
		path,
		hint: "without a prefix --log takes a file",
	});
}

/** `name` and the record in a message of the target's own form. */
export function sendRecord(native: Native, kind: "journald" | "syslog", name: string, record: LogRecord): void {
	const data = kind === "syslog" ? syslogMessage(name, record, new Date()) : journalMessage(name, record);
	native.sendDatagram({ path: sockets[kind], data });
}

/** RFC 3164, as syslog(3) sends it. Newlines would be shown as #012. */
export function syslogMessage(name: string, { level, message, fields }: LogRecord, now: Date): Uint8Array {
	const time = `${now.toString().slice(4, 7)} ${String(now.getDate()).padStart(2)} ${now.toTimeString().slice(0, 8)}`;
	const { hint } = fields;
	const text = `${message}${hint === undefined ? "" : `; hint: ${hint}`}`.replaceAll(/\s*\n\s*/g, "; ");
	return Buffer.from(`<${facility | priorities[level]}>${time} ${name}[${process.pid}]: ${text}`);
}

/** The native protocol of systemd-journald (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
export function journalMessage(name: string, { level, message, fields }: LogRecord): Uint8Array {
	const parts = [field("MESSAGE", message), field("PRIORITY", String(priorities[level]))];
	parts.push(field("SYSLOG_IDENTIFIER", name));
	for (const [key, value] of Object.entries(fields))
		parts.push(field(`RUNTIME_TS_${key.toUpperCase()}`, String(value)));
	return Buffer.concat(parts);
}

/** A value of several lines has its size in front, as 64 bits. */
function field(name: string, value: string): Buffer {
	if (!value.includes("\n")) return Buffer.from(`${name}=${value}\n`);
	const bytes = Buffer.from(value);
	const size = Buffer.alloc(8);
	size.writeBigUInt64LE(BigInt(bytes.length));
	return Buffer.concat([Buffer.from(`${name}\n`), size, bytes, Buffer.from("\n")]);
}
