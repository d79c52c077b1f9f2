/** Checkpoint and restore, where criu works. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { until } from "../lane.js";

export function checkpoints(t: Test, engine: Engine): void {
	t.test(
		"checkpoint and restore: the process goes on where it was",
		{ skip: engine.unable.checkpoint ?? false },
		async (t) => {
			const command = "i=0; while :; do i=$((i+1)); echo $i >/tmp/number; sleep 0.1; done";
			const name = await engine.detached([], ["/bin/sh", "-c", command]);
			const number = async () => Number(await engine.ok("exec", name, "cat", "/tmp/number"));
			await until(async () => (await number()) > 10, "it counts");
			const docker = engine.name === "docker";
			await engine.ok(...(docker ? ["checkpoint", "create", name, "one"] : ["container", "checkpoint", name]));
			t.equal(await engine.inspect(name, "{{.State.Running}}"), "false");
			await engine.ok(...(docker ? ["start", "--checkpoint", "one", name] : ["container", "restore", name]));
			t.ok((await number()) >= 10, "it did not begin again");
			await engine.remove(name);
		},
	);
}
