/** A dockerd with live-restore: it ends, its containers go on, and the next one takes them over. */
import type { Test } from "tap";
import { image } from "../engine.js";
import { until } from "../lane.js";
import type { Dockerd } from "./daemon.js";

export function daemonRestarts(t: Test, daemon: Dockerd): void {
	const { engine, machine } = daemon;
	const again = async (signal: "TERM" | "KILL") => {
		await daemon.end(signal);
		await daemon.start();
	};

	for (const signal of ["TERM", "KILL"] as const) {
		t.test(`live-restore: dockerd gets SIG${signal}, containers go on; then exec, logs, stop`, async (t) => {
			const command = "trap 'exit 5' TERM; i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done";
			const name = await engine.detached(["--memory", "64m"], ["/bin/sh", "-c", command]);
			const pid = await engine.inspect(name, "{{.State.Pid}}");
			const last = async () => Number((await engine.ok("logs", "--tail", "1", name)).replace("tick ", ""));
			await until(async () => (await last()) > 3, "it counts");
			const before = await last();
			await daemon.end(signal);
			t.ok(
				machine.processes().some((line) => line.startsWith(`process ${pid}:`)),
				"it runs without a dockerd",
			);
			await daemon.start();
			t.equal(await engine.inspect(name, "{{.State.Status}} {{.State.Pid}}"), `running ${pid}`);
			await until(async () => (await last()) > before + 3, "its output still arrives");
			t.equal(await engine.ok("exec", name, "echo", "alive"), "alive");
			await engine.ok("update", "--memory", "32m", "--memory-swap", "64m", name);
			await engine.ok("stop", name);
			t.equal(await engine.inspect(name, "{{.State.ExitCode}}"), "5");
			await engine.remove(name);
		});
	}

	t.test("live-restore: a container ends while there is no dockerd", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", "until [ -e /tmp/end ]; do sleep 0.1; done; exit 6"]);
		const pid = await engine.inspect(name, "{{.State.Pid}}");
		await daemon.end();
		await machine.sh(`touch /proc/${pid}/root/tmp/end`);
		await until(() => !machine.processes().some((line) => line.startsWith(`process ${pid}:`)), "it ends");
		await daemon.start();
		t.equal(await engine.inspect(name, "{{.State.Status}} {{.State.ExitCode}}"), "exited 6");
		await engine.remove(name);
	});

	t.test("restart policies when dockerd comes back", async (t) => {
		const start = (policy: string) => engine.detached(["--restart", policy], ["/bin/sleep", "1000"]);
		const [always, unlessStopped, no] = [await start("always"), await start("unless-stopped"), await start("no")];
		const all = [always, unlessStopped, no];
		// What is stopped by hand: "always" means after the next start of dockerd, "unless-stopped" never.
		await engine.ok("stop", "--time", "0", ...all);
		await again("TERM");
		const status = (name: string) => engine.inspect(name, "{{.State.Status}}");
		await until(async () => (await status(always)) === "running", "it is started again");
		t.equal(await status(unlessStopped), "exited");
		t.equal(await status(no), "exited");
		await engine.remove(...all);
	});

	t.test(
		"run --restart always: after the process is killed, and after kill of the container, which is final",
		async (t) => {
			const name = await engine.detached(["--restart", "always"], ["/bin/sh", "-c", "echo started; exec sleep 1000"]);
			const pid = () => engine.inspect(name, "{{.State.Pid}}");
			const first = await pid();
			await machine.sh(`kill -KILL ${first}`);
			await until(async () => !["0", first].includes(await pid()), "it is started again");
			t.equal(await engine.inspect(name, "{{.RestartCount}}"), "1");
			await until(async () => (await engine.ok("logs", name)) === "started\nstarted", "it runs");
			await engine.ok("kill", name);
			t.equal(await engine.ok("wait", name), "137");
			t.equal(await engine.inspect(name, "{{.State.Status}}"), "exited");
			await engine.remove(name);
		},
	);

	t.test("run --rm while dockerd is gone: removed when it comes back", async (t) => {
		const name = engine.unusedName();
		await engine.ok("run", "--rm", "--detach", "--name", name, image, "/bin/sleep", "1000");
		const pid = await engine.inspect(name, "{{.State.Pid}}");
		await daemon.end();
		await machine.sh(`kill -KILL ${pid}`);
		await daemon.start();
		await until(async () => (await engine.run(["inspect", name])).status !== 0, "it is removed");
		t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	});
}
