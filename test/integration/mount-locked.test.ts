/** Binds and remounts of what the host has restricted: what no option names stays, and what is locked can't be had. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config, Mount } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { failed, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";
const skip = unlessPeer({ runc: "1.1 remounts with the flags of the options alone", crun: "1.8 clears flags" });
const base = 100_000;

function userNamespace(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	config.root.readonly = false;
	execFileSync("chown", ["-hR", `${base}:${base}`, bundle.rootfs]);
}

function hostOnly(config: Config): void {
	config.root.readonly = false;
}

/** A tmpfs of the host with these flags. */
function restricted(name: string, flags: string): { path: string; gone: () => void } {
	const path = space.path(name);
	mkdirSync(path, { recursive: true });
	execFileSync("mount", ["-t", "tmpfs", "-o", "mode=777", "tmpfs", path]);
	writeFileSync(join(path, "file"), "content\n");
	// For everybody: in a user namespace the container's root is no owner of it.
	chmodSync(join(path, "file"), 0o666);
	execFileSync("mount", ["-o", `remount,bind,${flags}`, path]);
	return { path, gone: () => execFileSync("umount", [path]) };
}

function check(t: Test, text: string, point: string, words: string[]): void {
	const { options } = mountOn(text, point);
	for (const word of words)
		t.equal(options.includes(word.replace("!", "")), !word.startsWith("!"), `${point}: ${word} (${options.join()})`);
}

const all = ["nosuid", "nodev", "noexec", "noatime"];

for (const [where, prepare] of [
	["in the host's user namespace", hostOnly],
	["in a user namespace", userNamespace],
] as const) {
	t.test(`binds and bind remounts keep what no option names, ${where}`, { skip }, async (t) => {
		const writable = restricted("writable", `rw,${all.join()}`);
		const closed = restricted("closed", `ro,${all.join()}`);
		const bind = (destination: string, source: string, ...options: string[]): Mount => ({
			...{ destination, source, options: ["bind", ...options] },
		});
		try {
			const seen = space.inside(
				(config, bundle) => {
					prepare(config, bundle);
					config.mounts.push(
						bind("/plain", writable.path),
						bind("/ro", writable.path, "ro"),
						bind("/same", writable.path, ...all),
						bind("/closed", closed.path),
						bind("/later", writable.path),
						bind("/later", "", "remount", "ro"),
						bind("/tree", writable.path, "rro"),
						{ destination: "/own", type: "tmpfs", source: "tmpfs", options: ["nodev", "size=64k"] },
						{ destination: "/own", type: "tmpfs", source: "tmpfs", options: ["remount", "ro", "nosuid", "size=128k"] },
					);
					for (const mount of config.mounts) if (mount.source === "") mount.source = "/";
				},
				{
					table,
					plain: "echo x >> /plain/file && cat /plain/file",
					ro: "echo x > /ro/file; echo x > /closed/file; echo x > /later/file; echo x > /tree/file; echo x > /own/file",
				},
			);
			check(t, seen.table, "/plain", ["rw", ...all]);
			for (const point of ["/ro", "/closed", "/later", "/tree"]) check(t, seen.table, point, ["ro", ...all]);
			check(t, seen.table, "/same", ["rw", ...all]);
			check(t, seen.table, "/own", ["ro", "nosuid", "nodev"]);
			t.ok(mountOn(seen.table, "/own").superblock.includes("size=128k"), "a remount changes the filesystem");
			t.match(seen.plain, /content\nx/);
			t.equal(seen.ro.split("\n").filter((line) => line.includes("Read-only")).length, 5, seen.ro);
		} finally {
			writable.gone();
			closed.gone();
		}
	});
}

