/** sd_notify(3) from a user namespace, whose root is somebody else on the host. */
import { chmodSync, chownSync } from "node:fs";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { NotifySocket } from "../support/notify-socket.js";
import { oursOnly } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

const notify = ["/bin/sh", "-c", "id -u; probe notify READY=1; sleep 0.3"];

t.test("root's container in a user namespace", async (t) => {
	const socket = new NotifySocket(space.path("notify-root"));
	t.teardown(() => socket.close());
	await socket.listening();
	const container = space.container((config: Config, { rootfs }: Bundle) => {
		chownSync(rootfs, 500_000, 500_000);
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = [{ containerID: 0, hostID: 500_000, size: 1000 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 500_000, size: 1000 }];
		config.process.user = { uid: 7, gid: 7 };
		config.process.args = notify;
	});
	const result = container.run([], { env: { NOTIFY_SOCKET: socket.path } });
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /^7\nok/);
	await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
});

t.test("an ordinary user's", async (t) => {
	const caller = new Caller(space, 61_700);
	const socket = new NotifySocket(space.path("notify-user"));
	t.teardown(() => socket.close());
	await socket.listening();
	// As the user's own service manager has it.
	chmodSync(socket.path, 0o666);
	const container = caller.container((config) => {
		config.process.args = notify;
	});
	const result = container.run([], { env: { NOTIFY_SOCKET: socket.path } });
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /^0\nok/);
	await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
	t.match(socket.received, /MAINPID=\d+/);
	t.same(caller.states, []);
});

nothingLeft(t, space);
