/** Where mounts may go: over other mounts, through the image's symlinks, to places that are not there, and not into /proc. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Config, Mount } from "../support/config.js";
import { mountOn, parseMountinfo } from "../support/mountinfo.js";
import { failed, runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";
const writable = (config: Config, ...mounts: Mount[]): void => {
	config.root.readonly = false;
	config.mounts.push(...mounts);
};
const tmpfs = (destination: string, ...options: string[]): Mount => ({
	...{ destination, type: "tmpfs", source: "tmpfs", options },
});

t.test("forty mounts, each on a directory of the one before", async (t) => {
	const depth = 40;
	const at = (level: number) => `/chain${"/d".repeat(level)}`;
	const seen = space.inside(
		(config, bundle) => {
			mkdirSync(join(bundle.path, "volume/d"), { recursive: true });
			writeFileSync(join(bundle.path, "volume/file"), "volume\n");
			for (let level = 0; level < depth; level++) {
				const bind = { destination: at(level), source: "volume", options: ["bind"] };
				// Of the two kinds in turn: in the volume the next mount point exists, in the tmpfs it is made.
				writable(config, level % 2 === 0 ? tmpfs(at(level)) : bind);
			}
		},
		{ table, file: `cat ${at(depth - 1)}/file`, write: `touch ${at(depth - 2)}/x && ls ${at(depth - 2)}` },
	);
	for (let level = 0; level < depth; level++) {
		t.equal(mountOn(seen.table, at(level)).type, level % 2 === 0 ? "tmpfs" : mountOn(seen.table, "/").type);
	}
	t.equal(seen.file, "volume");
	t.equal(seen.write, "d\nx");
});

t.test("mounts on one and the same place: the last is on top, those below it in order", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			for (const name of ["a", "b"]) {
				mkdirSync(join(bundle.path, name));
				writeFileSync(join(bundle.path, name, name), "");
			}
			writable(config, { destination: "/mnt", source: "a", options: ["bind"] }, tmpfs("/mnt", "size=64k"), {
				destination: "/mnt",
				source: "b",
				options: ["bind", "ro"],
			});
		},
		{ table, ls: "ls /mnt" },
	);
	const stack = parseMountinfo(seen.table).filter(({ point }) => point === "/mnt");
	t.equal(stack.length, 3);
	t.match(stack[0]?.root, /\/a$/);
	t.equal(stack[1]?.type, "tmpfs");
	t.match(stack[2]?.root, /\/b$/);
	t.equal(seen.ls, "b");
});

t.test(
	"a mount on the container's root replaces it for what comes after",
	{ skip: unlessPeer({ runc: "1.1 pivots below it", crun: "1.8 pivots below it" }) },
	async (t) => {
		const seen = space.inside(
			(config, bundle) => {
				config.mounts.unshift({ destination: "/", source: bundle.rootfs, options: ["rbind", "nosuid"] });
				writable(config, tmpfs("/mnt"));
			},
			{ table },
		);
		t.ok(mountOn(seen.table, "/").options.includes("nosuid"));
		t.equal(mountOn(seen.table, "/mnt").type, "tmpfs");
		t.equal(mountOn(seen.table, "/proc").type, "proc");
	},
);

t.test("a destination that is not there is made after the kind of the source", async (t) => {
	const container = space.container((config, bundle) => {
		mkdirSync(join(bundle.path, "dir"));
		writeFileSync(join(bundle.path, "file"), "a file\n");
		execFileSync("mkfifo", [join(bundle.path, "fifo")]);
		writable(
			config,
			{ destination: "/new/a/dir", source: "dir", options: ["bind"] },
			{ destination: "/new/b/file", source: "file", options: ["bind"] },
			{ destination: "/new/c/fifo", source: "fifo", options: ["bind"] },
			{ destination: "/new/d/null", source: "/dev/null", options: ["bind"] },
			tmpfs("/new/e/tmpfs"),
		);
		config.process.args = [
			"/bin/sh",
			"-c",
			"cd /new; stat -c '%n %F' */*; cat b/file; echo x > d/null && echo written",
		];
	});
	const { status, stdout, stderr } = container.run();
	t.equal(status, 0, stderr);
	t.equal(
		stdout,
		"a/dir directory\nb/file regular file\nc/fifo fifo\nd/null character special file\ne/tmpfs directory\na file\nwritten\n",
	);
	const made = (path: string) => lstatSync(join(container.bundle.rootfs, path));
	for (const path of ["new", "new/a/dir", "new/e/tmpfs"]) {
		t.ok(made(path).isDirectory(), path);
		t.equal(made(path).mode & 0o7777, 0o755, path);
	}
	for (const path of ["new/b/file", "new/c/fifo", "new/d/null"]) {
		t.ok(made(path).isFile(), `${path}: a plain file stands in for it`);
		t.equal(made(path).size, 0, path);
	}
});

