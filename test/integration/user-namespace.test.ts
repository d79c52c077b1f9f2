import { chownSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { failed, runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const base = 100_000;

/** Maps 0..65535 to the host's 100000 and gives the rootfs to the container's root. */
function mapped(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	chownSync(bundle.rootfs, base, base);
	for (const name of readdirSync(bundle.rootfs)) chownSync(join(bundle.rootfs, name), base, base);
}

t.test("id maps, identity, capabilities, devices", async (t) => {
	const seen = space.inside(mapped, {
		uid: "cat /proc/self/uid_map",
		gid: "cat /proc/self/gid_map",
		setgroups: "cat /proc/self/setgroups",
		id: "id -u; id -g",
		caps: "grep CapEff /proc/self/status",
		table: "cat /proc/self/mountinfo",
		devices: "stat -c '%n %F %t:%T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty",
		null: "echo x > /dev/null && echo works",
		pts: "stat -c %a /dev/pts/ptmx",
		host: "cat /proc/self/oom_score_adj; readlink /proc/self/ns/user",
	});
	t.same(seen.uid.split(/\s+/), ["0", `${base}`, "65536"]);
	t.same(seen.gid.split(/\s+/), ["0", `${base}`, "65536"]);
	t.equal(seen.setgroups, "allow");
	t.equal(seen.id, "0\n0");
	t.notMatch(seen.caps, /\t0+$/);
	t.match(seen.devices, /null character special file 1:3/);
	t.match(seen.devices, /tty character special file 5:0/);
	t.equal(seen.null, "works");
	t.equal(seen.pts, "666");
	t.equal(mountOn(seen.table, "/proc").type, "proc");
	t.equal(mountOn(seen.table, "/sys").type, "sysfs");
});

t.test("a file of the container's root is the mapped user's on the host", async (t) => {
	const container = space.container((config, bundle) => {
		mapped(config, bundle);
		config.root.readonly = false;
		config.process.args = ["/bin/sh", "-c", "touch /home/root-made; stat -c %u /home/root-made"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, "0\n");
	const { uid, gid } = statSync(join(container.bundle.rootfs, "home/root-made"));
	t.equal(uid, base);
	t.equal(gid, base);
});

t.test("another user, with groups", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mapped(config, bundle);
			config.process.user = { uid: 1000, gid: 1000, additionalGids: [5, 2000] };
		},
		{ ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status" },
	);
	t.match(seen.ids, /^Uid:\t1000\t1000/m);
	t.match(seen.ids, /^Groups:\t5 2000/m);
});

t.test("several ranges, in the order of the list", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mapped(config, bundle);
			config.linux.uidMappings = [
				{ containerID: 0, hostID: base, size: 10 },
				{ containerID: 1000, hostID: 200_000, size: 5 },
				{ containerID: 5000, hostID: 300_000, size: 1 },
			];
		},
		{ uid: "cat /proc/self/uid_map" },
	);
	t.same(
		seen.uid.split("\n").map((line) => line.trim().split(/\s+/).map(Number)),
		[
			[0, base, 10],
			[1000, 200_000, 5],
			[5000, 300_000, 1],
		],
	);
});

t.test("limits, sysctls, masks and hostname work there too", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mapped(config, bundle);
			config.hostname = "inner";
			config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
			config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }];
		},
		{
			name: "hostname",
			sysctl: "cat /proc/sys/net/ipv4/ip_forward",
			limit: "ulimit -Sn; ulimit -Hn",
			masked: "cat /proc/keys /proc/timer_list; ls -A /sys/firmware",
			readonly: "echo 0 > /proc/sys/net/ipv4/ip_forward",
		},
	);
	t.equal(seen.name, "inner");
	t.equal(seen.sysctl, "1");
	t.equal(seen.limit, "100\n200");
	t.equal(seen.masked, "");
	t.match(seen.readonly, /Read-only/);
});

t.test("created, started, killed and deleted like any other", async (t) => {
	const container = space.container((config, bundle) => {
		mapped(config, bundle);
		config.process.args = ["/bin/sleep", "1000"];
	});
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	t.equal(container.start().status, 0);
	t.equal(container.state().status, "running");
	t.equal(statSync(`/proc/${container.state().pid}`).uid, base);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("a user that is not mapped is an error", async (t) => {
	const result = space
		.container((config, bundle) => {
			mapped(config, bundle);
			config.process.user = { uid: 70_000, gid: 0 };
		})
		.create();
	t.ok(failed(result));
	if (runtimeName === "runtime-ts") t.match(result.stderr, /process\/user/);
});

t.test(
	"mappings without a user namespace, a user namespace without mappings",
	{ skip: unlessPeer({ runc: "1.1 ignores the one", crun: "1.8 ignores the one" }) },
	async (t) => {
		const without = space.container((config) => {
			config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 10 }];
		});
		t.ok(failed(without.create()));
		const empty = space.container((config) => {
			config.linux.namespaces.push({ type: "user" });
		});
		t.ok(failed(empty.create()));
	},
);

t.test(
	"70 kB of mappings",
	{ skip: unlessPeer({ runc: "1.1 has a limit of its own", crun: "needs newuidmap" }) },
	async (t) => {
		// CVE-2021-43784: a length field of 16 bits, and the namespaces were off. The kernel takes one page of text and 340 ranges.
		const mappings = Array.from({ length: 3000 }, (_, index) => ({
			containerID: index * 2,
			hostID: base + index * 2,
			size: 1,
		}));
		const container = space.container((config, bundle) => {
			mapped(config, bundle);
			config.linux.uidMappings = mappings;
			writeFileSync(join(bundle.rootfs, "tmp/x"), "");
		});
		const result = container.create();
		t.ok(failed(result));
		t.match(result.stderr, /uidMappings/);
		const many = space.inside(
			(config, bundle) => {
				mapped(config, bundle);
				// Small numbers: the kernel takes 340 lines, and one page.
				config.linux.uidMappings = mappings
					.slice(0, 340)
					.map((line) => ({ ...line, hostID: 20_000 + line.containerID }));
				chownSync(bundle.rootfs, 20_000, base);
				for (const name of readdirSync(bundle.rootfs)) chownSync(join(bundle.rootfs, name), 20_000, base);
			},
			{ count: "wc -l < /proc/self/uid_map" },
		);
		t.equal(many.count, "340");
		const page = space.container((config, bundle) => {
			mapped(config, bundle);
			config.linux.uidMappings = mappings
				.slice(0, 340)
				.map((line) => ({ ...line, hostID: 4_000_000 + line.containerID }));
		});
		t.match(page.create(), { status: 1, stderr: /invalid argument .*uidMappings\)\s+hint: .*one page/ });
	},
);

nothingLeft(t, space);
