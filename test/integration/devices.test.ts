import { statSync } from "node:fs";
import t from "tap";
import { mountOn } from "../support/mountinfo.js";
import { oursOnly, Runtime, unlessPeer } from "../support/runtime.js";
import { Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const kept = { runc: "takes any file for the device", crun: "takes any file for the device" };
const stat = (...paths: string[]) => `stat -c '%n %F %a %t:%T %u:%g' ${paths.join(" ")}`;

t.test("default devices and links", async (t) => {
	const seen = space.inside(() => {}, {
		devices: stat("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"),
		links: "for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done",
		console: "ls /dev/console",
		others: "ls /dev",
		null: "echo x > /dev/null && cat /dev/null",
		zero: "head -c 3 /dev/zero | od -An -tx1",
		full: "echo x > /dev/full",
		random: "head -c 4 /dev/random | wc -c; head -c 4 /dev/urandom | wc -c",
		stdin: "echo through | cat /dev/stdin",
		pty: "test -c /dev/ptmx && echo yes",
	});
	const device = (name: string, numbers: string) => `/dev/${name} character special file 666 ${numbers} 0:0`;
	t.same(seen.devices.split("\n"), [
		device("null", "1:3"),
		device("zero", "1:5"),
		device("full", "1:7"),
		device("random", "1:8"),
		device("urandom", "1:9"),
		device("tty", "5:0"),
	]);
	t.same(seen.links.split("\n"), [
		"fd /proc/self/fd",
		"stdin /proc/self/fd/0",
		"stdout /proc/self/fd/1",
		"stderr /proc/self/fd/2",
		"ptmx pts/ptmx",
	]);
	t.match(seen.console, /No such file/, "there is no console without a terminal");
	t.notMatch(seen.others, /vda|kmsg|mem\b/, "nothing of the host's");
	t.equal(seen.null, "");
	t.equal(seen.zero, "00 00 00");
	t.match(seen.full, /No space left/);
	t.equal(seen.random, "4\n4");
	t.equal(seen.stdin, "through");
	t.equal(seen.pty, "yes");
});

t.test("devices of the configuration", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.devices = [
				{ type: "c", path: "/dev/fuse", major: 10, minor: 229, fileMode: 0o640, uid: 1000, gid: 1001 },
				{ type: "b", path: "/dev/deep/er/loop", major: 7, minor: 0, fileMode: 0o600 },
				{ type: "u", path: "/dev/unbuffered", major: 1, minor: 5, fileMode: 0o666 },
				{ type: "p", path: "/dev/fifo", fileMode: 0o622 },
				{ type: "c", path: "/opt/null", major: 1, minor: 3, fileMode: 0o444 },
			];
			config.root.readonly = false;
		},
		{
			// A umask must not take bits away: the runtime is called with 077 here.
			fuse: stat("/dev/fuse"),
			loop: stat("/dev/deep/er/loop"),
			unbuffered: stat("/dev/unbuffered"),
			fifo: "stat -c '%F %a' /dev/fifo",
			elsewhere: stat("/opt/null"),
		},
		{ shell: "umask 077;" },
	);
	t.equal(seen.fuse, "/dev/fuse character special file 640 a:e5 1000:1001");
	t.equal(seen.loop, "/dev/deep/er/loop block special file 600 7:0 0:0");
	t.equal(seen.unbuffered, "/dev/unbuffered character special file 666 1:5 0:0");
	t.equal(seen.fifo, "fifo 622");
	t.equal(seen.elsewhere, "/opt/null character special file 444 1:3 0:0");
});

t.test("a file of the image where a device belongs is an error", { skip: unlessPeer(kept) }, async (t) => {
	const container = space.container((config, bundle) => {
		config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
		config.root.readonly = false;
		config.linux.devices = [{ type: "c", path: "/etc/passwd", major: 1, minor: 5, fileMode: 0o666 }];
		bundle.config.process.args = ["/bin/true"];
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.ok(statSync(`${container.bundle.rootfs}/etc/passwd`).isFile(), "and the file is still there");
});

t.test("the device cgroup refuses what no rule allows", async (t) => {
	const questions = {
		// /dev/fuse exists on this kernel and opens without a side effect.
		fuse: "probe open-read /dev/fuse",
		mknod: "probe mknod /tmp/kmsg 1 11 && probe open-read /tmp/kmsg",
		null: "probe open-write /dev/null",
		zero: "probe open-read /dev/zero",
	};
	const device = { type: "c", path: "/dev/fuse", major: 10, minor: 229, fileMode: 0o666 };
	const denied = space.inside((config) => {
		config.root.readonly = false;
		config.linux.devices = [device];
	}, questions);
	t.equal(denied.fuse, "EPERM");
	t.match(denied.mknod, /^ok 0\nEPERM$/, "making a node is allowed to everyone, using it is not");
	t.match(denied.null, /^ok/);
	t.match(denied.zero, /^ok/);

	const allowed = space.inside((config) => {
		config.root.readonly = false;
		config.linux.devices = [device];
		config.linux.resources = {
			devices: [
				{ allow: false, access: "rwm" },
				{ allow: true, type: "c", major: 10, minor: 229, access: "rw" },
			],
		};
	}, questions);
	t.match(allowed.fuse, /^ok/);
	t.match(allowed.mknod, /^ok 0\nEPERM$/);
});

t.test("no rules at all deny too", async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			delete config.linux.resources;
		},
		{ kmsg: "probe mknod /tmp/kmsg 1 11 && probe open-read /tmp/kmsg", null: "probe open-read /dev/null" },
	);
	t.match(seen.kmsg, /EPERM$/, "GHSA-g54h-m393-cpwq: a list that is missing is not a list that allows");
	t.match(seen.null, /^ok/);
});

t.test("where the runtime has no CAP_MKNOD the host's devices are bound", { skip: oursOnly }, async (t) => {
	const without = ["setpriv", "--bounding-set", "-mknod", "--"];
	const runtime = new Runtime(space.root, space.path("io"), without);
	const made = space.container((config) => {
		config.linux.devices = [{ path: "/dev/net/tun", type: "c", major: 10, minor: 200 }];
		config.process.args = [
			"/bin/sh",
			"-c",
			"stat -c '%n %t:%T' /dev/null /dev/tty /dev/net/tun; echo > /dev/null && echo works; cat /proc/self/mountinfo",
		];
	});
	const result = new Container(made.id, made.bundle, runtime).run();
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /^\/dev\/null 1:3\n\/dev\/tty 5:0\n\/dev\/net\/tun a:c8\nworks\n/);
	t.equal(mountOn(result.stdout, "/dev/null").type, "devtmpfs");
	for (const [path, minor, reason] of [
		["/dev/none", 3, "where mknod is not allowed a device is the host's, and the host has no /dev/none"],
		["/dev/zero", 3, "/dev/zero on the host is another device; where mknod is not allowed the host's is bound"],
	] as const) {
		const other = space.container((config) => {
			config.linux.devices = [{ path, type: "c", major: 1, minor }];
		});
		const refused = new Container(other.id, other.bundle, runtime).create();
		t.equal(refused.status, 1);
		t.match(refused.stderr, reason);
		t.match(refused.stderr, /\(config.json#\/linux\/devices\/0\)/);
	}
});

nothingLeft(t, space);