t.test("what the host has set can be cleared by the host's root only", { skip }, async (t) => {
	const source = restricted("cleared", `ro,${all.join()}`);
	const options = ["rw", "suid", "dev", "exec", "relatime"];
	try {
		const seen = space.inside(
			(config) => {
				hostOnly(config);
				config.mounts.push({ destination: "/all", source: source.path, options: ["bind", ...options] });
				config.mounts.push({ destination: "/later", source: source.path, options: ["bind"] });
				config.mounts.push({ destination: "/later", source: "/", options: ["bind", "remount", ...options] });
			},
			{ table },
		);
		for (const point of ["/all", "/later"])
			check(t, seen.table, point, ["rw", "!nosuid", "!nodev", "!noexec", "!noatime", "relatime"]);

		for (const option of [...options, "rrw", "rexec", "rrelatime"]) {
			const bound = space.container((config, bundle) => {
				userNamespace(config, bundle);
				config.mounts.push({ destination: "/x", source: source.path, options: ["bind", option] });
			});
			const result = bound.create();
			t.ok(failed(result), option);
			t.match(result.stderr, /operation not permitted.*config\.json#\/mounts\/7/, option);
			const later = space.container((config, bundle) => {
				userNamespace(config, bundle);
				config.mounts.push({ destination: "/x", source: source.path, options: ["bind"] });
				config.mounts.push({ destination: "/x", source: "/", options: ["bind", "remount", option] });
			});
			t.match(later.create().stderr, /operation not permitted.*config\.json#\/mounts\/8/, `remount ${option}`);
		}
	} finally {
		source.gone();
	}
});

t.test("a remount needs a mount", async (t) => {
	for (const options of [
		["bind", "remount", "ro"],
		["remount", "ro"],
	]) {
		const container = space.container((config) => {
			hostOnly(config);
			config.mounts.push({ destination: "/etc", source: "/", type: "tmpfs", options });
		});
		const result = container.create();
		t.ok(failed(result), options.join());
		t.match(result.stderr, /[Ii]nvalid argument/);
	}
});

t.test("options of a filesystem change nothing on a bind, which the log says with --debug", { skip }, async (t) => {
	const container = space.container((config) => {
		config.mounts.push({ destination: "/tmp", source: "/tmp", options: ["rbind", "ro", "mode=700", "nodve"] });
		config.process.args = ["/bin/sh", "-c", "stat -c %a /tmp; touch /tmp/x"];
	});
	const mode = (statSync("/tmp").mode & 0o7777).toString(8);
	const quiet = container.run();
	t.equal(quiet.stdout, `${mode}\n`);
	t.match(quiet.stderr, /Read-only file system/);
	t.same(quiet.log, [], "Podman takes the log for one record");
	const told = container.run([], { debug: true }).log.filter(({ level }) => level === "warning");
	t.match(told, [
		{ msg: /"mode=700" changes nothing/, pointer: "/mounts/7/options/2" },
		{ msg: /"nodve" changes nothing/, pointer: "/mounts/7/options/3" },
	]);
});

t.test("tmpcopyup in a user namespace, read-only, with modes and links", { skip }, async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			const image = join(bundle.rootfs, "srv");
			mkdirSync(join(image, "dir"), { recursive: true });
			writeFileSync(join(image, "dir/file"), "of the image\n", { mode: 0o640 });
			execFileSync("ln", ["-s", "dir/file", join(image, "link")]);
			execFileSync("mkfifo", [join(image, "fifo")]);
			userNamespace(config, bundle);
			execFileSync("chown", ["-h", `${base + 5}:${base + 6}`, join(image, "dir/file")]);
			execFileSync("chmod", ["2750", join(image, "dir")]);
			config.mounts.push(
				{ destination: "/srv", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro", "nosuid"] },
				{ destination: "/fresh", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] },
			);
		},
		{
			table,
			file: "cat /srv/link",
			stat: "cd /srv; stat -c '%n %a %u:%g %F' dir dir/file fifo",
			write: "echo x > /srv/dir/file",
			fresh: "ls -A /fresh; echo x > /fresh/x && cat /fresh/x",
		},
	);
	t.equal(seen.file, "of the image");
	t.equal(seen.stat, "dir 2750 0:0 directory\ndir/file 640 5:6 regular file\nfifo 644 0:0 fifo");
	t.match(seen.write, /Read-only/);
	t.equal(seen.fresh, "x", "a directory that is not there has nothing to copy");
	check(t, seen.table, "/srv", ["ro", "nosuid", "!nodev"]);
});

nothingLeft(t, space);
