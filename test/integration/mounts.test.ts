import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Config } from "../support/config.js";
import { mountOn, parseMountinfo } from "../support/mountinfo.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";

t.test("the mounts of runc's default configuration", async (t) => {
	const seen = space.inside(() => {}, {
		table,
		shm: "stat -c %a /dev/shm",
		dev: "stat -c %a /dev",
		mqueue: "touch /dev/mqueue/q && rm /dev/mqueue/q && echo usable",
		sys: "touch /sys/x",
		ptmx: "stat -c %a /dev/pts/ptmx",
	});
	const expected: [string, string, string[]][] = [
		["/proc", "proc", ["rw"]],
		["/dev", "tmpfs", ["rw", "nosuid"]],
		["/dev/pts", "devpts", ["rw", "nosuid", "noexec"]],
		["/dev/shm", "tmpfs", ["rw", "nosuid", "noexec", "nodev"]],
		["/dev/mqueue", "mqueue", ["rw", "nosuid", "noexec", "nodev"]],
		["/sys", "sysfs", ["ro", "nosuid", "noexec", "nodev"]],
	];
	for (const [point, type, options] of expected) {
		const mount = mountOn(seen.table, point);
		t.equal(mount.type, type, point);
		for (const option of options) t.ok(mount.options.includes(option), `${point} ${option}`);
	}
	t.notOk(mountOn(seen.table, "/dev").options.includes("relatime"), "strictatime");
	t.ok(mountOn(seen.table, "/dev").superblock.includes("size=65536k"));
	t.match(mountOn(seen.table, "/dev/pts").superblock.join(","), /gid=5,mode=620,ptmxmode=666/);
	t.equal(seen.shm, "1777");
	t.equal(seen.dev, "755");
	t.equal(seen.mqueue, "usable");
	t.match(seen.sys, /Read-only/);
	t.equal(seen.ptmx, "666");
	const points = parseMountinfo(seen.table).map(({ point }) => point);
	t.equal(points[0], "/", "the root of the mount table is the container's, nothing of the host is above it");
});

t.test("the host's mounts are out of sight", async (t) => {
	const seen = space.inside(() => {}, { table });
	t.notMatch(seen.table, / \/(mnt|run|oldroot)\b/);
	t.equal(parseMountinfo(seen.table).filter(({ point }) => point === "/").length, 1);
});

t.test("directories and files are bound, with sources relative to the bundle too", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			mkdirSync(join(bundle.path, "volume/deep"), { recursive: true });
			writeFileSync(join(bundle.path, "volume/file"), "in the volume\n");
			writeFileSync(join(bundle.path, "one"), "one file\n");
			config.mounts.push(
				{ destination: "/data/made/for/it", source: join(bundle.path, "volume"), type: "bind", options: ["bind"] },
				{ destination: "/relative", source: "volume", options: ["rbind"] },
				{ destination: "/etc/one", source: join(bundle.path, "one"), options: ["bind", "ro"] },
				{ destination: "/etc/relative-one", source: "one", type: "none", options: ["bind"] },
			);
		},
		{
			absolute: "cat /data/made/for/it/file",
			relative: "cat /relative/file",
			deep: "ls -d /relative/deep",
			one: "cat /etc/one",
			refused: "echo x > /etc/one",
			write: "echo changed > /etc/relative-one && cat /etc/one",
			mode: "stat -c '%a %F' /data/made",
		},
	);
	t.equal(seen.absolute, "in the volume");
	t.equal(seen.relative, "in the volume");
	t.equal(seen.deep, "/relative/deep");
	t.equal(seen.one, "one file");
	t.match(seen.refused, /Read-only/);
	t.equal(seen.write, "changed", "both are the host's file");
	t.match(seen.mode, /755 directory/);
});

t.test("a relative destination counts from the root", async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts.push({ destination: "tmp/relative", type: "tmpfs", source: "tmpfs" });
		},
		{ table },
	);
	t.equal(mountOn(seen.table, "/tmp/relative").type, "tmpfs");
});

