/**
 * The rootfs is hostile: a symlink in it where the runtime mounts, makes or opens something. Whatever the attack,
 * nothing of the host may change and nothing of the host may be seen; failing is as good as not being fooled.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle, Edit } from "../../support/bundle.js";
import { runtimeName, unlessPeer } from "../../support/runtime.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);

/** Everything below a directory of the host: names, kinds, contents. */
function snapshot(directory: string): string[] {
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.map((entry) => {
			const path = join(entry.parentPath, entry.name);
			const { mode, rdev } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0, rdev: 0 };
			return `${path} ${mode} ${rdev} ${entry.isFile() ? readFileSync(path, "utf8") : ""}`;
		})
		.sort();
}

let count = 0;
/** A directory of the host that the image points at. */
function victim(): string {
	const path = space.path(`victim${++count}`);
	mkdirSync(join(path, "sub"), { recursive: true });
	writeFileSync(join(path, "file"), "of the host\n");
	writeFileSync(join(path, "null"), "of the host\n");
	return path;
}

/** Puts a symlink in the place of what the image has there. */
function replace(bundle: Bundle, path: string, target: string): void {
	const place = join(bundle.rootfs, path);
	rmSync(place, { recursive: true, force: true });
	mkdirSync(join(place, ".."), { recursive: true });
	symlinkSync(target, place);
}

/** Runs a container of a hostile image; true when it ran. */
function attack(edit: Edit): { ran: boolean; output: string; error: string } {
	const container = space.container((config, bundle) => {
		config.root.readonly = false;
		config.process.args = ["/bin/sh", "-c", "cat /proc/self/mountinfo; ls -la /dev /dev/pts"];
		edit(config, bundle);
	});
	const result = container.run();
	if (result.status === null) throw new Error("the runtime hangs");
	return { ran: result.status === 0, output: result.stdout, error: result.stderr };
}

t.test("CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc as a symlink is refused", async (t) => {
	for (const target of ["/tmp", "tmp", "../../tmp", "/proc/self", "self"]) {
		const { ran, error } = attack((_config, bundle) => replace(bundle, "proc", target));
		t.notOk(ran, target);
		if (runtimeName === "runtime-ts") t.match(error, "must be mounted on ordinary directory");
	}
});

t.test("CVE-2025-54867: /sys as a symlink is refused", async (t) => {
	const { ran } = attack((_config, bundle) => replace(bundle, "sys", "/tmp"));
	t.notOk(ran);
});

t.test(
	"CVE-2026-41579, CVE-2026-47766: /dev as a symlink changes nothing on the host",
	{ skip: unlessPeer({ runc: "1.1 is vulnerable", crun: "1.8 is vulnerable" }) },
	async (t) => {
		for (const withMounts of [true, false]) {
			const host = victim();
			const before = snapshot(host);
			for (const target of [host, `../../../../../../../..${host}`]) {
				attack((config, bundle) => {
					replace(bundle, "dev", target);
					if (!withMounts) config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
				});
				t.same(snapshot(host), before, `${target}, ${withMounts ? "with" : "without"} mounts`);
			}
		}
	},
);

t.test("links and devices below /dev", async (t) => {
	for (const name of ["null", "zero", "tty", "fd", "stdin", "ptmx", "console", "shm", "mqueue", "pts"]) {
		const host = victim();
		const before = snapshot(host);
		attack((config, bundle) => {
			// Without a tmpfs on /dev the image's own entries are in the way.
			config.mounts = config.mounts.filter(({ destination }) => destination !== "/dev");
			replace(
				bundle,
				`dev/${name}`,
				`${host}/${name === "shm" || name === "mqueue" || name === "pts" ? "sub" : "file"}`,
			);
		});
		t.same(snapshot(host), before, name);
	}
});

t.test("a mount destination whose parents are symlinks", async (t) => {
	for (const target of ["HOST", "../../../../../../../..HOST", "/proc/self/cwd", "/proc/1/root", "/proc/self/fd/3"]) {
		const host = victim();
		const before = snapshot(host);
		attack((config, bundle) => {
			replace(bundle, "volume", target.replace("HOST", host));
			config.mounts.push({ destination: "/volume/new/directory", type: "tmpfs", source: "tmpfs" });
		});
		t.same(snapshot(host), before, target);
	}
});

t.test("CVE-2024-45310: no stray file or directory on the host", async (t) => {
	const host = victim();
	const before = snapshot(host);
	attack((config, bundle) => {
		writeFileSync(join(bundle.path, "file"), "");
		replace(bundle, "a", host);
		replace(bundle, "b", `${host}/missing`);
		config.mounts.push({ destination: "/a/made", source: "file", options: ["bind"] });
		config.mounts.push({ destination: "/b/made/too", source: "file", options: ["bind"] });
		config.linux.devices = [{ type: "c", path: "/a/device", major: 1, minor: 3, fileMode: 0o666 }];
		config.process.cwd = "/a/cwd";
	});
	t.same(snapshot(host), before);
});

t.test("masked and read-only paths through symlinks stay inside", async (t) => {
	const host = victim();
	const before = snapshot(host);
	const { output } = attack((config, bundle) => {
		replace(bundle, "masked", host);
		replace(bundle, "fixed", `${host}/file`);
		config.linux.maskedPaths = ["/masked", "/masked/file"];
		config.linux.readonlyPaths = ["/fixed", "/masked/sub"];
	});
	t.same(snapshot(host), before);
	t.notMatch(output, host);
	writeFileSync(join(host, "file"), "still writable\n");
});

t.test("tmpcopyup through a symlink copies nothing of the host", async (t) => {
	const host = victim();
	const before = snapshot(host);
	const container = space.container((config, bundle) => {
		config.root.readonly = false;
		replace(bundle, "copied", host);
		config.mounts.push({ destination: "/copied", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
		config.process.args = ["/bin/sh", "-c", "cat /copied/file"];
	});
	const result = container.run();
	t.notMatch(result.stdout, "of the host");
	t.same(snapshot(host), before);
});

t.test("/etc/passwd as a symlink to the host's secrets does not leak into HOME", async (t) => {
	const host = victim();
	writeFileSync(join(host, "file"), "x:x:0:0::/leaked:/bin/sh\n");
	const container = space.container((config, bundle) => {
		replace(bundle, "etc/passwd", join(host, "file"));
		config.process.args = ["/bin/sh", "-c", "echo home=$HOME"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.notMatch(result.stdout, "leaked");
});

t.test(
	"a fifo or a device as /etc/passwd does not hang the start",
	{ skip: unlessPeer({ runc: "1.1 hangs", crun: "1.8 hangs" }) },
	async (t) => {
		for (const make of [["mkfifo"], ["mknod", "-m", "666", "", "c", "1", "5"]]) {
			const container = space.container((config, bundle) => {
				const path = join(bundle.rootfs, "etc/passwd");
				rmSync(path);
				const [command = "", ...args] = make;
				execFileSync(command, args.length === 0 ? [path] : args.map((word) => (word === "" ? path : word)));
				config.process.args = ["/bin/true"];
			});
			const result = container.run([], { timeoutMs: 5000 });
			t.not(result.status, null, `${make[0]}: no hang`);
		}
	},
);

nothingLeft(t, space);
