/** What an image tries: every published way out that works by a symlink or a planted file, one test each. */
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Scene, scene } from "./engine.js";
import { bind, filesystem, script, steps } from "./plan.js";

const { ENOTDIR, EEXIST, ELOOP } = constants.errno;
const space = scene(t);
/** A directory of the host that an attacker names by its path. */
const host = space.path("host");
mkdirSync(host);
const { rootfs } = space;

function replace(at: string, target: string): void {
	rmSync(join(rootfs, at), { recursive: true, force: true });
	symlinkSync(target, join(rootfs, at));
}

function restore(at: string): void {
	rmSync(join(rootfs, at), { recursive: true, force: true });
	mkdirSync(join(rootfs, at));
}

t.afterEach(() => {
	for (const name of ["proc", "dev", "tmp"]) restore(name);
});

t.test("a symlink as /proc is refused (CVE-2019-19921, CVE-2023-28642)", async (t) => {
	replace("proc", "/tmp");
	const result = await space.run(steps(space));
	t.match(result.failure, { op: "mount.filesystem", errno: ENOTDIR, detail: "must be mounted on ordinary directory" });
});

t.test("a symlink above a sysfs destination is refused", async (t) => {
	replace("tmp", "/etc");
	const result = await space.run(steps(space, { mounts: [filesystem("sysfs", "/tmp/sys", [], { ordinary: true })] }));
	t.match(result.failure, { errno: ENOTDIR, detail: "must be mounted on ordinary directory" });
});

t.test("a /dev that leads to the host stays inside (CVE-2026-41579, CVE-2026-47766)", async (t) => {
	replace("dev", host);
	// Without the tmpfs on /dev, as in a bundle that brings its own: links and nodes go straight into the image.
	const plan = steps(space, {
		mounts: [
			{ op: "symlink.create", path: "/dev/ptmx", target: "pts/ptmx", replace: true },
			{ op: "device.create", path: "/dev/null", kind: "c", major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
			bind("/dev/zero", "/dev/zero"),
			{ op: "device.bind", kind: "c", major: 1, minor: 7, source: "/dev/full", path: "/dev/full" },
			{ op: "directory.create", path: "/dev/shm", mode: 0o755 },
		],
	}).filter((step) => step.op !== "mount.filesystem" || step.destination !== "/dev");
	writeFileSync(join(host, "ptmx"), "the host's");
	const result = await space.run(plan);
	t.equal(result.status, 0, result.stderr);
	t.same(readdirSync(host), ["ptmx"], "nothing made on the host");
	t.ok(lstatSync(join(host, "ptmx")).isFile(), "nothing replaced on the host");
	const inside = join(rootfs, host);
	t.same(readdirSync(inside).sort(), ["full", "null", "ptmx", "shm", "zero"], "all of it went into the rootfs");
	t.equal(lstatSync(join(inside, "null")).mode, 0o20666);
	t.ok(lstatSync(join(inside, "ptmx")).isSymbolicLink());
	rmSync(join(rootfs, "tmp"), { recursive: true });
});

t.test("mount targets that climb or lead out end inside (CVE-2021-30465, CVE-2024-45310)", async (t) => {
	replace("volume", `../../../../../..${host}`);
	const plan = script(space, `cat ${host}/new/file; grep -c ' ${host}/new/' /proc/self/mountinfo`, {
		mounts: [bind("/etc/hostname", "/volume/new/file")],
	});
	const result = await space.run(plan);
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /\S\n1\n$/, "the mount is there, under the resolved name");
	t.notOk(existsSync(join(host, "new")), "no directory was made on the host");
	t.ok(existsSync(join(rootfs, host, "new/file")));
	rmSync(join(rootfs, "tmp"), { recursive: true });
	rmSync(join(rootfs, "volume"));
});

t.test("the target of a dangling symlink is made in the rootfs", async (t) => {
	rmSync(join(rootfs, "var"), { recursive: true, force: true });
	mkdirSync(join(rootfs, "var"));
	symlinkSync("../srv/run", join(rootfs, "var/run"));
	const result = await space.run(
		script(space, "ls -d /srv/run/secrets", { mounts: [filesystem("tmpfs", "/var/run/secrets")] }),
	);
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, "/srv/run/secrets\n");
});

