/** More processes in a container: ExecSync as probes use it, Exec as `kubectl exec` does. */
import type { Test } from "tap";
import type { Cri, Pod } from "./cri.js";
import { Stream } from "./stream.js";

export function criExec(t: Test, cri: Cri, shared: Pod): void {
	const { machine, call, sleeping, exec, sh, remove, rejected } = cri;

	t.test("ExecSync: output, exit status, time limit", async (t) => {
		const id = await sleeping(shared, { envs: [{ key: "FROM", value: "the pod" }], workingDir: "/tmp" });
		t.same(await exec(id, "/bin/sh", "-c", "echo $FROM; pwd; echo wrong >&2; exit 3"), {
			stdout: "the pod\n/tmp",
			stderr: "wrong",
			status: 3,
		});
		t.equal((await exec(id, "/bin/sh", "-c", "kill -KILL $$")).status, 137);
		t.match(await rejected(exec(id, "no-such-program")), /executable file not found in \$PATH/);
		const late = call("ExecSync", { containerId: id, command: ["sleep", "30"], timeout: 1 });
		t.match(await rejected(late), /timeout|deadline/i);
		t.equal(await sh(id, "echo alive"), "alive");
		await remove(id);
	});

	t.test("a hundred ExecSync, as probes do", async (t) => {
		const id = await sleeping(shared);
		for (let round = 0; round < 100; round++) t.equal((await exec(id, "true")).status, 0);
		t.equal(Number(await sh(id, "ls -d /proc/[0-9]* | wc -l")) <= 4, true, "no process stays");
		await remove(id);
	});

	t.test("Exec: streams, exit status", async (t) => {
		const id = await sleeping(shared);
		const command = ["/bin/sh", "-c", "read line; echo got $line; echo wrong >&2; exit 3"];
		const { url } = await call("Exec", { containerId: id, command, stdin: true, stdout: true, stderr: true });
		const stream = new Stream(machine, url as string);
		t.teardown(() => stream.close());
		stream.write("asked\n");
		const { status, details } = await stream.ended();
		t.equal(stream.output, "got asked\n");
		t.equal(stream.errors, "wrong\n");
		t.equal(status, "Failure");
		t.match(details?.causes, [{ reason: "ExitCode", message: "3" }]);
		await remove(id);
	});

	t.test("Exec with a terminal, and resize", async (t) => {
		const id = await sleeping(shared);
		const { url } = await call("Exec", { containerId: id, command: ["/bin/sh"], tty: true, stdin: true, stdout: true });
		const stream = new Stream(machine, url as string);
		t.teardown(() => stream.close());
		await stream.shows(/[#$] /);
		stream.resize(44, 111);
		stream.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; tty\n");
		await stream.shows(/\/dev\/pts\/\d/);
		stream.write("exit\n");
		t.equal((await stream.ended()).status, "Success");
		await remove(id);
	});
}
