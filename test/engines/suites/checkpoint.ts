/** Checkpoint and restore, where criu works. */
import { join } from "node:path";
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { until } from "../lane.js";

const counting = ["/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/number; sleep 0.1; done"];
const limit = 64 << 20;

export function checkpoints(t: Test, engine: Engine): void {
	const skip = engine.unable.checkpoint ?? false;
	const docker = engine.name === "docker";
	const number = async (name: string) => Number(await engine.ok("exec", name, "cat", "/tmp/number"));
	const status = (name: string) => engine.inspect(name, "{{.State.Status}}");
	/** How far a container has counted that counts; at the first look far enough not to be taken for a new one. */
	async function counted(name: string): Promise<number> {
		await until(async () => (await number(name)) > 20, "it counts");
		return number(name);
	}

	t.test("checkpoint and restore: the process goes on where it was", { skip }, async (t) => {
		const name = await engine.detached(engine.unable.limits ? [] : ["--memory", String(limit)], counting);
		const before = await counted(name);
		await engine.ok(...(docker ? ["checkpoint", "create", name, "one"] : ["container", "checkpoint", name]));
		t.equal(await status(name), "exited");
		if (docker) t.match(await engine.ok("checkpoint", "ls", name), /^one$/m);
		await engine.ok(...(docker ? ["start", "--checkpoint", "one", name] : ["container", "restore", name]));
		t.equal(await status(name), "running");
		const after = await number(name);
		t.ok(after >= before, "it did not begin again");
		await until(async () => (await number(name)) > after, "it goes on");

		// What comes of it is a container like others.
		const of = (pid: string) => `grep ^Seccomp: /proc/${pid}/status; cat /proc/${pid}/attr/current 2>/dev/null; true`;
		const own = await engine.ok("exec", name, "/bin/sh", "-c", of("self"));
		t.equal(own, await engine.ok("exec", name, "/bin/sh", "-c", of("1")), "exec is confined as the first process is");
		if (!engine.unable.limits) {
			const file = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true";
			t.equal(await engine.ok("exec", name, "/bin/sh", "-c", file), String(limit));
			await engine.ok("update", "--memory", String(2 * limit), "--memory-swap", String(4 * limit), name);
			t.equal(await engine.ok("exec", name, "/bin/sh", "-c", file), String(2 * limit));
		}
		if (!engine.unable.pause) {
			await engine.ok("pause", name);
			t.equal(await status(name), "paused");
			await engine.ok("unpause", name);
		}
		await engine.ok("kill", name);
		t.equal(await engine.ok("wait", name), "137");
		await engine.remove(name);
	});

	t.test("checkpoint --leave-running", { skip }, async (t) => {
		const name = await engine.detached([], counting);
		const before = await counted(name);
		const words = docker ? ["checkpoint", "create"] : ["container", "checkpoint"];
		await engine.ok(...words, "--leave-running", name, ...(docker ? ["one"] : []));
		t.equal(await status(name), "running");
		await until(async () => (await number(name)) > before, "it goes on");
		await engine.remove(name);
	});

	const podman = docker ? "docker has it not" : skip;
	t.test("checkpoint --export, restore --import under another name", { skip: podman }, async (t) => {
		const name = await engine.detached([], counting);
		const before = await counted(name);
		const archive = join(engine.machine.directory, "checkpoint.tar.gz");
		await engine.ok("container", "checkpoint", "--export", archive, name);
		await engine.remove(name);
		for (const other of [engine.unusedName(), engine.unusedName()]) {
			await engine.ok("container", "restore", "--import", archive, "--name", other);
			t.ok((await number(other)) >= before, `${other} goes on`);
			await engine.remove(other);
		}
	});

	t.test("checkpoint --tcp-established: a connection goes on", { skip: podman }, async (t) => {
		const name = await engine.detached(["--network", "host"], ["nc", "-l", "-p", "4711", "-e", "cat"]);
		const client = engine.machine.spawn(["busybox", "nc", "127.0.0.1", "4711"]);
		t.teardown(() => client.kill("SIGKILL"));
		let echo = "";
		client.stdout?.on("data", (data: Buffer) => {
			echo += data.toString();
		});
		client.stdin?.write("before\n");
		await until(() => echo === "before\n", "it answers");
		t.not((await engine.run(["container", "checkpoint", name])).status, 0, "not without being told so");
		t.equal(await status(name), "running", "and nothing has happened");
		await engine.ok("container", "checkpoint", "--tcp-established", name);
		await engine.ok("container", "restore", "--tcp-established", name);
		client.stdin?.write("after\n");
		await until(() => echo === "before\nafter\n", "it answers again");
		await engine.remove(name);
	});
}
