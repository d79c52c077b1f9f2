import t from "tap";
import { journalMessage, logTarget, syslogMessage } from "../../src/cli/log-target.js";
import { drive, host } from "./drive.js";

t.test("what --log means", async (t) => {
	t.same(logTarget("/var/log/x"), { kind: "file", path: "/var/log/x" });
	t.same(logTarget("file:x"), { kind: "file", path: "x" });
	t.same(logTarget("journald:web"), { kind: "journald", name: "web" });
	t.same(logTarget("syslog:"), { kind: "syslog", name: "runtime-ts" });
	t.same(logTarget("journald"), { kind: "file", path: "journald" }, "crun's too need the colon");
});

t.test("a message to the journal: fields, and the size of those with several lines", async (t) => {
	const fields = { code: "config.invalid", pointer: "/mounts/0" };
	const message = journalMessage("web", { level: "error", message: "one\nzwö", fields });
	const size = "\x08\0\0\0\0\0\0\0";
	const own = "RUNTIME_TS_CODE=config.invalid\nRUNTIME_TS_POINTER=/mounts/0\n";
	t.equal(Buffer.from(message).toString(), `MESSAGE\n${size}one\nzwö\nPRIORITY=3\nSYSLOG_IDENTIFIER=web\n${own}`);
});

t.test("a message to syslog: one line, the hint in it", async (t) => {
	const record = { level: "warning" as const, message: "two errors\n  first", fields: { hint: "do this" } };
	t.equal(
		Buffer.from(syslogMessage("web", record, new Date(2026, 2, 5, 7, 8, 9))).toString(),
		`<12>Mar  5 07:08:09 web[${process.pid}]: two errors; first; hint: do this`,
	);
});

t.test("the error goes there, and to standard error; nobody there is an error before anything happens", async (t) => {
	const native = host();
	native.files.put("/dev/log", "");
	const { status, stderr } = await drive(native, "--log", "syslog:web", "state", "nobody");
	t.equal(status, 1);
	t.match(stderr, /^container does not exist/);
	const [call] = native.callsOf("sendDatagram");
	t.match(call, { path: "/dev/log" });
	t.match(Buffer.from(call?.data as Uint8Array).toString(), /^<11>.* web\[\d+\]: container does not exist/);

	const refused = await drive(host(), "--log", "journald:web", "list");
	t.equal(refused.status, 1);
	t.match(refused.stderr, /^cannot open log: no journald listens on \/run\/systemd\/journal\/socket\nhint: /);
});
