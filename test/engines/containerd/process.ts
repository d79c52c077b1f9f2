/** What a container's processes get and give: `ctr run`, `ctr task exec`. */
import type { Test } from "tap";
import { Terminal } from "../../support/terminal.js";
import { image } from "../image.js";
import { until } from "../lane.js";
import type { Ctr } from "./ctr.js";

export function ctrProcesses(t: Test, ctr: Ctr): void {
	const { machine, argv, run, ok, unused, once, inside, detached, log, sleeping, status, remove, exec } = ctr;

	t.test("run: output, standard error and input", async (t) => {
		const answer = await once([], ["/bin/sh", "-c", "head -n 1; echo wrong >&2; sleep 0.3"], { input: "asked\n" });
		t.same(answer, { status: 0, stdout: "asked\n", stderr: "wrong\n" });
	});

	t.test("run: exit status of the process", async (t) => {
		for (const status of [0, 1, 42]) t.equal((await once([], ["/bin/sh", "-c", `exit ${status}`])).status, status);
	});

	t.test("run: a process that a signal ends gives 128 and the signal", async (t) => {
		for (const [signal, status] of [
			["SIGKILL", 137],
			["SIGTERM", 143],
		] as const) {
			// In the machine's pid namespace it is no first process, which would be deaf to SIGTERM.
			const id = await sleeping(["--with-ns", "pid:/proc/1/ns/pid"]);
			await ok("task", "kill", "--signal", signal, id);
			t.equal(await remove(id, false), status, signal);
		}
	});

	t.test("run: programs that are not there or cannot be executed", async (t) => {
		for (const [program, error] of [
			["no-such-program", /executable file not found in \$PATH/],
			["/no/such/program", /no such file or directory/],
			["/etc/not-executable", /permission denied/],
		] as const) {
			const answer = await once([], [program]);
			t.equal(answer.status, 1);
			t.match(answer.stderr, error);
		}
	});

	t.test("run: environment, working directory", async (t) => {
		const result = await inside(["--env", "A=b c", "--cwd", "/etc"], { env: "echo $A $IMAGE", directory: "pwd" });
		t.same(result, { env: "b c lane", directory: "/etc" });
	});

	t.test("run --tty: an interactive terminal, with resize", async (t) => {
		const id = unused();
		const words = [machine.enter, ...argv, ...run(id), "--rm", "--tty", image, id, "/bin/sh"];
		const terminal = new Terminal(["run", ...words], machine.environment());
		t.teardown(() => terminal.close());
		terminal.size(33, 99);
		await terminal.shows(/[#$] /);
		terminal.write("until [ \"$(stty size)\" = '33 99' ]; do sleep 0.1; done; tty\n");
		await terminal.shows(/\/dev\/pts\/0/);
		terminal.size(44, 111);
		terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; echo resi''zed\n");
		await terminal.shows(/resized/);
		terminal.write("exit 7\n");
		t.equal((await terminal.ended()).status, 7);
	});

	t.test("run --detach: goes on in the background, with a log", async (t) => {
		const id = await detached([], ["/bin/sh", "-c", "echo out; echo err >&2; sleep 1; exit 9"]);
		t.equal(await status(id), "RUNNING");
		t.equal(await remove(id, false), 9);
		// Two pipes, which the shim reads in any order.
		t.same(log(id).trim().split("\n").sort(), ["err", "out"]);
	});

	t.test("container create, task start", async (t) => {
		const id = unused();
		await ok("container", "create", image, id, "/bin/grep", "nobody", "/etc/passwd", "/no");
		const answer = await ctr.ctr(["task", "start", id]);
		t.same(answer, { status: 2, stdout: "", stderr: "grep: /no: No such file or directory\n" });
		await ok("container", "delete", id);
	});

	t.test("exec: output, exit status, environment of the container", async (t) => {
		const id = await sleeping(["--env", "FROM=run"]);
		t.same(await exec(id, [], ["/bin/sh", "-c", "head -n 1; echo $FROM >&2; exit 3"], { input: "asked\n" }), {
			status: 3,
			stdout: "asked\n",
			stderr: "run\n",
		});
		t.equal((await exec(id, [], ["/bin/sh", "-c", "kill -KILL $$"])).status, 137);
		t.equal((await exec(id, ["--cwd", "/tmp"], ["pwd"])).stdout, "/tmp\n");
		t.match((await exec(id, ["--user", "1000:7"], ["id"])).stdout, /^uid=1000(\(user\))? gid=7/);
		const missing = await exec(id, [], ["no-such-program"]);
		t.not(missing.status, 0);
		t.match(missing.stderr, /executable file not found in \$PATH/);
		await remove(id);
	});

	t.test("exec --tty, exec --detach", async (t) => {
		const id = await sleeping();
		const words = [machine.enter, ...argv, "task", "exec", "--tty", "--exec-id", unused(), id, "/bin/sh"];
		const terminal = new Terminal(["run", ...words], machine.environment());
		t.teardown(() => terminal.close());
		await terminal.shows(/[#$] /);
		terminal.size(44, 111);
		terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; tty\n");
		await terminal.shows(/\/dev\/pts\/0/);
		terminal.write("exit 7\n");
		t.equal((await terminal.ended()).status, 7);
		const answer = await exec(id, ["--detach"], ["/bin/sh", "-c", "echo done >/tmp/detached; exec sleep 1000"]);
		t.equal(answer.status, 0, answer.stderr);
		await until(async () => (await exec(id, [], ["cat", "/tmp/detached"])).stdout === "done\n", "it ran");
		await remove(id);
	});
}
