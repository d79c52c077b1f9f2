import { readFileSync } from "node:fs";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { Terminal } from "../support/terminal.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

const sizes = unlessPeer({ crun: "1.8 does not pass on the size" });

function shell(script: string, edit: Edit = () => {}): Container {
	return space.container((config, bundle) => {
		config.process.terminal = true;
		config.process.args = ["/bin/sh", "-c", script];
		edit(config, bundle);
	});
}

function foreground(container: Container, args: string[] = []): Terminal {
	const { runtime, bundle, id } = container;
	return new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, ...args, id], [])]);
}

t.test("foreground: a terminal inside, with the size of the one outside", { skip: sizes }, async (t) => {
	const terminal = foreground(
		shell(
			"for fd in 0 1 2; do test -t $fd && echo fd$fd is a tty; done; tty; stty size; " +
				"stat -c '%F %t:%T' /dev/console; ls -l /proc/self/fd/0 | sed 's/.*-> //'",
		),
	);
	const { status } = await terminal.ended();
	t.equal(status, 0, terminal.output);
	for (const fd of [0, 1, 2]) t.match(terminal.output, `fd${fd} is a tty`);
	t.match(terminal.output, /\/dev\/(pts\/0|console)/);
	t.match(terminal.output, /24 80/);
	t.match(terminal.output, /character special file 88:0/);
});

t.test("foreground: the pty is the controlling terminal", async (t) => {
	const terminal = foreground(shell("exec 0<&- 1<&- 2<&-; echo through /dev/tty > /dev/tty"));
	t.equal((await terminal.ended()).status, 0);
	t.match(terminal.output, /through \/dev\/tty/);
});

t.test("foreground: raw outside while it runs, restored after", async (t) => {
	const terminal = foreground(shell("echo ready; read line; echo got $line; exit 3"));
	await terminal.shows(/ready/);
	const during = await terminal.modes();
	for (const mode of ["echo", "icanon", "isig"]) t.notOk(during.includes(mode), `${mode} is off`);
	terminal.write("typed\r");
	const { status, modes } = await terminal.ended();
	t.equal(status, 3);
	t.match(terminal.output, /got typed/);
	t.same(modes, ["echo", "icanon", "isig", "onlcr"], "as before");
});

t.test("foreground: a crash of the runtime leaves no raw terminal", { skip: oursOnly }, async (t) => {
	const container = shell("trap 'echo was aborted' ABRT; echo ready; while :; do usleep 20000; done");
	const terminal = foreground(container);
	await terminal.shows(/ready/);
	const { pid } = container.state();
	const runtime = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
	process.kill(runtime, "SIGABRT");
	await terminal.shows(/was aborted/);
	t.notOk((await terminal.modes()).includes("echo"), "a signal from someone is for the container, and no crash");
	process.kill(runtime, "SIGSEGV");
	const { status, modes } = await terminal.ended();
	t.equal(status, 128 + 11);
	t.same(modes, ["echo", "icanon", "isig", "onlcr"], "as before");
	t.equal(container.delete("--force").status, 0);
});

t.test("foreground: one carriage return a line", async (t) => {
	const terminal = foreground(shell("echo one; echo two"));
	await terminal.ended();
	t.match(terminal.output, /one\r\ntwo\r\n/);
	t.notMatch(terminal.output, /\r\r/);
});

t.test("foreground: resizing reaches the container", { skip: sizes }, async (t) => {
	const terminal = foreground(shell("trap 'stty size' WINCH; echo ready; while :; do usleep 20000; done"));
	await terminal.shows(/ready/);
	terminal.size(31, 101);
	await terminal.shows(/31 101/);
	terminal.size(50, 132);
	await terminal.shows(/50 132/);
	terminal.write("\x03");
	t.equal((await terminal.ended()).status, 130);
});

t.test("foreground: control characters are the container's", async (t) => {
	const terminal = foreground(shell("trap 'echo interrupted' INT; echo ready; read a; cat; echo end of file"));
	await terminal.shows(/ready/);
	terminal.write("\x03");
	await terminal.shows(/interrupted/);
	terminal.write("\x04");
	await terminal.shows(/end of file/);
	t.equal((await terminal.ended()).status, 0);
});

t.test("foreground: much output arrives whole, as does much input", async (t) => {
	const terminal = foreground(shell("stty -echo; echo ready; head -n 1000 | wc -l; seq 1 20000; echo done"));
	await terminal.shows(/ready/);
	for (let count = 0; count < 10; count++) terminal.write(`${"x".repeat(70)}\r`.repeat(100));
	await terminal.shows(/1000\r\n/);
	await terminal.shows(/done/);
	t.equal((await terminal.ended()).status, 0);
	const numbers = terminal.output.split("\r\n").filter((line) => /^\d+$/.test(line));
	t.same(
		numbers.slice(1, 20001),
		Array.from({ length: 20000 }, (_, index) => `${index + 1}`),
	);
});

