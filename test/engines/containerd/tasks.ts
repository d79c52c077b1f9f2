/** A task's states and limits, as containerd brings them about and sees them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Test } from "tap";
import { until, usesCgroupV2 } from "../lane.js";
import type { Ctr } from "./ctr.js";

export function ctrTasks(t: Test, ctr: Ctr): void {
	const { machine, argv, ok, once, inside, detached, log, status, pid, stopped, remove } = ctr;

	t.test("task kill: a signal that the process handles", async (t) => {
		const id = await detached([], ["/bin/sh", "-c", "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done"]);
		await until(() => log(id) === "ready\n", "it is ready");
		await ok("task", "kill", "--signal", "SIGUSR1", id);
		await stopped(id);
		const again = await ctr.ctr(["task", "kill", id]);
		t.match(again.stderr, /process already finished/);
		t.equal(await remove(id, false), 5);
	});

	t.test("task kill --all: every process, without a pid namespace of its own", async (t) => {
		const left = () => machine.processes().filter((line) => /sleep 100[23]/.test(line));
		const command = ["/bin/sh", "-c", "setsid sleep 1003 & exec sleep 1002"];
		const id = await detached(["--with-ns", "pid:/proc/1/ns/pid"], command);
		await until(() => left().length === 2, "both run");
		await ok("task", "kill", "--all", "--signal", "SIGKILL", id);
		await until(() => left().length === 0, "both are gone");
		t.equal(await remove(id, false), 137);
	});

	t.test("the first process ends: the others of its cgroup go with it, without a pid namespace", async (t) => {
		const left = () => machine.processes().filter((line) => /sleep 1004/.test(line));
		const id = await detached(["--with-ns", "pid:/proc/1/ns/pid"], ["/bin/sh", "-c", "setsid sleep 1004 & sleep 0.5"]);
		await stopped(id);
		await until(() => left().length === 0, "it is gone");
		t.equal(await remove(id, false), 0);
	});

	t.test("task pause and resume", async (t) => {
		const id = await detached([], ["/bin/sh", "-c", "while :; do echo tick; sleep 0.05; done"]);
		await until(() => log(id).length > 10, "it counts");
		await ok("task", "pause", id);
		t.equal(await status(id), "PAUSED");
		await delay(100); // the shim may still be copying
		const before = log(id).length;
		await delay(500);
		t.equal(log(id).length, before, "nothing goes on");
		await ok("task", "resume", id);
		t.equal(await status(id), "RUNNING");
		await until(() => log(id).length > before, "it goes on");
		await remove(id);
	});

	t.test("task ps and metrics", async (t) => {
		const id = await detached(["--memory-limit", "67108864"], ["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"]);
		const first = await pid(id);
		await until(async () => (await ok("task", "ps", id)).split("\n").length === 3, "a head and two processes");
		t.match(await ok("task", "ps", id), new RegExp(`^${first}\\b`, "m"));
		const metrics = await ok("task", "metrics", "--format", "json", id);
		t.match(metrics, usesCgroupV2 ? /"usage_limit": 67108864/ : /"limit": 67108864/);
		await remove(id);
	});

	t.test("limits of memory and CPU", async (t) => {
		const files = usesCgroupV2
			? // ctr makes no cgroup namespace.
				["memory.max", "cpu.max"].map((name) => `/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/${name}`)
			: ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"];
		const mount = "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro:nosuid:noexec:nodev";
		const result = await inside(["--memory-limit", "67108864", "--cpus", "0.5", "--mount", mount], {
			memory: `cat ${files[0]}`,
			cpu: `cat ${files[1]}`,
		});
		t.same(result, { memory: "67108864", cpu: usesCgroupV2 ? "50000 100000" : "50000" });
	});

	t.test("the memory limit kills, and containerd tells", async (t) => {
		const events = machine.spawn([...argv, "events"]);
		let text = "";
		events.stdout?.on("data", (data: Buffer) => {
			text += data.toString();
		});
		const command = ["/bin/sh", "-c", "sleep 1; a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"];
		const id = await detached(["--memory-limit", "16777216"], command);
		t.equal(await remove(id, false), 137);
		await until(() => new RegExp(`/tasks/oom .*"${id}"`).test(text), "the event");
		const ended = new Promise((resolve) => events.once("exit", resolve));
		// The program in the machine, whose parent is the one that entered it.
		await machine.sh("kill $(pidof ctr)");
		await ended;
	});

	t.test("eight containers at a time", async (t) => {
		const all = [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
			once([], ["/bin/sh", "-c", `echo ${number}; sleep 0.3; exit ${number}`]),
		);
		for (const [index, answer] of (await Promise.all(all)).entries()) {
			t.same(answer, { status: index + 1, stdout: `${index + 1}\n`, stderr: "" });
		}
	});
}
