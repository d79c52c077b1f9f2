/** Signal names, as `kill` takes them. */
import { RuntimeError } from "../errors.js";

/** Numbers of x86 and Arm; the other architectures of Linux that number them differently are not supported. */
const numbers = (): Record<string, number> => ({
	HUP: 1,
	INT: 2,
	QUIT: 3,
	ILL: 4,
	TRAP: 5,
	ABRT: 6,
	IOT: 6,
	BUS: 7,
	FPE: 8,
	KILL: 9,
	USR1: 10,
	SEGV: 11,
	USR2: 12,
	PIPE: 13,
	ALRM: 14,
	TERM: 15,
	STKFLT: 16,
	CHLD: 17,
	CLD: 17,
	CONT: 18,
	STOP: 19,
	TSTP: 20,
	TTIN: 21,
	TTOU: 22,
	URG: 23,
	XCPU: 24,
	XFSZ: 25,
	VTALRM: 26,
	PROF: 27,
	WINCH: 28,
	IO: 29,
	POLL: 29,
	PWR: 30,
	SYS: 31,
	UNUSED: 31,
});

/** glibc keeps the first two real-time signals for itself, so its SIGRTMIN, which scripts mean, is 34. */
const realtimeMinimum = 34;
const realtimeMaximum = 64;

export const SIGKILL = 9;
export const SIGTERM = 15;

/** Names without SIG, for completion. */
export const signalNames = (): readonly string[] => Object.keys(numbers());

/** `SIGSEGV` of 11; real-time signals have no names of their own. */
export function signalName(number: number): string {
	const name = signalNames().find((candidate) => numbers()[candidate] === number);
	return name === undefined ? `signal ${number}` : `SIG${name}`;
}

/** Number of `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `SIGRTMAX-1`. */
export function signalNumber(text: string): number {
	if (/^\d+$/.test(text)) {
		const number = Number(text);
		// 0 only asks whether the process is there (kill(2)).
		if (number <= realtimeMaximum) return number;
		throw unknownSignal(text);
	}
	const name = text.toUpperCase().replace(/^SIG/, "");
	return numbers()[name] ?? realtimeNumber(name) ?? fail(text);
}

function realtimeNumber(name: string): number | undefined {
	const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
	if (!match) return undefined;
	const base = match[1] === "MIN" ? realtimeMinimum : realtimeMaximum;
	const number = base + Number(`${match[2] ?? "+"}${match[3] ?? "0"}`);
	return number >= realtimeMinimum && number <= realtimeMaximum ? number : undefined;
}

function fail(text: string): never {
	throw unknownSignal(text);
}

/** runc 1.1 and later quote the word; callers match on "unknown signal". */
function unknownSignal(text: string): RuntimeError {
	return new RuntimeError(
		"usage",
		`unknown signal ${JSON.stringify(text)}`,
		text.startsWith("-") ? { hint: "a signal has no dash before it: 9, KILL or SIGKILL" } : {},
	);
}
