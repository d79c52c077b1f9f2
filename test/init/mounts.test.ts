/** Mounts of every kind, as the program finds them in its mountinfo. */
import { execFileSync } from "node:child_process";
import { chmodSync, lutimesSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import { scene } from "./engine.js";
import { bind, filesystem, script, steps } from "./plan.js";

const { ENOENT, ENOTDIR, EINVAL, ENODEV } = constants.errno;
const space = scene(t);

/** Options (mount's, then superblock's) and optional fields of the last mount on `point`. */
function mount(mountinfo: string, point: string): { options: string; tags: string; type: string; superblock: string } {
	const fields = mountinfo.split("\n").map((line) => line.split(" "));
	const found = fields.findLast((line) => line[4] === point) ?? [];
	const dash = found.indexOf("-");
	return {
		options: found[5] ?? "",
		tags: found.slice(6, dash).join(" "),
		type: found[dash + 1] ?? "",
		superblock: found[dash + 3] ?? "",
	};
}

t.test("attributes and options of new file systems", async (t) => {
	const plan = script(space, "cat /proc/self/mountinfo", {
		mounts: [
			filesystem(
				"tmpfs",
				"/a",
				[
					["size", "1m"],
					["mode", "1770"],
				],
				{ attributes: { set: ["nosuid", "noexec", "nodiratime"], atime: "noatime" } },
			),
			filesystem("tmpfs", "/b", [], { attributes: { set: ["rdonly"], atime: "strictatime" }, superblock: ["ro"] }),
			filesystem("mqueue", "/c"),
		],
	});
	const { stdout, stderr } = await space.run(plan);
	t.match(
		mount(stdout, "/a"),
		{ options: "rw,nosuid,noexec,noatime,nodiratime", superblock: "rw,size=1024k,mode=1770" },
		stderr,
	);
	t.match(mount(stdout, "/b"), { options: "ro", superblock: "ro" });
	t.equal(mount(stdout, "/c").type, "mqueue");
});

t.test("a wrong option is answered with the kernel's words or its own name", async (t) => {
	const of = async (...options: (string | [string, string])[]) =>
		(await space.run(steps(space, { mounts: [filesystem("tmpfs", "/a", options)] }))).failure;
	t.match(await of(["size", "many"]), { op: "mount.filesystem", syscall: "fsconfig", errno: EINVAL, detail: /size/ });
	t.match(await of("sixe"), { syscall: "fsconfig", errno: EINVAL, detail: /sixe/ });
	const type = await space.run(steps(space, { mounts: [filesystem("nosuchfs", "/a")] }));
	t.match(type.failure, { syscall: "fsopen", errno: ENODEV, detail: "nosuchfs" });
});

t.test("options too long for fsconfig: an overlay of a deep directory", async (t) => {
	const deep = space.path("d".repeat(200), "e".repeat(200));
	for (const name of ["lower", "upper", "work"]) mkdirSync(join(deep, name), { recursive: true });
	writeFileSync(join(deep, "lower/file"), "below");
	const options = (["lower", "upper", "work"] as const).map((name): [string, string] => [
		`${name}dir`,
		join(deep, name),
	]);
	const overlay = filesystem("overlay", "/over", options, {
		attributes: { set: ["nosuid"], atime: "noatime" },
		propagation: ["private"],
	});
	const { stdout, stderr } = await space.run(
		script(space, "cat /over/file; cat /proc/self/mountinfo", { mounts: [overlay] }),
	);
	t.match(stdout, /^below/, stderr);
	t.match(mount(stdout, "/over"), { options: "rw,nosuid,noatime", type: "overlay" });
});

t.test("a tmpfs takes the mode of the directory below it, unless told", async (t) => {
	mkdirSync(join(space.rootfs, "sticky"));
	chmodSync(join(space.rootfs, "sticky"), 0o1773);
	const result = await space.run(
		script(space, "stat -c %a /sticky /fresh /told", {
			mounts: [
				filesystem("tmpfs", "/sticky"),
				filesystem("tmpfs", "/fresh"),
				filesystem("tmpfs", "/told", [["mode", "700"]]),
			],
		}),
	);
	t.equal(result.stdout, "1773\n1777\n700\n");
});

t.test("tmpcopyup copies what was there, as it was", async (t) => {
	const top = join(space.rootfs, "copied");
	mkdirSync(join(top, "deep/er"), { recursive: true });
	writeFileSync(join(top, "file"), "content");
	chmodSync(join(top, "file"), 0o4751);
	execFileSync("chown", ["12:34", join(top, "deep")]);
	writeFileSync(join(top, "deep/er/big"), Buffer.alloc(3 << 20, 1));
	symlinkSync("/etc/nowhere", join(top, "link"));
	lutimesSync(join(top, "link"), 0, 0);
	execFileSync("mkfifo", [join(top, "fifo")]);
	const result = await space.run(
		script(
			space,
			"cd /copied; cat file; echo; stat -c '%n %F %a %u:%g %s' file deep deep/er/big fifo; readlink link; touch x 2>/dev/null || echo ro; grep -c ' /copied ' /proc/self/mountinfo",
			{
				mounts: [
					filesystem("tmpfs", "/copied", [], { copyUp: true, attributes: { set: ["rdonly"] }, superblock: ["ro"] }),
				],
			},
		),
	);
	t.equal(
		result.stdout,
		"content\nfile regular file 4751 0:0 7\ndeep directory 755 12:34 60\ndeep/er/big regular file 644 0:0 3145728\nfifo fifo 644 0:0 0\n/etc/nowhere\nro\n1\n",
		result.stderr,
	);
});

t.test("binds of files and directories; the destination is made like the source", async (t) => {
	mkdirSync(space.path("source/below"), { recursive: true });
	writeFileSync(space.path("source/file"), "from the host");
	const { stdout, stderr } = await space.run(
		script(space, "cat /in/dir/file /in/file; cat /proc/self/mountinfo", {
			mounts: [
				bind(space.path("source"), "/in/dir", {
					tree: true,
					recursive: { set: ["nosuid"] },
					attributes: { set: ["rdonly"] },
				}),
				bind(space.path("source/file"), "/in/file", { propagation: ["unbindable"] }),
			],
		}),
	);
	t.match(stdout, /^from the hostfrom the host/, stderr);
	t.match(mount(stdout, "/in/dir").options, /^ro,nosuid/);
	t.equal(mount(stdout, "/in/file").tags, "unbindable");
});

t.test("binds that can't be", async (t) => {
	const of = async (...step: Parameters<typeof bind>) =>
		(await space.run(steps(space, { mounts: [bind(...step)] }))).failure;
	t.match(await of("/no/such", "/in/dir"), {
		op: "mount.bind",
		syscall: "open_tree",
		errno: ENOENT,
		detail: "/no/such",
	});
	t.match(await of("/etc/hostname", "/bin"), { op: "mount.bind", errno: ENOTDIR, detail: "/bin" });
	t.match(await of("/etc", "/bin/busybox"), { op: "mount.bind", errno: ENOTDIR, detail: "/bin/busybox" });
});

t.test("remount changes what it names and nothing else", async (t) => {
	const { stdout, stderr } = await space.run(
		script(space, "cat /proc/self/mountinfo", {
			mounts: [
				filesystem("tmpfs", "/a", [], { attributes: { set: ["nosuid", "nodev"] } }),
				{
					op: "mount.remount",
					destination: "/a",
					bind: true,
					options: [],
					superblock: [],
					attributes: { set: ["rdonly"], clear: ["nodev"] },
				},
				filesystem("tmpfs", "/b", [["size", "1m"]]),
				{
					op: "mount.remount",
					destination: "/b",
					bind: false,
					options: [["size", "2m"]],
					superblock: ["ro"],
					attributes: { set: ["rdonly"] },
				},
			],
		}),
	);
	t.match(mount(stdout, "/a").options, /^ro,nosuid,relatime$/, stderr);
	t.match(mount(stdout, "/b"), { options: /^ro,/, superblock: /^ro,size=2048k/ });
	const none = await space.run(
		steps(space, {
			mounts: [
				{
					op: "mount.remount",
					destination: "/bin",
					bind: true,
					options: [],
					superblock: [],
					attributes: { set: ["rdonly"] },
				},
			],
		}),
	);
	t.match(none.failure, { op: "mount.remount", errno: EINVAL, detail: "/bin" });
});

t.test("masked and read-only paths", async (t) => {
	writeFileSync(join(space.rootfs, "etc/secret"), "secret");
	mkdirSync(join(space.rootfs, "etc/private"));
	writeFileSync(join(space.rootfs, "etc/private/file"), "secret");
	const { stdout } = await space.run(
		script(
			space,
			"cat /etc/secret; ls /etc/private /bin/../tmp; touch /etc/private/x /proc/sys/kernel/hostname /etc/fine",
			{
				inside: [
					...["/etc/secret", "/etc/private", "/tmp", "/proc/no/such", "/etc/secret/below"].map(
						(path) => ({ op: "path.mask", path }) as const,
					),
					...["/proc/sys", "/proc/none"].map((path) => ({ op: "path.readonly", path }) as const),
				],
			},
		),
	);
	t.equal(stdout, "/bin/../tmp:\n\n/etc/private:\n");
});

t.test("all three ways into the root leave nothing of the host", async (t) => {
	for (const enter of ["pivot", "move"] as const) {
		const { stdout, stderr } = await space.run(
			script(space, "ls -d /bin /home /root; cat /proc/self/mountinfo", { enter }),
		);
		t.match(stdout, /^\/bin\n\d/, `${enter}: ${stderr}`);
		t.equal(
			stdout.split("\n").filter((line) => / - proc /.test(line)).length,
			1,
			`${enter}: one procfs, the container's`,
		);
	}
	const { stdout } = await space.run(
		script(space, "ls -d /bin /home 2>/dev/null", { enter: "chroot", namespaces: ["mount"] }),
	);
	t.equal(stdout, "/bin\n");
});

t.test("nothing propagates to the host, whatever the container's root is", async (t) => {
	const before = readFileSync("/proc/self/mountinfo", "utf8");
	for (const propagation of ["rprivate", "rslave", "shared", "rshared"] as const) {
		const result = await space.run(script(space, "echo fine", { propagation }));
		t.equal(result.stdout, "fine\n", `${propagation}: ${JSON.stringify(result.failure)}`);
	}
	t.equal(readFileSync("/proc/self/mountinfo", "utf8"), before);
});

t.test("a terminal: slave on 0, 1, 2 and /dev/console", async (t) => {
	const plan = script(space, "tty; stat -c '%F %u' /dev/console; cat /proc/self/stat", {
		mounts: [
			filesystem("devpts", "/dev/pts", ["newinstance", ["ptmxmode", "0666"], ["gid", "5"]]),
			{ op: "console.create", uid: 1000, bind: true, size: { height: 33, width: 77 } },
			{ op: "hooks.sync" },
		],
	});
	const result = await space.run(plan, ["--terminal"]);
	t.match(
		result.events.find((event) => event.event === "terminal"),
		{ name: "/dev/pts/0" },
	);
	// ONLCR is as the kernel has it: whether anybody wants it away is the caller's business.
	t.match(result.stdout, /^\/dev\/pts\/0\r\ncharacter special file 1000\r\n/, JSON.stringify(result));
	t.match(
		result.events.find((event) => event.event === "size"),
		{ rows: 33, columns: 77 },
	);
});
