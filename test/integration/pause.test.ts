import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { failed, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
/** crun has words of its own for most errors. */
const words = runtimeName !== "crun";

/** Prints a line every 10 ms. */
function ticking(edit: Edit = () => {}): Container {
	return space.container((config, bundle) => {
		config.process.args = ["/bin/sh", "-c", "while :; do echo tick; usleep 10000; done"];
		edit(config, bundle);
	});
}

const pause = (container: Container) => container.runtime.command(["pause", container.id]);
const resume = (container: Container) => container.runtime.command(["resume", container.id]);

async function startTicking(container: Container): Promise<void> {
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("tick");
}

t.test("a paused container does nothing, a resumed one goes on", async (t) => {
	const container = ticking();
	await startTicking(container);
	for (let round = 0; round < 2; round++) {
		const paused = pause(container);
		t.equal(paused.status, 0, paused.stderr);
		t.equal(paused.stdout + paused.stderr, "");
		const before = container.output.length;
		t.equal(container.state().status, "paused");
		await delay(200);
		t.equal(container.output.length, before, "not a tick");
		const resumed = resume(container);
		t.equal(resumed.status, 0, resumed.stderr);
		t.equal(resumed.stdout + resumed.stderr, "");
		t.equal(container.state().status, "running");
		await eventually(() => container.output.length > before, "it ticks again");
	}
	t.equal(container.delete("--force").status, 0);
});

t.test("every process of it, sub-cgroups and those that fork all the time", { skip: oursOnly }, async (t) => {
	const container = ticking((config) => {
		config.process.args = ["/bin/sh", "-c", "for i in 1 2 3; do while :; do /bin/true; done & done; echo tick; wait"];
	});
	await startTicking(container);
	for (let round = 0; round < 5; round++) {
		t.equal(pause(container).status, 0);
		const list = container.runtime.command(["list", "--format", "json"]).stdout;
		t.match(JSON.parse(list), [{ id: container.id, status: "paused" }]);
		t.same(tasks(container), tasks(container), "nobody is born");
		t.equal(resume(container).status, 0);
	}
	t.equal(container.delete("--force").status, 0);
});

/** Pids of the container's processes with the processor time that each has had. */
function tasks(container: Container): string[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.flatMap((pid) => {
			try {
				if (!readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(container.id)) return [];
				const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
				return [`${pid} ${stat[13]} ${stat[14]}`];
			} catch {
				return []; // it has ended
			}
		});
}

t.test("a created container", { skip: unlessPeer({ crun: "cannot tell its state" }) }, async (t) => {
	const container = ticking();
	t.equal(container.create().status, 0);
	t.equal(pause(container).status, 0);
	t.equal(container.state().status, "paused");
	const refused = container.start();
	t.ok(failed(refused));
	t.match(refused.error, "cannot start a container in the paused state");
	t.equal(resume(container).status, 0);
	t.equal(container.state().status, "created");
	t.equal(container.start().status, 0, "it was not started, and can be");
	await container.printed("tick");
	t.equal(pause(container).status, 0);
	const again = container.start();
	t.ok(failed(again));
	t.match(again.error, "cannot start a container in the paused state");
	t.equal(container.delete("--force").status, 0);
});

t.test("signals wait for resume, SIGKILL does not", { skip: unlessPeer({ crun: "SIGKILL waits" }) }, async (t) => {
	const container = ticking((config) => {
		config.process.args = ["/bin/sh", "-c", "trap 'echo got TERM' TERM; while :; do echo tick; usleep 10000; done"];
	});
	await startTicking(container);
	t.equal(pause(container).status, 0);
	t.equal(container.kill("TERM").status, 0);
	await delay(100);
	t.equal(container.state().status, "paused");
	t.notMatch(container.output, "got TERM");
	t.equal(resume(container).status, 0);
	await container.printed("got TERM");
	t.equal(pause(container).status, 0);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	t.same(space.leaks(), []);
});

t.test("delete: with --force only", async (t) => {
	const container = ticking();
	await startTicking(container);
	t.equal(pause(container).status, 0);
	const refused = container.delete();
	t.ok(failed(refused));
	if (words) t.match(refused.error, `cannot delete container ${container.id} that is not stopped: paused`);
	t.equal(container.state().status, "paused", "and stays paused");
	t.equal(container.delete("--force").status, 0);
	t.same(space.leaks(), []);
});

t.test("delete --force of a paused container in the host's pid namespace, with children", async (t) => {
	const container = ticking((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		config.process.args = ["/bin/sh", "-c", "for i in 1 2 3; do setsid sleep 1000 & done; echo tick; exec sleep 1000"];
	});
	await startTicking(container);
	t.equal(pause(container).status, 0);
	t.equal(container.delete("--force").status, 0);
	t.same(space.leaks(), []);
});

t.test("paused, while many pause and resume at once", { skip: oursOnly }, async (t) => {
	const container = ticking();
	await startTicking(container);
	const children = Array.from({ length: 8 }, (_, index) =>
		container.runtime.spawn([index % 2 === 0 ? "pause" : "resume", container.id], { stdio: "ignore" }),
	);
	await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
	t.ok(children.every((child) => child.exitCode === 0 || child.exitCode === 1));
	resume(container);
	t.equal(container.state().status, "running", "never stuck");
	const before = container.output.length;
	await eventually(() => container.output.length > before, "it ticks");
	t.equal(container.delete("--force").status, 0);
});

t.test("states that cannot be paused or resumed", async (t) => {
	const container = ticking();
	await startTicking(container);
	const early = resume(container);
	// crun takes it for done.
	if (words) t.ok(failed(early));
	if (words) t.match(early.error, /^container not paused/);
	t.equal(pause(container).status, 0);
	const twice = pause(container);
	if (words) t.ok(failed(twice));
	if (words) t.match(twice.error, /^container not running/);
	t.equal(resume(container).status, 0);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	for (const [result, message] of [
		[pause(container), "container not running"],
		[resume(container), "container not paused"],
	] as const) {
		if (words) t.ok(failed(result));
		if (words) t.match(result.error, message);
	}
	t.equal(container.delete().status, 0);
	for (const result of [pause(container), resume(container)]) {
		t.ok(failed(result));
		if (words) t.match(result.error, "container does not exist");
	}
});

nothingLeft(t, space);
