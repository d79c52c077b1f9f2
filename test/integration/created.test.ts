/** A container that is only created: what may be done with it before its program runs. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

function sleeps(config: Config): void {
	config.process.args = ["/bin/sleep", "1000"];
}

const deaf = unlessPeer({ crun: "its waiting process has no handler" });

t.test("HUP, INT, QUIT and TERM end it, as with runc", { skip: deaf }, async (t) => {
	for (const signal of ["HUP", "INT", "QUIT", "TERM"]) {
		const container = space.container(sleeps);
		t.equal(container.create().status, 0);
		t.equal(container.kill(signal).status, 0);
		await container.stopped();
		t.match(container.start(), { status: 1, stderr: /cannot start a container that has stopped/ }, signal);
		t.equal(container.delete().status, 0);
	}
});

t.test("a signal that asks for no end leaves it waiting, and its program has no handlers", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "grep Sig /proc/self/status; echo listed; exec sleep 1000"];
	});
	t.equal(container.create().status, 0);
	for (const signal of ["USR1", "WINCH", "CONT"]) t.equal(container.kill(signal).status, 0, signal);
	await delay(50);
	t.equal(container.state().status, "created");
	t.equal(container.start().status, 0);
	await container.printed("listed");
	t.match(container.output, /SigBlk:\t0{16}\nSigIgn:\t0{16}\nSigCgt:\t0{16}\n/);
	t.equal(container.delete("--force").status, 0);
});

t.test("an ordinary user's exec gets in", { skip: oursOnly }, async (t) => {
	const caller = new Caller(space, 61_240);
	const container = caller.container(sleeps);
	const created = container.create([], { env: { SECRET: "of the caller" } });
	t.equal(created.status, 0, created.stderr);
	const exec = (...args: string[]) => caller.runtime.command(["exec", container.id, ...args]);
	t.match(exec("id", "-u"), { status: 0, stdout: "0\n", stderr: "" });
	// It may look at the waiting process, of which nothing must show more than the container does.
	t.equal(exec("cat", "/proc/1/environ").stdout, "");
	for (const name of ["cwd", "root"]) t.equal(exec("readlink", `/proc/1/${name}`).stdout, "/\n");
	const descriptors = exec("ls", "-l", "/proc/1/fd").stdout.match(/(?<= [3-9] -> ).*/g) ?? [];
	t.ok(descriptors.length > 0, "it sees them");
	for (const name of descriptors) t.match(name, /^(socket:\[\d+\]|\/|\/(proc|dev|sys)\/.*)$/);
	t.equal(container.state().status, "created");
	t.equal(container.start().status, 0);
	t.match(exec("id", "-u"), { status: 0, stdout: "0\n" });
	t.equal(container.delete("--force").status, 0);
});

t.test("one that shares the processes of another stays closed to it", { skip: oursOnly }, async (t) => {
	const caller = new Caller(space, 61_241);
	const other = caller.container(sleeps);
	t.equal(other.create().status, 0);
	t.equal(other.start().status, 0);
	const { pid } = other.state();
	const container = caller.container((config) => {
		sleeps(config);
		for (const namespace of config.linux.namespaces) {
			if (namespace.type === "pid" || namespace.type === "user") namespace.path = `/proc/${pid}/ns/${namespace.type}`;
		}
		delete config.linux.uidMappings;
		delete config.linux.gidMappings;
	});
	const created = container.create();
	t.equal(created.status, 0, created.stderr);
	const result = caller.runtime.command(["exec", container.id, "true"]);
	t.match(result, { status: 255, stderr: /permission denied\nhint: .*once it is started/ });
	const seen = caller.runtime.command(["exec", other.id, "sh", "-c", "readlink /proc/[0-9]*/exe"]).stdout;
	t.notMatch(seen, "runtime-ts-init", "nor can the other container look at it");
	t.equal(container.start().status, 0);
	t.equal(caller.runtime.command(["exec", container.id, "true"]).status, 0);
	t.equal(container.delete("--force").status, 0);
	t.equal(other.delete("--force").status, 0);
});

t.test("root's is hidden from its own processes", { skip: oursOnly }, async (t) => {
	const container = space.container(sleeps);
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	t.match(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /^runtime-ts-init\0/);
	const look = container.runtime.command(["exec", container.id, "readlink", "/proc/1/exe"]);
	t.match(look, { status: 1, stdout: "" });
	t.equal(container.delete("--force").status, 0);
});

nothingLeft(t, space);
