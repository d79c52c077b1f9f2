/** Checkpoints of containerd: files of criu, and images that a container comes back from. */
import { join } from "node:path";
import type { Test } from "tap";
import { image } from "../image.js";
import { criuFailure, until } from "../lane.js";
import type { Ctr } from "./ctr.js";

const counting = ["/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/number; sleep 0.1; done"];

export function ctrCheckpoints(t: Test, ctr: Ctr): void {
	const { machine, directory, argv, ok, run, unused, status, exec, remove } = ctr;
	const skip = criuFailure() ?? false;
	/** Without a log: criu restores what was a file as nothing but a file, and the restored task gets pipes. */
	async function detached(flags: string[], command: string[]): Promise<string> {
		const id = unused();
		await ok(...run(id), "--detach", ...flags, image, id, ...command);
		return id;
	}
	const number = async (id: string) => Number((await exec(id, [], ["cat", "/tmp/number"])).stdout);

	t.test("task checkpoint: files of criu, and the task goes on", { skip }, async (t) => {
		const id = await detached([], counting);
		await until(async () => (await number(id)) > 5, "it counts");
		const images = join(directory, "images");
		await ok("task", "checkpoint", "--image-path", images, "--work-path", join(directory, "work"), id);
		t.ok(machine.list(images).includes("pstree.img"));
		t.equal(await status(id), "RUNNING");
		const before = await number(id);
		await until(async () => (await number(id)) > before, "it goes on");
		await remove(id);
	});

	t.test("container checkpoint, container restore: the process goes on where it was", { skip }, async (t) => {
		const id = await detached(["--memory-limit", "67108864", "--null-io"], counting);
		await until(async () => (await number(id)) > 20, "it counts");
		const before = await number(id);
		const reference = "docker.io/library/saved:1";
		await ok("container", "checkpoint", "--rw", "--task", id, reference);
		await remove(id);
		// It stays in the foreground until the process ends.
		const words = [...argv, "container", "restore", "--rw", "--live", id, reference];
		const restore = machine.spawn(words, { log: "restore.log" });
		const ended = new Promise((resolve) => restore.once("exit", resolve));
		await until(async () => (await status(id)) === "RUNNING", "it is restored");
		const after = await number(id);
		t.ok(after >= before, "it did not begin again");
		await until(async () => (await number(id)) > after, "it goes on");
		if (machine.systemd) {
			const scope = `/sys/fs/cgroup/system.slice/lane-${id}.scope`;
			t.equal(machine.read(`${scope}/memory.max`), "67108864\n", "with its limits, in its scope");
		}
		await ok("task", "pause", id);
		t.equal(await status(id), "PAUSED");
		await ok("task", "resume", id);
		await ok("task", "kill", "--signal", "SIGKILL", id);
		await ended;
		await ok("container", "delete", id);
		await ok("image", "rm", reference);
	});
}
