/** A container's states, as the engine brings them about and sees them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Test } from "tap";
import { type Engine, image } from "../engine.js";
import { until } from "../lane.js";

const counting = ["/bin/sh", "-c", "while :; do echo tick >>/tmp/ticks; sleep 0.05; done"];

export function lifecycle(t: Test, engine: Engine): void {
	const ticks = async (name: string) => Number(await engine.ok("exec", name, "/bin/sh", "-c", "wc -l </tmp/ticks"));
	const status = (name: string) => engine.inspect(name, "{{.State.Status}}");

	t.test("create, start --attach, start again", async (t) => {
		const name = engine.unusedName();
		await engine.ok("create", "--name", name, image, "/bin/sh", "-c", "echo here; exit 4");
		t.match(await status(name), /created|configured/);
		for (const round of [1, 2]) {
			const answer = await engine.run(["start", "--attach", name]);
			t.same(answer, { status: 4, stdout: "here\n", stderr: "" }, `round ${round}`);
		}
		await engine.remove(name);
	});

	t.test("stop: the signal that the process handles", async (t) => {
		const command = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done";
		const name = await engine.detached([], ["/bin/sh", "-c", command]);
		await until(async () => (await engine.ok("logs", name)) === "ready", "it is ready");
		await engine.ok("stop", name);
		t.equal(await engine.inspect(name, "{{.State.ExitCode}}"), "5");
		await engine.remove(name);
	});

	t.test("stop --time: SIGKILL for a process that stays", async (t) => {
		const name = await engine.sleeping();
		await engine.ok("stop", "--time", "1", name);
		t.equal(await engine.inspect(name, "{{.State.ExitCode}}"), "137");
		await engine.remove(name);
	});

	t.test("run --stop-signal", async (t) => {
		const command = "trap 'exit 6' USR2; echo ready; while :; do sleep 0.1; done";
		const name = await engine.detached(["--stop-signal", "SIGUSR2"], ["/bin/sh", "-c", command]);
		await until(async () => (await engine.ok("logs", name)) === "ready", "it is ready");
		await engine.ok("stop", name);
		t.equal(await engine.inspect(name, "{{.State.ExitCode}}"), "6");
		await engine.remove(name);
	});

	t.test("kill, and kill --signal", async (t) => {
		const command = "trap 'echo got one' USR1; echo ready; while :; do sleep 0.1; done";
		const name = await engine.detached([], ["/bin/sh", "-c", command]);
		await until(async () => (await engine.ok("logs", name)) === "ready", "it is ready");
		await engine.ok("kill", "--signal", "USR1", name);
		await until(async () => /got one/.test(await engine.ok("logs", name)), "the signal arrives");
		t.equal(await status(name), "running");
		await engine.ok("kill", name);
		t.equal(await engine.ok("wait", name), "137");
		t.not((await engine.run(["kill", name])).status, 0, "a stopped container can't be killed");
		await engine.remove(name);
	});

	t.test("pause and unpause", { skip: engine.unable.pause ?? false }, async (t) => {
		const name = await engine.detached([], counting);
		await until(async () => (await ticks(name)) > 2, "it counts");
		await engine.ok("pause", name);
		t.equal(await status(name), "paused");
		t.not((await engine.run(["exec", name, "true"])).status, 0, "exec is refused meanwhile");
		const file = engine.machine.read(await ticksFile(name));
		await delay(500);
		t.equal(engine.machine.read(await ticksFile(name)), file, "nothing goes on");
		await engine.ok("unpause", name);
		t.equal(await status(name), "running");
		const before = await ticks(name);
		await until(async () => (await ticks(name)) > before, "it goes on");
		await engine.remove(name);
	});

	t.test("rm --force of a paused container", { skip: engine.unable.pause ?? false }, async (t) => {
		const name = await engine.sleeping();
		await engine.ok("pause", name);
		await engine.remove(name);
		t.notMatch(await engine.ok("ps", "--all", "--format", "{{.Names}}"), new RegExp(`^${name}$`, "m"));
	});

	t.test("restart", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", "echo started; exec sleep 1000"]);
		const pid = await engine.inspect(name, "{{.State.Pid}}");
		await engine.ok("restart", "--time", "1", name);
		t.equal(await status(name), "running");
		t.not(await engine.inspect(name, "{{.State.Pid}}"), pid);
		await until(async () => (await engine.ok("logs", name)) === "started\nstarted", "it starts again");
		await engine.remove(name);
	});

	t.test("run --restart=on-failure:2", async (t) => {
		const name = await engine.detached(["--restart", "on-failure:2"], ["/bin/sh", "-c", "echo once; exit 1"]);
		await until(async () => (await engine.ok("logs", name)) === "once\nonce\nonce", "it is started three times", 30);
		await until(async () => (await status(name)) === "exited", "it stays ended");
		t.equal(await engine.inspect(name, "{{.RestartCount}}"), "2");
		await engine.remove(name);
	});

	t.test("top", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"]);
		const table = await engine.ok("top", name);
		t.match(table, /sleep 1000/);
		t.match(table, /sleep 1001/);
		t.equal(table.split("\n").length, 3, "a head and two processes");
		await engine.remove(name);
	});

	t.test("stats", { skip: engine.unable.limits ?? false }, async (t) => {
		const name = await engine.sleeping(["--memory", "64m"]);
		const line = await engine.ok("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", name);
		t.match(line, /^[1-9][\d.]*[kKM]i?B \/ (64MiB|67\.11MB) 1$/);
		await engine.remove(name);
	});

	t.test("logs: standard output and standard error apart", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", "echo out; echo err >&2"]);
		await engine.ok("wait", name);
		t.same(await engine.run(["logs", name]), { status: 0, stdout: "out\n", stderr: "err\n" });
		await engine.remove(name);
	});

	t.test("cp: into and out of a running container", async (t) => {
		const name = await engine.sleeping();
		writeFileSync(join(engine.shared, "copied"), "copied\n");
		await engine.ok("cp", join(engine.shared, "copied"), `${name}:/tmp/in`);
		t.equal(await engine.ok("exec", name, "cat", "/tmp/in"), "copied");
		await engine.ok("cp", `${name}:/tmp/in`, join(engine.shared, "copied-back"));
		t.equal(engine.machine.read(join(engine.shared, "copied-back")), "copied\n");
		await engine.remove(name);
	});

	t.test("health check: healthy, then unhealthy", async (t) => {
		const flags = ["--health-cmd", "test -e /tmp/well", "--health-interval", "1s", "--health-retries", "1"];
		const name = await engine.detached(flags, ["/bin/sh", "-c", "touch /tmp/well; exec sleep 1000"]);
		const health = async () => {
			// Podman leaves the repetition to systemd; this is what its timer runs.
			if (engine.unable.healthTimer) await engine.run(["healthcheck", "run", name]);
			return engine.inspect(name, "{{.State.Health.Status}}");
		};
		await until(async () => (await health()) === "healthy", "it is healthy");
		await engine.ok("exec", name, "rm", "/tmp/well");
		await until(async () => (await health()) === "unhealthy", "it is unhealthy");
		t.equal(await status(name), "running");
		await engine.remove(name);
	});

	t.test("eight containers at a time", async (t) => {
		const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
		const all = numbers.map((number) => engine.once([], ["/bin/sh", "-c", `echo ${number}; exit ${number}`]));
		for (const [index, answer] of (await Promise.all(all)).entries()) {
			t.same(answer, { status: index + 1, stdout: `${index + 1}\n`, stderr: "" });
		}
	});

	/** The file that `counting` writes, through the root of the container's process. */
	async function ticksFile(name: string): Promise<string> {
		return `/proc/${await engine.inspect(name, "{{.State.Pid}}")}/root/tmp/ticks`;
	}
}