t.test("rbind takes the mounts below along, bind does not", async (t) => {
	const source = space.path("tree");
	mkdirSync(join(source, "sub"), { recursive: true });
	execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(source, "sub")]);
	writeFileSync(join(source, "sub/file"), "below\n");
	try {
		const seen = space.inside(
			(config) => {
				config.root.readonly = false;
				config.mounts.push({ destination: "/tmp/all", source, options: ["rbind"] });
				config.mounts.push({ destination: "/tmp/top", source, options: ["bind"] });
			},
			{ all: "cat /tmp/all/sub/file", top: "ls /tmp/top/sub" },
		);
		t.equal(seen.all, "below");
		t.equal(seen.top, "");
	} finally {
		execFileSync("umount", [join(source, "sub")]);
	}
});

t.test("a destination through the image's symlinks stays in the container", async (t) => {
	const victim = space.path("victim");
	mkdirSync(victim);
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			mkdirSync(join(bundle.rootfs, "real"));
			symlinkSync("/real", join(bundle.rootfs, "absolute"));
			mkdirSync(join(bundle.rootfs, victim), { recursive: true });
			symlinkSync(`../../../../../..${victim}`, join(bundle.rootfs, "escape"));
			config.mounts.push({ destination: "/absolute", type: "tmpfs", source: "tmpfs" });
			config.mounts.push({ destination: "/escape/dir", type: "tmpfs", source: "tmpfs" });
		},
		{ table },
	);
	t.equal(mountOn(seen.table, "/real").type, "tmpfs");
	t.equal(mountOn(seen.table, `${victim}/dir`).type, "tmpfs", "resolved inside of the root");
	t.same(readdirSync(victim), [], "the host's directory is untouched");
});

t.test("mounts come in the order of the list", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			mkdirSync(join(bundle.path, "volume"));
			writeFileSync(join(bundle.path, "volume/file"), "volume\n");
			config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" });
			config.mounts.push({ destination: "/tmp/inner", source: "volume", options: ["bind"] });
			config.mounts.push({ destination: "/tmp/hidden", source: "volume", options: ["bind"] });
			config.mounts.push({ destination: "/tmp/hidden", type: "tmpfs", source: "tmpfs" });
		},
		{ inner: "cat /tmp/inner/file", hidden: "ls /tmp/hidden" },
	);
	t.equal(seen.inner, "volume");
	t.equal(seen.hidden, "");
});

t.test("tmpcopyup fills a tmpfs with what is below it", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mkdirSync(join(bundle.rootfs, "var/lib/app"), { recursive: true });
			writeFileSync(join(bundle.rootfs, "var/lib/app/file"), "kept\n", { mode: 0o640 });
			symlinkSync("app/file", join(bundle.rootfs, "var/lib/link"));
			execFileSync("chown", ["1000:1000", join(bundle.rootfs, "var/lib/app/file")]);
			config.mounts.push({
				destination: "/var/lib",
				type: "tmpfs",
				source: "tmpfs",
				options: ["tmpcopyup", "mode=751"],
			});
		},
		{
			table,
			file: "cat /var/lib/link",
			stat: "stat -c '%a %u:%g' /var/lib/app/file",
			write: "echo new > /var/lib/app/file && cat /var/lib/link",
		},
	);
	t.equal(mountOn(seen.table, "/var/lib").type, "tmpfs");
	t.equal(seen.file, "kept");
	t.equal(seen.stat, "640 1000:1000");
	t.equal(seen.write, "new");
});

t.test("tmpcopyup leaves the image as it was", async (t) => {
	const container = space.container((config, bundle) => {
		writeFileSync(join(bundle.rootfs, "tmp/file"), "image\n");
		config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
		config.process.args = ["/bin/sh", "-c", "rm /tmp/file && touch /tmp/new"];
	});
	t.equal(container.run().status, 0);
	t.equal(readFileSync(join(container.bundle.rootfs, "tmp/file"), "utf8"), "image\n");
	t.notOk(existsSync(join(container.bundle.rootfs, "tmp/new")));
});

