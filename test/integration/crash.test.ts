import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { finished, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

/** Runs `create` in the background and kills the engine with SIGKILL after so many milliseconds. */
async function killedCreate(container: Container, milliseconds: number): Promise<"killed" | "done"> {
	const child = container.runtime.spawn(["create", "--bundle", container.bundle.path, container.id], {
		stdio: "ignore",
	});
	await delay(milliseconds);
	child.kill("SIGKILL");
	return finished(child).then(
		() => "done",
		() => "killed",
	);
}

t.test(
	"create killed at any moment: delete --force removes what there is",
	{
		skip: unlessPeer({ runc: "1.1 knows a container only at its end", crun: "1.8 knows a container only at its end" }),
	},
	async (t) => {
		let killed = 0;
		for (let round = 0; round < 24; round++) {
			const container = space.container((config) => {
				config.process.args = ["/bin/sleep", "1000"];
			});
			// Start of the binary, plan, cgroups, mounts, ready: all of it is within the first 20 ms or so.
			if ((await killedCreate(container, 2 + round)) === "killed") killed++;
			const result = container.delete("--force");
			t.equal(result.status, 0, result.stderr);
			await eventually(() => space.leaks().length === 0, "everything is gone").catch(() => {});
			t.same(space.leaks(), [], `after ${2 + round} ms`);
		}
		t.ok(killed > 0, "at least one of them was killed in time");
	},
);

t.test(
	"create killed while a hook runs",
	{ skip: unlessPeer({ runc: "1.1 knows a container only at its end", crun: "1.8 leaves cgroups" }) },
	async (t) => {
		const mark = space.path("hook-runs");
		const container = space.container((config) => {
			config.hooks = {
				createRuntime: [
					{ path: "/bin/sh", args: ["sh", "-c", `touch ${mark}; exec sleep 5`], env: ["PATH=/usr/bin:/bin"] },
				],
			};
		});
		const child = container.runtime.spawn(["create", "--bundle", container.bundle.path, container.id], {
			stdio: "ignore",
		});
		await eventually(() => existsSync(mark), "the hook runs");
		child.kill("SIGKILL");
		await finished(child).catch(() => {});
		t.equal(container.delete("--force").status, 0);
		await eventually(() => space.leaks().length === 0, "everything is gone").catch(() => {});
		t.same(space.leaks(), []);
	},
);

t.test(
	"after a killed create the id can be used again",
	{
		skip: unlessPeer({ runc: "1.1 knows a container only at its end", crun: "1.8 knows a container only at its end" }),
	},
	async (t) => {
		const container = space.container((config) => {
			config.process.args = ["/bin/echo", "second life"];
		});
		await killedCreate(container, 12);
		t.equal(container.delete("--force").status, 0);
		const result = container.run();
		t.equal(result.status, 0, result.stderr);
		t.equal(result.stdout, "second life\n");
	},
);

t.test("the init dies between create and start", async (t) => {
	const container = space.container();
	t.equal(container.create().status, 0);
	process.kill(container.state().pid, "SIGKILL");
	await container.stopped();
	const start = container.start();
	t.not(start.status, 0, "start does not hang");
	t.equal(container.delete().status, 0);
});

t.test("run killed in the foreground: the container is still known, and can be removed", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo ready; exec sleep 1000"];
	});
	const child = container.runtime.spawn(["run", "--bundle", container.bundle.path, container.id], {
		stdio: ["ignore", "pipe", "ignore"],
	});
	await new Promise((resolve) => child.stdout?.once("data", resolve));
	child.kill("SIGKILL");
	await finished(child).catch(() => {});
	t.equal(container.state().status, "running");
	t.equal(container.delete("--force").status, 0);
});

nothingLeft(t, space);
