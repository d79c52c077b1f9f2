import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import t from "tap";
import { NotifySocket } from "../support/notify-socket.js";
import { unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const proxy = unlessPeer({ crun: "1.8 binds the caller's socket, and adds no MAINPID" });
const space = workspace(t);

t.test(
	"READY=1 reaches the caller's socket with MAINPID, at start of a detached container",
	{ skip: proxy },
	async (t) => {
		const socket = new NotifySocket(space.path("notify"));
		t.teardown(() => socket.close());
		await socket.listening();
		const container = space.container((config) => {
			config.process.args = ["/bin/sh", "-c", "sleep 0.1; probe notify 'READY=1\nSTATUS=fine'; exec sleep 1000"];
		});
		const env = { NOTIFY_SOCKET: socket.path };
		t.equal(container.create([], { env }).status, 0);
		const { pid } = container.state();
		t.equal(container.runtime.command(["start", container.id], { env }).status, 0);
		await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
		await eventually(() => /MAINPID=\d+/.test(socket.received), "MAINPID arrives");
		t.match(socket.received, `MAINPID=${pid}`);
		t.equal(container.delete("--force").status, 0);
	},
);

t.test("run forwards while it is in the foreground", { skip: proxy }, async (t) => {
	const socket = new NotifySocket(space.path("notify-run"));
	t.teardown(() => socket.close());
	await socket.listening();
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo $NOTIFY_SOCKET; probe notify READY=1; sleep 0.3"];
	});
	const result = container.run([], { env: { NOTIFY_SOCKET: socket.path } });
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /^\/run\/notify\/notify\.sock\nok/);
	await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
	t.match(socket.received, /READY=1/);
});

t.test("in a user namespace, whose root can't reach the runtime's directory", { skip: proxy }, async (t) => {
	const socket = new NotifySocket(space.path("notify-user"));
	t.teardown(() => socket.close());
	await socket.listening();
	const container = space.container((config, bundle) => {
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65536 }];
		execFileSync("chown", ["-hR", "100000:100000", bundle.rootfs]);
		config.process.args = ["/bin/sh", "-c", "probe notify READY=1; sleep 0.3"];
	});
	t.equal(statSync(space.root).mode & 0o077, 0, "the runtime's directory is root's alone");
	const result = container.run([], { env: { NOTIFY_SOCKET: socket.path } });
	t.equal(result.status, 0, result.stderr);
	await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
});

t.test("start does not wait for a container that ends without READY=1", async (t) => {
	const socket = new NotifySocket(space.path("notify-none"));
	t.teardown(() => socket.close());
	await socket.listening();
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "exit 3"];
	});
	const env = { NOTIFY_SOCKET: socket.path };
	t.equal(container.create([], { env }).status, 0);
	t.equal(container.runtime.command(["start", container.id], { env, timeoutMs: 5000 }).status, 0);
	await container.stopped();
	t.notMatch(socket.received, /READY/);
	t.equal(container.delete().status, 0);
});

t.test("a socket that nobody listens on is not the container's trouble", async (t) => {
	const container = space.container();
	const path = space.path("no-such-socket");
	const result = container.run([], { env: { NOTIFY_SOCKET: path } });
	t.equal(result.status, 0, result.stderr);
	t.notOk(existsSync(path));
});

t.test("without NOTIFY_SOCKET nothing of it is inside", async (t) => {
	const seen = space.inside(() => {}, { variable: "echo [$NOTIFY_SOCKET]", path: "ls /run/notify" });
	t.equal(seen.variable, "[]");
	t.match(seen.path, /No such file/);
});

nothingLeft(t, space);