t.test("what tmpcopyup copies is the container's memory", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		// No blocks on the disk, and as many pages in memory.
		writeFileSync(join(bundle.rootfs, "var/sparse"), "");
		truncateSync(join(bundle.rootfs, "var/sparse"), 200 << 20);
		config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
		config.mounts.push({ destination: "/var", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
		config.linux.resources = { ...config.linux.resources, memory: { limit: 20 << 20 } };
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /OOM-killed/);
});

t.test("overlay", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			for (const name of ["lower", "upper", "work"]) mkdirSync(join(bundle.path, name));
			writeFileSync(join(bundle.path, "lower/file"), "lower\n");
			const at = (name: string) => join(bundle.path, name);
			config.mounts.push({
				destination: "/tmp/o",
				type: "overlay",
				source: "overlay",
				options: [`lowerdir=${at("lower")}`, `upperdir=${at("upper")}`, `workdir=${at("work")}`],
			});
		},
		{ table, file: "cat /tmp/o/file", write: "echo upper > /tmp/o/file && cat /tmp/o/file" },
	);
	t.equal(mountOn(seen.table, "/tmp/o").type, "overlay");
	t.equal(seen.file, "lower");
	t.equal(seen.write, "upper");
});

const v1 = existsSync("/sys/fs/cgroup/pids") ? false : "this host has no cgroup v1 hierarchy";
const withCgroupNamespace = (config: Config) => {
	config.linux.namespaces.push({ type: "cgroup" });
};

t.test("cgroup v1 with a cgroup namespace: each hierarchy from the container's own cgroup", { skip: v1 }, async (t) => {
	const seen = space.inside(withCgroupNamespace, {
		table,
		self: "cat /proc/self/cgroup",
		ls: "ls /sys/fs/cgroup/pids",
	});
	const pids = mountOn(seen.table, "/sys/fs/cgroup/pids");
	t.equal(pids.type, "cgroup");
	t.equal(pids.root, "/", "the root of the namespace");
	t.ok(pids.options.includes("ro"));
	t.match(seen.ls, /pids\.max/, "the container's cgroup, the hierarchy's root has no pids.max");
	for (const line of seen.self.split("\n")) t.match(line, /:\/$/, "each is the root of its namespace");
	for (const name of ["memory", "devices", "freezer", "cpu"]) {
		t.equal(mountOn(seen.table, `/sys/fs/cgroup/${name}`).type, "cgroup", name);
	}
});

t.test("cgroup v1 without a cgroup namespace: the container's own directories are bound", { skip: v1 }, async (t) => {
	const container = space.container((config) => {
		config.process.args = [
			"/bin/sh",
			"-c",
			"cat /proc/self/mountinfo; echo @@; ls /sys/fs/cgroup/pids; touch /sys/fs/cgroup/pids/x",
		];
	});
	const result = container.run();
	const [text = "", files = ""] = result.stdout.split("@@");
	const pids = mountOn(text, "/sys/fs/cgroup/pids");
	t.equal(pids.type, "cgroup");
	t.match(pids.root, new RegExp(`/${container.id}$`));
	t.match(files, /pids\.max/);
	t.match(result.stderr, /Read-only/);
});

t.test("a read-only cgroup tree cannot be written, a writable one can", async (t) => {
	const own = v1 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
	const questions = { write: `mkdir ${own}/x && rmdir ${own}/x && echo written` };
	const readonly = space.inside(withCgroupNamespace, questions);
	t.match(readonly.write, /Read-only/);
	const writable = space.inside((config) => {
		withCgroupNamespace(config);
		for (const mount of config.mounts)
			if (mount.type === "cgroup") mount.options = ["nosuid", "noexec", "nodev", "relatime"];
	}, questions);
	t.equal(writable.write, "written");
});

nothingLeft(t, space);