t.test("symlinks that go in a circle are an error, not a hang", async (t) => {
	replace("tmp", "tmp");
	const result = await space.run(steps(space, { mounts: [filesystem("tmpfs", "/tmp/x")] }));
	t.match(result.failure, { op: "mount.filesystem", errno: ELOOP });
});

t.test("a working directory through a descriptor is refused (CVE-2024-21626)", async (t) => {
	for (let fd = 3; fd < 12; fd++) {
		const result = await space.run(steps(space, { inside: [{ op: "process.cwd", path: `/proc/self/fd/${fd}` }] }));
		t.equal(result.failure?.op, "process.cwd", `fd ${fd}`);
	}
});

t.test("a planted /dev/null is not what masks a path (CVE-2025-31133, CVE-2026-88265)", async (t) => {
	const plan = script(space, "stat -c '%F %t:%T' /proc/keys /etc/secret; cat /etc/secret", {
		mounts: [{ op: "symlink.create", path: "/dev/null", target: "/proc/sys/kernel/core_pattern", replace: true }],
		inside: [
			{ op: "path.mask", path: "/proc/keys" },
			{ op: "path.mask", path: "/etc/secret" },
		],
	});
	writeFileSync(join(rootfs, "etc/secret"), "seen");
	const result = await space.run(plan);
	t.equal(result.stdout, "character special file 1:3\ncharacter special file 1:3\n", result.stderr);
});

t.test("a console never goes where a symlink says (CVE-2025-52565, CVE-2026-88264)", async (t) => {
	const devpts = filesystem("devpts", "/dev/pts", ["newinstance", ["ptmxmode", "0666"]]);
	const terminal = { op: "console.create", uid: 0, bind: true } as const;
	writeFileSync(join(rootfs, "etc/victim"), "untouched");
	const linked = await space.run(
		steps(space, {
			mounts: [devpts, { op: "symlink.create", path: "/dev/console", target: "/etc/victim", replace: true }, terminal],
		}),
	);
	t.match(linked.failure, { op: "console.create", errno: ELOOP });
	// Not a devpts at /dev/pts: a directory with whatever the image put there.
	const planted = await space.run(
		steps(space, { mounts: [{ op: "directory.create", path: "/dev/pts", mode: 0o755 }, terminal] }),
	);
	t.match(planted.failure, { op: "console.create", detail: "/dev/pts is no devpts" });
});

t.test("sysctls are written past whatever covers /proc (CVE-2025-52881)", async (t) => {
	const plan = script(space, "cat /proc/sys/net/ipv4/ip_forward", {
		mounts: [
			bind("/dev/zero", "/proc/sys/net/ipv4/ip_forward"),
			{ op: "sysctl.write", key: "net.ipv4.ip_forward", path: "net/ipv4/ip_forward", value: "1" },
		],
		inside: [{ op: "sysctl.write", key: "net.ipv4.ip_forward", path: "net/ipv4/ip_forward", value: "0" }],
	});
	plan[plan.length - 1] = {
		op: "exec",
		args: ["/bin/sh", "-c", "head -c 1 /proc/sys/net/ipv4/ip_forward | wc -c"],
		env: [],
		preserveFds: 0,
	};
	t.equal((await space.run(plan)).status, 0);
	const out = await space.run(
		steps(space, { inside: [{ op: "sysctl.write", key: "x", path: "../sysrq-trigger", value: "h" }] }),
	);
	t.equal(out.failure?.op, "sysctl.write", "a path that leaves /proc/sys is refused");
});

t.test("a file that is not the device is an error", async (t) => {
	writeFileSync(join(rootfs, "etc/node"), "");
	const node = {
		op: "device.create",
		path: "/etc/node",
		kind: "c",
		major: 1,
		minor: 3,
		mode: 0o666,
		uid: 0,
		gid: 0,
	} as const;
	const result = await space.run(steps(space, { mounts: [node] }));
	t.match(result.failure, { op: "device.create", errno: EEXIST });
	rmSync(join(rootfs, "etc/node"));
	const twice = await space.run(steps(space, { mounts: [node, node] }));
	t.equal(twice.status, 0, "the same device again is fine");
});

function names(of: Scene): string[] {
	return readdirSync(of.directory).filter((name) => !name.startsWith("plan"));
}

t.test("nothing appeared beside the rootfs", async (t) => {
	t.same(names(space).sort(), ["host", "rootfs"]);
});
