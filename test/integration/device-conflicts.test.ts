/** linux.devices where there is something already. */
import { execFileSync } from "node:child_process";
import { chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lenient = { runc: "keeps whatever is there", crun: "keeps whatever is there" };
const stat = "stat -c '%F %a %t:%T %u:%g'";

type Devices = NonNullable<Config["linux"]["devices"]>;

function withDevices(devices: Devices, prepare: (bundle: Bundle) => void = () => {}) {
	return (config: Config, bundle: Bundle): void => {
		config.root.readonly = false;
		config.linux.devices = devices;
		mkdirSync(join(bundle.rootfs, "opt"));
		prepare(bundle);
	};
}

const zero = { type: "c", path: "/opt/zero", major: 1, minor: 5, fileMode: 0o640, uid: 7, gid: 8 };

t.test("the device that is asked for is kept as it is", async (t) => {
	const seen = space.inside(
		withDevices([zero, { type: "p", path: "/opt/pipe", fileMode: 0o600 }], ({ rootfs }) => {
			execFileSync("mknod", ["-m", "604", join(rootfs, "opt/zero"), "c", "1", "5"]);
			execFileSync("mkfifo", ["-m", "644", join(rootfs, "opt/pipe")]);
		}),
		{ zero: `${stat} /opt/zero`, pipe: `${stat} /opt/pipe` },
	);
	t.equal(seen.zero, "character special file 604 1:5 0:0");
	t.equal(seen.pipe, "fifo 644 0:0 0:0");
});

const others: Record<string, (path: string) => void> = {
	"another device": (path) => execFileSync("mknod", [path, "c", "1", "3"]),
	"a block device of the same numbers": (path) => execFileSync("mknod", [path, "b", "1", "5"]),
	"a fifo": (path) => execFileSync("mkfifo", [path]),
	"a file": (path) => writeFileSync(path, "mine"),
	"a directory": (path) => mkdirSync(path),
	"a symlink to the device": (path) => symlinkSync("/dev/zero", path),
	"a symlink to a file of the host": (path) => symlinkSync("/etc/hostname", path),
	"a symlink to nothing": (path) => symlinkSync("/nowhere", path),
};

for (const [name, make] of Object.entries(others)) {
	t.test(`${name} is an error, and stays`, { skip: unlessPeer(lenient) }, async (t) => {
		let path = "";
		let before = "";
		const container = space.container(
			withDevices([zero], ({ rootfs }) => {
				path = join(rootfs, "opt/zero");
				make(path);
				before = kind(path);
			}),
		);
		const result = container.create();
		t.equal(result.status, 1);
		t.match(
			result.error,
			/error creating device nodes: make device \/opt\/zero \(c 1:5, mode 0640\): file exists \(config\.json#\/linux\/devices\/0\)/,
		);
		t.equal(kind(path), before);
	});
}

function kind(path: string): string {
	const { mode, rdev, ino } = lstatSync(path);
	return `${mode} ${rdev} ${ino}`;
}

t.test("below a directory that does not exist, and through a symlink in the rootfs", async (t) => {
	const outside = space.path("outside");
	mkdirSync(outside);
	const seen = space.inside(
		withDevices(
			[
				{ ...zero, path: "/not/yet/there/zero" },
				{ ...zero, path: "/opt/link/zero" },
			],
			({ rootfs }) => {
				mkdirSync(join(rootfs, outside), { recursive: true });
				symlinkSync(outside, join(rootfs, "opt/link"));
			},
		),
		{
			made: `${stat} /not/yet/there/zero`,
			parents: "stat -c '%a %u:%g' /not /not/yet",
			link: `${stat} ${outside}/zero`,
		},
		{ shell: "umask 077;" },
	);
	t.equal(seen.made, "character special file 640 1:5 7:8");
	t.equal(seen.parents, "755 0:0\n755 0:0");
	t.equal(seen.link, "character special file 640 1:5 7:8");
	t.throws(() => lstatSync(join(outside, "zero")), "nothing of it on the host");
});

t.test("a device that is listed twice", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		withDevices([zero, { ...zero, fileMode: 0o600 }])(config, bundle);
		config.process.args = ["/bin/sh", "-c", `${stat} /opt/zero`];
	});
	const result = container.run([], { debug: true });
	t.equal(result.stdout, "character special file 640 1:5 7:8\n", result.stderr);
	t.ok(
		result.log.some(({ level, msg }) => level === "warning" && msg.includes("/opt/zero is listed twice")),
		"said, since only the first one counts",
	);
	const conflict = space.container(withDevices([zero, { ...zero, minor: 3 }])).create();
	t.equal(conflict.status, 1);
	t.match(conflict.error, /\/opt\/zero is already device c 1:5 at \/linux\/devices\/0; here it is c 1:3/);
});

