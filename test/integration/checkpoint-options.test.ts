/** checkpoint and restore with the options for what criu does not save by itself: what the process has of it afterwards. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkpoint, withoutCriu } from "../support/criu.js";
import { Lives } from "../support/lives.js";
import { NotifySocket } from "../support/notify-socket.js";
import { Terminal } from "../support/terminal.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;

t.test("--file-locks: both kinds are held again, and refused without it", { skip }, async (t) => {
	const life = await lives.holding("locks", ["/shared/locked"]);
	const { container } = life;
	const refused = checkpoint(container, lives.images());
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--file-locks/, "criu's own word for what to do");
	t.equal(container.state().status, "running");
	const images = lives.save(container, "--file-locks");
	const without = await lives.back(container, images);
	t.match(without.output(), /the images have file locks, which are not taken again without --file-locks/);
	t.match(await life.go(without), /^flock ok\nposix free\nend 0$/m);
	t.equal(container.delete("--force").status, 0);
	rmSync(join(life.shared, "go"));
	const said = await life.go(await lives.back(container, images, "--file-locks"));
	t.match(said, /^flock EAGAIN\nposix held\nend 0$/m);
	t.equal(container.delete("--force").status, 0);
});

t.test("--link-remap: a file that has lost the name it was opened by", { skip }, async (t) => {
	const life = await lives.holding("remapped", ["/shared/first", "/shared/second"]);
	const { container, shared } = life;
	const refused = checkpoint(container, lives.images());
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--link-remap gives/, "what to do");
	const images = lives.save(container, "--link-remap");
	t.match(await life.go(await lives.back(container, images)), /^same file, links 1\nend 0$/m);
	t.equal(readFileSync(join(shared, "second"), "utf8"), "before after");
	t.equal(container.delete("--force").status, 0);
});

t.test("--ext-unix-sk: datagrams to a socket of the host", { skip }, async (t) => {
	const socket = new NotifySocket(space.path("datagrams"));
	t.teardown(() => socket.close());
	await socket.listening();
	const life = await lives.holding("datagrams", [socket.path], (config) => {
		// criu sees both ends in one network namespace only, and finds the other one again by its name.
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
		config.mounts.push({ destination: socket.path, type: "bind", source: socket.path, options: ["bind"] });
	});
	const { container } = life;
	await eventually(() => socket.received.includes("datagram before"), "the first one arrives");
	const refused = checkpoint(container, lives.images());
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--ext-unix-sk leaves out/, "what to do");
	const images = lives.save(container, "--ext-unix-sk");
	t.match(await life.go(await lives.back(container, images, "--ext-unix-sk")), /^sent\nend 0$/m);
	await eventually(() => socket.received.includes("datagram after"), "the second one arrives");
	t.equal(container.delete("--force").status, 0);
});

t.test("--shell-job: a process on its caller's terminal", { skip }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo ready; while read line; do echo got $line; done"];
	});
	const { runtime, bundle, id } = container;
	const first = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
	t.teardown(() => first.close());
	await first.shows(/ready/);
	const refused = checkpoint(container, lives.images());
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--shell-job/);
	const images = lives.save(container, "--shell-job");
	await first.ended();
	const restore = ["restore", "--shell-job", "--image-path", images, "--bundle", bundle.path, id];
	const second = new Terminal(["run", ...runtime.argv(restore, [])]);
	t.teardown(() => second.close());
	await eventually(() => runtime.command(["state", id]).status === 0, "it is restored");
	second.write("a line\r");
	await second.shows(/got a line/);
	t.equal(container.kill("KILL").status, 0);
	t.equal((await second.ended()).status, 137);
});

nothingLeft(t, space);
