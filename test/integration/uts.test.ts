import { execFileSync } from "node:child_process";
import { hostname } from "node:os";
import t from "tap";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("hostname", async (t) => {
	const before = hostname();
	const seen = space.inside(
		(config) => {
			config.hostname = "inner-name.example";
		},
		{ name: "hostname", proc: "cat /proc/sys/kernel/hostname" },
	);
	t.equal(seen.name, "inner-name.example");
	t.equal(seen.proc, "inner-name.example");
	t.equal(hostname(), before, "the host's stays");
});

t.test("domainname", { skip: unlessPeer({ runc: "not in 1.1" }) }, async (t) => {
	const before = execFileSync("cat", ["/proc/sys/kernel/domainname"], { encoding: "utf8" });
	const seen = space.inside(
		(config) => {
			config.domainname = "inner.example";
		},
		{ name: "cat /proc/sys/kernel/domainname" },
	);
	t.equal(seen.name, "inner.example");
	t.equal(execFileSync("cat", ["/proc/sys/kernel/domainname"], { encoding: "utf8" }), before);
});

t.test("a hostname without a uts namespace is refused, and the host's stays", async (t) => {
	const before = hostname();
	const container = space.container((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "uts");
		config.hostname = "stolen";
	});
	t.equal(container.create().status, 1);
	t.equal(hostname(), before);
});

t.test("sysctls, with dots and with slashes", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.sysctl = {
				"net.ipv4.ip_forward": "1",
				"net.ipv4.ping_group_range": "0 5",
				"kernel.shm_rmid_forced": "1",
				"kernel.msgmax": "4096",
				"fs.mqueue.msg_max": "20",
				"net/ipv4/conf/lo/forwarding": "0",
			};
		},
		{
			forward: "cat /proc/sys/net/ipv4/ip_forward",
			range: "cat /proc/sys/net/ipv4/ping_group_range",
			shm: "cat /proc/sys/kernel/shm_rmid_forced",
			msgmax: "cat /proc/sys/kernel/msgmax",
			mqueue: "cat /proc/sys/fs/mqueue/msg_max",
			lo: "cat /proc/sys/net/ipv4/conf/lo/forwarding",
		},
	);
	t.equal(seen.forward, "1");
	t.equal(seen.range, "0\t5");
	t.equal(seen.shm, "1");
	t.equal(seen.msgmax, "4096");
	t.equal(seen.mqueue, "20");
});

t.test("a sysctl of the whole host, or of a namespace that is not new, is refused", async (t) => {
	const value = () =>
		execFileSync("cat", ["/proc/sys/vm/swappiness", "/proc/sys/net/ipv4/ip_forward"], { encoding: "utf8" });
	const before = value();
	const host = space.container((config) => {
		config.linux.sysctl = { "vm.swappiness": "7" };
	});
	const result = host.create();
	t.equal(result.status, 1);
	t.match(result.error, /vm\.swappiness/);
	const shared = space.container((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
		config.mounts = config.mounts.filter(({ type }) => type !== "sysfs" && type !== "cgroup");
		config.linux.sysctl = { "net.ipv4.ip_forward": before.includes("\n1\n") ? "0" : "1" };
	});
	t.equal(shared.create().status, 1);
	t.equal(value(), before);
});

t.test("an unknown sysctl is an error that names it", async (t) => {
	const container = space.container((config) => {
		config.linux.sysctl = { "net.ipv4.no_such_thing": "1" };
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /no_such_thing/);
});

nothingLeft(t, space);
