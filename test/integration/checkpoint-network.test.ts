/** checkpoint and restore of network namespaces and TCP connections. */
import { execFileSync, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import t from "tap";
import { writeConfig } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { checkpoint, withoutCriu } from "../support/criu.js";
import { Holder } from "../support/holder.js";
import { Lives } from "../support/lives.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;

t.test("--tcp-established: a connection goes on, with the bytes that were on the way", { skip }, async (t) => {
	for (const args of [[], ["--empty-ns", "network"], ["--network-lock", "nftables"]]) {
		const life = await lives.holding("connection", []);
		const { container } = life;
		const images = lives.save(container, "--tcp-established", ...args);
		const after = await lives.back(container, images, "--tcp-established", ...args);
		t.match(await life.go(after), /^got beforeafter, answer\nend 0$/m, args.join(" "));
		t.equal(container.delete("--force").status, 0);
	}
});

t.test("--tcp-close: whoever reads or writes is told", { skip }, async (t) => {
	const life = await lives.holding("connection", []);
	const { container } = life;
	const images = lives.save(container, "--tcp-established");
	t.match(await life.go(await lives.back(container, images, "--tcp-close")), /^(write: EPIPE|closed)\nend 1$/m);
	t.equal(container.delete("--force").status, 0);
});

t.test("--tcp-skip-in-flight: connections that nobody has accepted are left out", { skip }, async (t) => {
	const life = await lives.holding("in-flight", []);
	const { container } = life;
	const refused = checkpoint(container, lives.images(), "--tcp-established");
	t.equal(refused.status, 1);
	t.match(refused.stderr, /--tcp-skip-in-flight leaves out/, "what to do");
	t.equal(container.state().status, "running");
	const images = lives.save(container, "--tcp-established", "--tcp-skip-in-flight");
	const after = await lives.back(container, images, "--tcp-established");
	t.match(await life.go(after), /^got after, answer\nend 0$/m, "the listener has no other connection");
	t.equal(container.delete("--force").status, 0);
});

async function network(t: { teardown: (undo: () => void) => void }): Promise<string> {
	const holder = await Holder.start(["--net"]);
	t.teardown(() => holder.release());
	execFileSync("nsenter", [`--net=${holder.path("net")}`, "ip", "link", "set", "lo", "up"]);
	return holder.path("net");
}

t.test("a network namespace that is joined: the connection goes on in another one", { skip }, async (t) => {
	const [first, second] = [await network(t), await network(t)];
	const join = (config: Config, path: string) => {
		for (const namespace of config.linux.namespaces) if (namespace.type === "network") namespace.path = path;
	};
	const life = await lives.holding("connection", [], (config) => join(config, first));
	const { container } = life;
	const images = lives.save(container, "--tcp-established", "--leave-running");
	t.equal(container.delete("--force").status, 0);
	join(container.bundle.config, second);
	writeConfig(container.bundle);
	t.match(await life.go(await lives.back(container, images, "--tcp-established")), /^got beforeafter, answer$/m);
	t.equal(readlinkSync(`/proc/${container.state().pid}/ns/net`), readlinkSync(second));
	t.equal(container.delete("--force").status, 0);
});

t.test("… and in the same one is cut off, which is told: criu's lock is there twice", { skip }, async (t) => {
	const path = await network(t);
	const life = await lives.holding("connection", [], (config) => {
		for (const namespace of config.linux.namespaces) if (namespace.type === "network") namespace.path = path;
	});
	const { container } = life;
	const images = lives.save(container, "--tcp-established");
	const after = await lives.back(container, images, "--tcp-established");
	t.match(after.output(), /criu could not unlock the network namespace/);
	t.equal(container.delete("--force").status, 0);
});

t.test("an own network namespace: what create has put into it is there again", { skip }, async (t) => {
	const device = `d${space.token.slice(-8)}`;
	const added = spawnSync("ip", ["link", "add", device, "type", "dummy"]);
	const { container } = await lives.running((config) => {
		config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "80" };
		if (added.status === 0) config.linux.netDevices = { [device]: { name: "moved0" } };
	});
	const asked = () =>
		container.runtime.command([
			"exec",
			container.id,
			"/bin/sh",
			"-c",
			"ip -o link; ip -o addr; cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
		]).stdout;
	const before = asked();
	t.match(before, /lo: <LOOPBACK,UP,LOWER_UP>/);
	t.match(before, /moved0/);
	const images = lives.save(container);
	// A dummy ends with its namespace; one that is no virtual device would be back.
	execFileSync("ip", ["link", "add", device, "type", "dummy"]);
	await lives.back(container, images);
	const links = (text: string) => [...text.matchAll(/^\d+: (\S+?):? .*?(?:inet6? (\S+))?/gm)].map((m) => m[1]);
	t.same(links(asked()), links(before));
	t.match(asked(), /lo: <LOOPBACK,UP,LOWER_UP>[\s\S]*inet 127\.0\.0\.1\/8[\s\S]*^80$/m);
	t.equal(container.delete("--force").status, 0);
});

t.test("--network-lock", { skip }, async (t) => {
	const { container } = await lives.running();
	const unknown = checkpoint(container, lives.images(), "--network-lock", "rope");
	t.match(unknown.error, /^unknown network lock method specified$/);
	t.match(
		checkpoint(container, lives.images(), "--network-lock", "skip").error,
		/^--network-lock skip requires at least CRIU 3\.19$/,
	);
	t.equal(container.delete("--force").status, 0);
});

nothingLeft(t, space);
