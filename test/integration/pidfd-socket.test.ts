/** --pidfd-socket of create and run. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import t from "tap";
import { program } from "../support/programs.js";
import { unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const skip = unlessPeer({ runc: "1.1 has none", crun: "has none" });

/** Somebody who listens at `path`, and what they have said. */
async function listen(path: string): Promise<{ said: () => string; process: ChildProcess }> {
	const process = spawn(program("pidfd"), [path], { stdio: ["ignore", "pipe", "inherit"] });
	let said = "";
	process.stdout?.on("data", (data: Buffer) => {
		said += data.toString();
	});
	await eventually(() => existsSync(path), "the socket is there");
	return { said: () => said, process };
}

t.test("create hands over a pidfd of the process, which tells its end", { skip }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const socket = space.path("create.sock");
	const { said } = await listen(socket);
	t.equal(container.create(["--pidfd-socket", socket]).status, 0);
	await eventually(() => said().includes("pid "), "the pidfd comes");
	t.equal(said(), `word standard\npid ${container.state().pid}\n`);
	container.start();
	container.kill("KILL");
	await eventually(() => said().includes("ended"), "its end is seen");
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("run hands it over before the program runs", { skip }, async (t) => {
	const container = space.container((config) => {
		// Long enough for the pidfd to be looked at.
		config.process.args = ["/bin/sleep", "0.5"];
	});
	const socket = space.path("run.sock");
	const { said } = await listen(socket);
	t.equal(container.run(["--pidfd-socket", socket]).status, 0);
	await eventually(() => said().includes("ended"), "its end is seen");
	t.match(said(), /^word standard\npid [1-9]\d*\nended\n$/);
});

t.test("crun's annotation names another receiver", { skip }, async (t) => {
	const sockets = [space.path("annotated.sock"), space.path("option.sock")] as const;
	const [annotated, option] = [await listen(sockets[0]), await listen(sockets[1])];
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
		config.annotations = { "run.oci.pidfd_receiver": sockets[0] };
	});
	t.equal(container.create(["--pidfd-socket", sockets[1]]).status, 0);
	for (const { said } of [annotated, option]) {
		await eventually(() => said().includes("pid "), "the pidfd comes");
		t.match(said(), `pid ${container.state().pid}\n`);
	}
	t.equal(container.delete("--force").status, 0);
	await eventually(() => annotated.said().includes("ended"), "its end is seen");
	const again = container.run();
	t.equal(again.status, 1);
	t.match(again.stderr, /unable to hand the pidfd to .*annotated\.sock: .*\nhint: run\.oci\.pidfd_receiver names/);
	t.same(container.runtime.command(["list", "-q"]).stdout, "");
});

t.test("nobody listens: an error, and nothing is left", { skip }, async (t) => {
	const container = space.container();
	const result = container.create(["--pidfd-socket", space.path("nobody.sock")]);
	t.equal(result.status, 1);
	t.match(result.error, /^runc create failed: unable to hand the pidfd to .*nobody\.sock: /);
	t.match(result.stderr, "hint: --pidfd-socket names");
	t.equal(container.delete().status, 1, "there is no such container");
});

nothingLeft(t, space);
