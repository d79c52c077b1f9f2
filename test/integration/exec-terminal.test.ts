/** exec on a terminal: in the foreground, and handed over a console socket. */
import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { end, exec, sleeping } from "../support/exec.js";
import { unlessPeer } from "../support/runtime.js";
import { Terminal } from "../support/terminal.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const container = sleeping(space);

function foreground(script: string, options: string[] = ["--tty"]): Terminal {
	const { runtime, id } = container;
	return new Terminal(["run", ...runtime.argv(["exec", ...options, id, "/bin/sh", "-c", script], [])]);
}

t.test("a terminal of the container's, its size, its owner, and control over it", async (t) => {
	const skip = unlessPeer({ crun: "1.8 does not pass on the size" });
	const terminal = foreground(
		"for fd in 0 1 2; do test -t $fd && echo fd$fd is a tty; done; tty; stty size; stat -c 'owner %u' $(tty);" +
			"exec 0<&- 1<&- 2<&-; echo through /dev/tty > /dev/tty",
		["--tty", "--user", "1000"],
	);
	t.equal((await terminal.ended()).status, 0, terminal.output);
	for (const fd of [0, 1, 2]) t.match(terminal.output, `fd${fd} is a tty`);
	t.match(terminal.output, /\/dev\/pts\/\d/);
	if (skip === false) t.match(terminal.output, /24 80/);
	t.match(terminal.output, "owner 1000");
	t.match(terminal.output, "through /dev/tty");
});

t.test("raw outside while it runs, resized, restored; exit status", async (t) => {
	const terminal = foreground(
		"trap 'stty size' WINCH; echo ready; until test $line; do read line; done; echo got $line; exit 3",
	);
	await terminal.shows(/ready/);
	t.notOk((await terminal.modes()).includes("echo"));
	terminal.size(31, 101);
	await terminal.shows(/31 101/);
	terminal.write("typed\r");
	const { status, modes } = await terminal.ended();
	t.equal(status, 3);
	t.match(terminal.output, /got typed/);
	t.same(modes, ["echo", "icanon", "isig", "onlcr"], "as before");
});

t.test("control characters are the program's", async (t) => {
	const terminal = foreground("trap 'echo interrupted' INT; echo ready; read a; cat; echo end of file");
	await terminal.shows(/ready/);
	terminal.write("\x03");
	await terminal.shows(/interrupted/);
	terminal.write("\x04");
	await terminal.shows(/end of file/);
	t.equal((await terminal.ended()).status, 0);
});

t.test("a program that can't be started leaves the terminal as it was", async (t) => {
	const { runtime, id } = container;
	const terminal = new Terminal(["run", ...runtime.argv(["exec", "--tty", id, "nosuch"], [])]);
	const { status, modes } = await terminal.ended();
	t.equal(status, 255);
	t.same(modes, ["echo", "icanon", "isig", "onlcr"]);
});

t.test("without --tty there is none, even on a terminal", async (t) => {
	const terminal = foreground(
		"tty < /proc/self/fd/9 9<&0; test -c /dev/tty; echo > /dev/tty || echo no controlling terminal",
		[],
	);
	await terminal.ended();
	t.match(terminal.output, "no controlling terminal");
});

t.test("--console-socket: detached, with the size of process.json", async (t) => {
	const socket = space.path("console.sock");
	const file = space.path("terminal.json");
	const pidFile = space.path("terminal.pid");
	const process = {
		terminal: true,
		consoleSize: { height: 33, width: 99 },
		args: ["/bin/sh", "-c", "tty; stty size; read line; echo got $line; sleep 1000"],
		cwd: "/",
		env: ["PATH=/bin"],
		user: { uid: 0, gid: 0 },
	};
	writeFileSync(file, JSON.stringify(process));
	const receiver = new Terminal(["receive", socket]);
	await receiver.answered(/listening/);
	// conmon before 2.1.11 gives --tty beside --process.
	const options = ["--process", file, "--detach", "--tty", "--pid-file", pidFile, "--console-socket", socket];
	const result = exec(container, options, "");
	t.equal(result.status, 0, result.stderr);
	await receiver.answered(/^received 1 \/dev\/pts\/\d+/m);
	await receiver.shows(/33 99\r\n/);
	t.ok((await receiver.modes()).includes("onlcr"), "the receiver's to change");
	receiver.write("typed\n");
	await receiver.shows(/got typed/);
	const pid = Number(readFileSync(pidFile, "utf8"));
	globalThis.process.kill(pid, "SIGKILL");
	await eventually(() => !exec(container, "", "ps").stdout.includes("got"), "it is gone");
	receiver.close();
});

t.test("the end", async () => end(container));

nothingLeft(t, space);