t.test("foreground: a hangup outside is a signal inside", async (t) => {
	const terminal = foreground(shell("trap 'exit 7' HUP; echo ready; while :; do usleep 20000; done"));
	await terminal.shows(/ready/);
	terminal.hangUp();
	t.equal((await terminal.ended()).status, 7);
});

t.test("foreground: the terminal outside is the size, not consoleSize", { skip: sizes }, async (t) => {
	const container = shell("stty size", (config) => {
		config.process.consoleSize = { height: 12, width: 34 };
	});
	const terminal = foreground(container);
	await terminal.ended();
	t.match(terminal.output, /24 80/);
});

/** Creates a container whose terminal arrives at a console socket, as conmon and containerd do. */
async function detached(container: Container, command: "create" | "run"): Promise<Terminal> {
	const socket = space.path(`${container.id}.sock`);
	const terminal = new Terminal(["receive", socket]);
	await terminal.answered(/listening/);
	const args = ["--console-socket", socket];
	const result = command === "create" ? container.create(args) : container.run(["--detach", ...args]);
	if (result.status !== 0) {
		terminal.close();
		throw new Error(`${command}: ${result.stderr}`);
	}
	return terminal;
}

t.test(
	"detached: one master arrives with a name, before create ends",
	{ skip: unlessPeer({ crun: "1.8 sends no name" }) },
	async (t) => {
		const container = shell(
			"tty; stty size; stty -a; stat -c '%F %t:%T' /dev/console; read line; echo got $line",
			(config) => {
				config.process.consoleSize = { height: 12, width: 34 };
			},
		);
		const terminal = await detached(container, "create");
		await terminal.answered(/^received 1 \S+$/m);
		t.equal(container.start().status, 0);
		terminal.write("typed\n");
		await terminal.shows(/got typed/);
		await terminal.answered(/hangup/);
		t.match(terminal.output, /12 34\r?\n/);
		t.match(terminal.output, /character special file 88:0/);
		await container.stopped();
		t.equal(container.delete().status, 0);
	},
);

t.test("detached: the terminal is as the kernel made it; what is raw outside counts on its \\r\\n", async (t) => {
	const container = shell("stty -a; echo one; echo two");
	const terminal = await detached(container, "create");
	t.same(await terminal.modes(), ["echo", "icanon", "isig", "onlcr"]);
	t.equal(container.start().status, 0);
	await terminal.answered(/hangup/);
	t.match(terminal.output, / onlcr/);
	t.match(terminal.output, /one\r\ntwo\r\n/);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("detached: run", async (t) => {
	const container = shell("echo ready; read line; echo got $line");
	const terminal = await detached(container, "run");
	await terminal.shows(/ready/);
	t.equal(container.state().status, "running");
	terminal.write("typed\n");
	await terminal.shows(/got typed/);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test(
	"the pty belongs to the container's user",
	{ skip: unlessPeer({ crun: "1.8 leaves it to root" }) },
	async (t) => {
		const terminal = foreground(
			shell("stat -L -c '%u' /dev/console; echo writable > /dev/console; : < /dev/tty && echo readable", (config) => {
				config.process.user = { uid: 1000, gid: 1000 };
			}),
		);
		t.equal((await terminal.ended()).status, 0, terminal.output);
		t.match(terminal.output, /^1000\r\nwritable\r\nreadable/);
	},
);

t.test("what does not go together is refused", async (t) => {
	const withTerminal = shell("true");
	const noSocket = withTerminal.create();
	t.not(noSocket.status, 0);
	const detachedRun = withTerminal.run(["--detach"]);
	t.not(detachedRun.status, 0);
	const plain = space.container();
	const socket = space.path("unused.sock");
	const noTerminal = plain.create(["--console-socket", socket]);
	const foregroundSocket = withTerminal.run(["--console-socket", socket]);
	const noListener = withTerminal.create(["--console-socket", space.path("nobody.sock")]);
	t.not(noListener.status, 0);
	if (unlessPeer({ crun: "has words of its own, and takes a socket that it does not need" }) !== false) return;
	t.match(noSocket.error, "cannot allocate tty if runc will detach without setting console socket");
	t.match(detachedRun.error, "cannot allocate tty if runc will detach without setting console socket");
	t.equal(noTerminal.status, 1);
	t.match(noTerminal.error, "cannot use console socket if runc will not detach or allocate tty");
	t.equal(foregroundSocket.status, 1);
	t.match(foregroundSocket.error, "cannot use console socket if runc will not detach or allocate tty");
	t.match(noListener.error, /nobody\.sock/);
});

nothingLeft(t, space);
