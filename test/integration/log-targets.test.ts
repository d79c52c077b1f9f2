/** `--log journald:NAME` and `syslog:NAME`: a person finds the records with journalctl. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import t from "tap";
import { failed, oursOnly } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const journal = existsSync("/run/systemd/journal/socket") && existsSync("/dev/log");
const noJournal = journal ? false : "no systemd-journald listens here: run make test-vm";

const records = (name: string) =>
	execFileSync("journalctl", ["-t", name, "-o", "json", "--no-pager"], { encoding: "utf8" })
		.trim()
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, string>);

for (const kind of ["journald", "syslog"]) {
	t.test(`an error goes to ${kind}`, { skip: oursOnly || noJournal }, async (t) => {
		const name = `${space.token}-${kind}`;
		const result = space.runtime.command(["state", "nobody"], { globals: ["--log", `${kind}:${name}`] });
		t.ok(failed(result));
		t.match(result.stderr, /^container does not exist/);
		await eventually(() => records(name).length > 0, "the journal has it");
		const [record] = records(name);
		t.match(record, { MESSAGE: /^container does not exist/, PRIORITY: "3", SYSLOG_IDENTIFIER: name });
		if (kind === "journald") t.match(record, { RUNTIME_TS_CODE: /^container\./ });
	});
}

t.test("nobody listens: nothing is done", { skip: oursOnly || (journal && "a journal listens here") }, async (t) => {
	const container = space.container();
	for (const target of ["journald:x", "syslog:x"]) {
		const result = container.create([], { globals: ["--log", target] });
		t.equal(result.status, 1);
		t.match(result.stderr, /^cannot open log: no (?:journald|syslog) listens on \//);
	}
	t.same(space.leaks(), []);
});

t.test("file:PATH is a file", { skip: oursOnly }, async (t) => {
	const path = space.path("log");
	t.ok(failed(space.runtime.command(["state", "nobody"], { globals: ["--log", `file:${path}`] })));
	t.match(execFileSync("cat", [path], { encoding: "utf8" }), /level=error msg="container does not exist"/);
});

nothingLeft(t, space);
