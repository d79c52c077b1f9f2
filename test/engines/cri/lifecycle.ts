/** A container's end, its log and its terminal. */
import type { Test } from "tap";
import { until } from "../lane.js";
import type { Cri, Pod } from "./cri.js";

export function criLifecycle(t: Test, cri: Cri, shared: Pod): void {
	const { machine, call, created, logs, log, container, sleeping, sh, status, ended, remove, rejected } = cri;

	t.test("StopContainer: the signal that it handles, then SIGKILL", async (t) => {
		const polite = await container(shared, [
			"/bin/sh",
			"-c",
			"trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done",
		]);
		await until(() => log(polite) === "ready\n", "it is ready");
		await call("StopContainer", { containerId: polite, timeout: 10 });
		t.equal((await status(polite))["exitCode"], 5);
		const deaf = await sleeping(shared);
		await call("StopContainer", { containerId: deaf, timeout: 1 });
		t.equal((await status(deaf))["exitCode"], 137);
		await call("StopContainer", { containerId: deaf, timeout: 1 }); // again, as the kubelet does
		await remove(polite, deaf);
	});

	t.test("logs, exit status, a program that is not there", async (t) => {
		const id = await container(shared, ["/bin/sh", "-c", "echo out; echo err >&2; exit 9"]);
		t.equal((await ended(id))["exitCode"], 9);
		t.match(machine.read(logs.get(id) ?? ""), / stdout F out\n/);
		t.match(machine.read(logs.get(id) ?? ""), / stderr F err\n/);
		const missing = await created(shared, ["no-such-program"]);
		t.match(await rejected(call("StartContainer", { containerId: missing })), /executable file not found in \$PATH/);
		await remove(id, missing);
	});

	t.test("a terminal", async (t) => {
		const id = await container(shared, ["/bin/sh", "-c", "tty; exec sleep 1000"], { tty: true, stdin: true });
		await until(() => /\/dev\/pts\/0/.test(log(id)), "it has one");
		t.equal(await sh(id, "readlink /proc/1/fd/0"), "/dev/pts/0");
		await remove(id);
	});
}