t.test("default devices are there beside those of the configuration, and in their place", async (t) => {
	const seen = space.inside(withDevices([{ type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o600 }]), {
		all: `${stat} /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty`,
	});
	t.same(seen.all.split("\n"), [
		"character special file 600 1:3 0:0",
		...["1:5", "1:7", "1:8", "1:9", "5:0"].map((numbers) => `character special file 666 ${numbers} 0:0`),
	]);
	const bare = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
		},
		{ null: `${stat} /dev/null`, tty: `${stat} /dev/tty` },
	);
	t.equal(bare.null, "character special file 666 1:3 0:0", "in the image's own /dev, too");
	t.equal(bare.tty, "character special file 666 5:0 0:0");
});

t.test("what is in the place of a default device is an error, too", { skip: unlessPeer(lenient) }, async (t) => {
	for (const make of ["a file", "another device", "a symlink to a file of the host"]) {
		let path = "";
		let before = "";
		const container = space.container((config, { rootfs }) => {
			config.root.readonly = false;
			config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
			mkdirSync(join(rootfs, "dev"), { recursive: true });
			path = join(rootfs, "dev/zero");
			others[make]?.(path);
			before = kind(path);
		});
		const result = container.create();
		t.equal(result.status, 1);
		t.match(result.error, /error creating device nodes: make device \/dev\/zero \(c 1:5, mode 0666\): file exists/);
		t.equal(kind(path), before);
	}
});

t.test("a fifo has its owner in the container, also in a user namespace", { skip: oursOnly }, async (t) => {
	const path = "/opt/pipe";
	const seen = space.inside(
		(config, bundle) => {
			withDevices([{ type: "p", path, fileMode: 0o1620, uid: 5, gid: 6 }], ({ rootfs }) => {
				for (const name of [rootfs, join(rootfs, "opt"), join(rootfs, "dev")]) chownSync(name, 100000, 100000);
			})(config, bundle);
			config.linux.namespaces.push({ type: "user" });
			config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
			config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
		},
		{ pipe: `stat -c '%F %a %u:%g' ${path}` },
	);
	t.equal(seen.pipe, "fifo 1620 5:6");
});

t.test("in a user namespace the host's device is bound, and only that device", { skip: oursOnly }, async (t) => {
	const mapped = (config: Config): void => {
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
	};
	const seen = space.inside(
		(config, bundle) => {
			withDevices([{ type: "c", path: "/dev/fuse", major: 10, minor: 229 }])(config, bundle);
			mapped(config);
		},
		{ fuse: "stat -c '%F %t:%T' /dev/fuse", mount: "grep -c ' /dev/fuse ' /proc/self/mountinfo" },
	);
	t.equal(seen.fuse, "character special file a:e5");
	t.equal(seen.mount, "1");
	const container = space.container((config, bundle) => {
		withDevices([{ type: "c", path: "/dev/fuse", major: 1, minor: 3 }])(config, bundle);
		mapped(config);
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /bind device \/dev\/fuse on \/dev\/fuse: no such device or address/);
});

nothingLeft(t, space);