t.test("a directory does not go on a file, nor a file on a directory", async (t) => {
	const cases: [string, string][] = [
		["dir", "/etc/passwd"],
		["file", "/etc"],
	];
	for (const [source, destination] of cases) {
		const container = space.container((config, bundle) => {
			mkdirSync(join(bundle.path, "dir"));
			writeFileSync(join(bundle.path, "file"), "");
			writable(config, { destination, source, options: ["bind"] });
		});
		const result = container.create();
		t.ok(failed(result), `${source} on ${destination}`);
		t.match(result.stderr, /[Nn]ot a directory/);
		if (runtimeName === "runtime-ts") t.match(result.stderr, /config\.json#\/mounts\/7/);
	}
	const missing = space.container((config) =>
		writable(config, { destination: "/x", source: "none", options: ["bind"] }),
	);
	const result = missing.create();
	t.ok(failed(result));
	t.match(result.stderr, /[Nn]o such file/);
	t.notOk(existsSync(join(missing.bundle.rootfs, "x")), "and nothing was made for it");
});

t.test("a symlink of the image as a destination: followed, inside of the root", async (t) => {
	const outside = space.path("outside");
	writeFileSync(outside, "of the host\n");
	const container = space.container((config, bundle) => {
		const { rootfs } = bundle;
		writeFileSync(join(bundle.path, "file"), "bound\n");
		mkdirSync(join(rootfs, "real"));
		writeFileSync(join(rootfs, "real/file"), "of the image\n");
		symlinkSync("/real/file", join(rootfs, "to-file"));
		symlinkSync("../../../real", join(rootfs, "to-directory"));
		symlinkSync("to-directory", join(rootfs, "to-symlink"));
		symlinkSync("/run/made/late", join(rootfs, "to-nothing"));
		symlinkSync(outside, join(rootfs, "to-host"));
		writable(
			config,
			{ destination: "/to-file", source: "file", options: ["bind"] },
			tmpfs("/to-symlink/below"),
			{ destination: "/to-nothing", source: "file", options: ["bind"] },
			{ destination: "/to-host", source: "file", options: ["bind"] },
		);
		config.process.args = ["/bin/sh", "-c", `cat /real/file /run/made/late ${outside}; readlink /to-file; ${table}`];
	});
	const { status, stdout, stderr } = container.run();
	t.equal(status, 0, stderr);
	t.match(stdout, /^bound\nbound\nbound\n\/real\/file\n/, "the links are as they were");
	t.equal(mountOn(stdout, "/real/below").type, "tmpfs");
	t.equal(readFileSync(outside, "utf8"), "of the host\n");
	t.equal(readFileSync(join(container.bundle.rootfs, "real/file"), "utf8"), "of the image\n");
});

t.test("a loop of symlinks is an error, not a hang", async (t) => {
	const result = space
		.container((config, bundle) => {
			symlinkSync("two", join(bundle.rootfs, "one"));
			symlinkSync("one", join(bundle.rootfs, "two"));
			writable(config, tmpfs("/one/x"));
		})
		.create();
	t.ok(failed(result));
	t.match(result.stderr, /too many levels of symbolic links/i);
});

t.test(
	"/proc takes no mount but itself and the files of lxcfs",
	{ skip: unlessPeer({ crun: "1.8 lets all pass" }) },
	async (t) => {
		const refused = [
			"/proc/self",
			"/proc/1/attr",
			"/proc/sys",
			"/proc/sys/kernel",
			"/proc/bus",
			"proc/self",
			"/x/../proc/fs",
		];
		for (const destination of refused) {
			for (const mount of [tmpfs(destination), { destination, source: "/tmp", options: ["bind"] }]) {
				const result = space.container((config) => writable(config, mount)).create();
				t.ok(failed(result), destination);
				t.match(result.stderr, /cannot be mounted because it is inside \/proc/, destination);
			}
		}
		const files = ["cpuinfo", "diskstats", "loadavg", "meminfo", "slabinfo", "stat", "swaps", "uptime"].filter((name) =>
			existsSync(`/proc/${name}`),
		);
		const seen = space.inside(
			(config, bundle) => {
				writeFileSync(join(bundle.path, "lxcfs"), "of lxcfs\n");
				for (const name of files)
					writable(config, { destination: `/proc/${name}`, source: "lxcfs", options: ["bind", "ro"] });
			},
			{ files: `cd /proc; cat ${files.join(" ")}` },
		);
		t.equal(seen.files, files.map(() => "of lxcfs").join("\n"));
	},
);

t.test("what a bind on /proc binds has to be one", { skip: unlessPeer({ crun: "1.8 lets all pass" }) }, async (t) => {
	const fake = space.container((config, bundle) => {
		mkdirSync(join(bundle.path, "fake"));
		config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
		config.mounts.unshift({ destination: "/proc", source: "fake", options: ["bind"] });
	});
	const result = fake.create();
	t.ok(failed(result));
	t.match(result.stderr, /cannot be mounted because it is not of type proc/);

	const other = space.container((config) => writable(config, tmpfs("/proc")));
	t.match(other.create().stderr, /cannot be mounted because it is not of type proc/);

	const seen = space.inside(
		(config) => {
			config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
			config.mounts.unshift({ destination: "/proc", source: "/proc", options: ["rbind"] });
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		},
		{ type: "stat -f -c %T /proc" },
	);
	t.equal(seen.type, "proc");
});

t.test(
	"a symlink of the image does not lead a mount into /proc",
	{ skip: unlessPeer({ crun: "1.8 lets all pass" }) },
	async (t) => {
		for (const [target, destination] of [
			["/proc", "/link/self/attr"],
			["/proc/self/attr", "/link"],
			["../proc/sys", "/tmp/link"],
			["/proc/self/attr/current", "/link"],
		] as const) {
			const result = space
				.container((config, bundle) => {
					const link = destination.startsWith("/tmp") ? "tmp/link" : "link";
					symlinkSync(target, join(bundle.rootfs, link));
					const file = target.endsWith("current");
					writeFileSync(join(bundle.path, "file"), "");
					writable(config, file ? { destination, source: "file", options: ["bind"] } : tmpfs(destination));
				})
				.create();
			t.ok(failed(result), `${destination} by ${target}`);
			t.match(result.stderr, /cannot be mounted because it is inside \/proc/);
		}
		const seen = space.inside(
			(config) => {
				// As monitoring agents have it: the host's /proc at another place, and something on it.
				writable(
					config,
					{ destination: "/host/proc", source: "/proc", options: ["rbind", "ro"] },
					tmpfs("/host/proc/fs"),
				);
			},
			{ table },
		);
		t.equal(mountOn(seen.table, "/host/proc").type, "proc");
		t.equal(mountOn(seen.table, "/host/proc/fs").type, "tmpfs");
	},
);

t.test("overlay: many lower directories, read-only without an upper one", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			const lower = Array.from({ length: 12 }, (_, index) => join(bundle.path, `layer-with-a-long-name-${index}`));
			for (const [index, path] of lower.entries()) {
				mkdirSync(path);
				writeFileSync(join(path, `file${index}`), `${index}\n`);
				writeFileSync(join(path, "same"), `${index}\n`);
			}
			for (const name of ["upper", "work"]) mkdirSync(join(bundle.path, name));
			const upper = [`upperdir=${join(bundle.path, "upper")}`, `workdir=${join(bundle.path, "work")}`];
			const few = `lowerdir=${lower.slice(0, 2).join(":")}`;
			// More than fsconfig(2) takes in one value, so that this is another way to the kernel.
			const many = `lowerdir=${lower.join(":")}`;
			t.ok(few.length < 256 && many.length > 256);
			const overlay = (destination: string, ...options: string[]): Mount => ({
				...{ destination, type: "overlay", source: "overlay", options },
			});
			writable(
				config,
				overlay("/few", few),
				overlay("/many", many, "nosuid", "noatime"),
				overlay("/both", many, ...upper),
				overlay("/closed", few, ...upper.map((word) => word.replace(/(upper|work)$/, "$12")), "ro"),
			);
			for (const name of ["upper2", "work2"]) mkdirSync(join(bundle.path, name));
		},
		{
			table,
			few: "ls /few | tr '\\n' ' '; echo; cat /few/same; touch /few/x",
			many: "ls /many | wc -l; cat /many/file11; touch /many/x",
			both: "echo new > /both/file3 && cat /both/file3",
			closed: "touch /closed/x",
		},
	);
	for (const point of ["/few", "/many", "/both", "/closed"]) t.equal(mountOn(seen.table, point).type, "overlay", point);
	for (const word of ["nosuid", "noatime"]) t.ok(mountOn(seen.table, "/many").options.includes(word), word);
	t.match(seen.few, /^file0 file1 same \n0\n.*Read-only/s);
	t.match(seen.many, /^13\n11\n.*Read-only/s);
	t.equal(seen.both, "new");
	t.match(seen.closed, /Read-only/);
});

nothingLeft(t, space);
