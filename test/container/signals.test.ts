import { constants } from "node:os";
import t from "tap";
import { signalName, signalNames, signalNumber } from "../../src/container/signals.js";

const good: [string, number][] = [
	["9", 9],
	["15", 15],
	["0", 0],
	["64", 64],
	["KILL", 9],
	["SIGKILL", 9],
	["sigkill", 9],
	["kill", 9],
	["TERM", 15],
	["winch", 28],
	["SIGPOLL", 29],
	["RTMIN", 34],
	["SIGRTMIN+3", 37],
	["rtmin+30", 64],
	["RTMAX", 64],
	["SIGRTMAX-2", 62],
];
const bad = ["", "SIG", "NOPE", "65", "-9", "9x", "1.5", "RTMIN-1", "RTMAX+1", "RTMIN+31", "SIGSIGKILL", "toString"];

t.test("numbers, names with and without SIG in any case, and real-time signals", async (t) => {
	for (const [text, number] of good) t.equal(signalNumber(text), number, text);
});

t.test("every name means what it means to the kernel", async (t) => {
	const known = Object.entries(constants.signals);
	t.ok(known.length > 30);
	for (const [name, number] of known) t.equal(signalNumber(name), number, name);
	// What Node has no names for.
	const others = signalNames().filter((name) => !(`SIG${name}` in constants.signals));
	const numbers: Record<string, number> = { CLD: constants.signals.SIGCHLD, UNUSED: constants.signals.SIGSYS };
	for (const name of others) t.equal(signalNumber(name), numbers[name], name);
	t.equal(signalName(11), "SIGSEGV");
	t.equal(signalName(40), "signal 40");
});

t.test("anything else is an unknown signal", async (t) => {
	for (const text of bad) t.throws(() => signalNumber(text), { code: "usage", message: /^unknown signal / }, text);
	const thrown = t.throws(() => signalNumber("-9"));
	t.match(thrown, { context: { hint: /no dash before it/ } });
});
