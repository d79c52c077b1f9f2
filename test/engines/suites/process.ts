/** What a container's first process gets and gives: streams, exit status, terminal, environment. */
import type { Test } from "tap";
import { patience } from "../../support/patience.js";
import { type Engine, image } from "../engine.js";
import { until } from "../lane.js";

export function processes(t: Test, engine: Engine): void {
	t.test("run: output, standard error and input", async (t) => {
		const answer = await engine.once(["-i"], ["/bin/sh", "-c", "cat; echo wrong >&2"], { input: "asked\n" });
		t.same(answer, { status: 0, stdout: "asked\n", stderr: "wrong\n" });
	});

	t.test("run: a megabyte of output", async (t) => {
		const { stdout } = await engine.once(
			[],
			["/bin/sh", "-c", "dd if=/dev/zero bs=1k count=1024 2>/dev/null | tr '\\0' x"],
		);
		t.equal(stdout.length, 1024 * 1024);
	});

	t.test("run: exit status of the process", async (t) => {
		for (const status of [0, 1, 42]) {
			const answer = await engine.once([], ["/bin/sh", "-c", `exit ${status}`]);
			t.equal(answer.status, status, `exit ${status}`);
		}
	});

	t.test("run: a process that a signal ends gives 128 and the signal", async (t) => {
		// In the host's pid namespace it is no first process, which would be deaf to its own signals.
		for (const [signal, status] of [
			["KILL", 137],
			["TERM", 143],
		] as const) {
			const answer = await engine.once(["--pid", "host"], ["/bin/sh", "-c", `kill -${signal} $$; sleep 5`]);
			t.equal(answer.status, status, signal);
		}
	});

	t.test("run: 127 for a program that is not there", async (t) => {
		for (const program of ["no-such-program", "/no/such/program"]) {
			const { status, stderr } = await engine.once([], [program]);
			t.equal(status, 127, program);
			t.match(stderr, /executable file not found|no such file or directory/i);
		}
	});

	t.test("run: 126 for a program that cannot be executed", async (t) => {
		for (const program of ["/etc/not-executable", "/etc"]) {
			const { status, stderr } = await engine.once([], [program]);
			t.equal(status, 126, program);
			t.match(stderr, /permission denied|is a directory/i);
		}
	});

	t.test("run: environment, working directory, host name, user", async (t) => {
		const flags = ["--env", "A=b c", "--workdir", "/etc", "--hostname", "box", "--user", "1000:1000"];
		const answers = await engine.inside([...flags, "--group-add", "7"], {
			env: "echo $A $IMAGE",
			directory: "pwd",
			hostname: "hostname",
			user: "id -u; id -g; id -G",
			home: "echo $HOME",
		});
		t.equal(answers.env, "b c lane");
		t.equal(answers.directory, "/etc");
		t.equal(answers.hostname, "box");
		t.match(answers.user, /^1000\n1000\n1000 7/);
		t.equal(answers.home, "/home", "of /etc/passwd");
	});

	t.test("run: no descriptor but the standard streams", async (t) => {
		const { fds } = await engine.inside([], { fds: "ls /proc/self/fd" });
		// 3 is the directory that ls reads.
		t.equal(fds, "0\n1\n2\n3");
	});

	t.test("run --detach: goes on in the background; logs and wait", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", `echo started; sleep ${patience}; echo ending; exit 9`]);
		t.equal(await engine.inspect(name, "{{.State.Running}}"), "true");
		t.equal(await engine.ok("wait", name), "9");
		t.equal(await engine.ok("logs", name), "started\nending");
		t.equal(await engine.inspect(name, "{{.State.Status}} {{.State.ExitCode}}"), "exited 9");
		await engine.remove(name);
	});

	t.test("run --tty: an interactive terminal, with resize", async (t) => {
		const terminal = engine.terminal("run", "--rm", "-it", image, "/bin/sh");
		t.teardown(() => terminal.close());
		terminal.size(33, 99);
		await terminal.shows(/[#$] /);
		// The engine passes the size on by itself, after the start; when it has, is not said.
		terminal.write("until [ \"$(stty size)\" = '33 99' ]; do sleep 0.1; done; tty; stty size\n");
		await terminal.shows(/\/dev\/pts\/0\r\n33 99/);
		terminal.size(44, 111);
		terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; echo resi''zed\n");
		await terminal.shows(/resized/);
		terminal.write("exit 7\n");
		t.equal((await terminal.ended()).status, 7);
	});

	t.test("run --tty --detach, attach", async (t) => {
		const name = await engine.detached(["-it"], ["/bin/sh"]);
		const terminal = engine.terminal("attach", name);
		t.teardown(() => terminal.close());
		terminal.write("echo at''tached; tty\n");
		await terminal.shows(/attached\r\n\/dev\/pts\/0/);
		terminal.write("exit 3\n");
		await terminal.ended(); // podman 4.3 attaches with status 0
		t.equal(await engine.ok("wait", name), "3");
		await engine.remove(name);
	});

	t.test("run --init: the engine's init is the first process and reaps", async (t) => {
		const name = await engine.detached(["--init"], ["/bin/sh", "-c", "(sleep 0.1 & exec true); exec sleep 1000"]);
		const first = await engine.ok("exec", name, "cat", "/proc/1/cmdline");
		t.match(first, /init|tini/);
		await until(
			async () => !(await engine.ok("exec", name, "ps", "-o", "stat,args")).includes("Z"),
			"the zombie is reaped",
		);
		await engine.remove(name);
	});
}
