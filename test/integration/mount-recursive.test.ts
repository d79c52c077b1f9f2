/** The recursive mount options (mount_setattr(2) with AT_RECURSIVE), by what they let a process do in a tree of mounts. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { mountOn } from "../support/mountinfo.js";
import { program } from "../support/programs.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";
const skip = unlessPeer({ runc: "1.1 has no symfollow", crun: "1.8 fails with EINVAL on atime kinds" });

/** A mount with another one below it, each with the same flags, and in each what the options forbid. */
function tree(name: string, flags: string): string {
	const path = space.path(name);
	const directories = [path, join(path, "sub")];
	for (const directory of directories) {
		mkdirSync(directory);
		execFileSync("mount", ["-t", "tmpfs", "tmpfs", directory]);
		copyFileSync(program("probe"), join(directory, "probe"));
		chmodSync(join(directory, "probe"), 0o4755);
		writeFileSync(join(directory, "file"), "content\n");
		symlinkSync("file", join(directory, "link"));
		execFileSync("mknod", ["-m", "666", join(directory, "zero"), "c", "1", "5"]);
		chmodSync(directory, 0o777);
	}
	for (const directory of directories) execFileSync("mount", ["-o", `remount,bind,${flags}`, directory]);
	return path;
}

function gone(path: string): void {
	execFileSync("umount", ["-R", path]);
}

interface Case {
	options: string[];
	/** Per-mount options on both mounts; `!x`: not there. */
	has: string[];
	/** Per-mount options on the mount below, where they differ. */
	below?: string[];
}

function check(t: Test, text: string, point: string, words: string[], what: string): void {
	const { options } = mountOn(text, point);
	for (const word of words)
		t.equal(options.includes(word.replace("!", "")), !word.startsWith("!"), `${what}: ${word} (${options.join(",")})`);
}

function checkAll(t: Test, text: string, cases: Case[]): void {
	for (const [index, { options, has, below }] of cases.entries()) {
		check(t, text, `/tmp/m${index}`, has, `${options.join()} top`);
		check(t, text, `/tmp/m${index}/sub`, below ?? has, `${options.join()} below`);
	}
}

function inside<Key extends string>(source: string, cases: Case[], questions: Record<Key, string>) {
	return space.inside(
		(config) => {
			config.root.readonly = false;
			config.process.capabilities = {};
			config.process.user = { uid: 1000, gid: 1000 };
			delete config.process.noNewPrivileges;
			config.linux.resources = { devices: [{ allow: true, access: "rwm" }] };
			for (const [index, { options }] of cases.entries()) {
				config.mounts.push({ destination: `/tmp/m${index}`, source, options: ["rbind", ...options] });
			}
		},
		{ table, ...questions },
	);
}

t.test("each sets its flag on every mount of the tree", { skip }, async (t) => {
	const cases: Case[] = [
		{ options: ["rro"], has: ["ro"] },
		{ options: ["rnosuid"], has: ["nosuid"] },
		{ options: ["rnodev"], has: ["nodev"] },
		{ options: ["rnoexec"], has: ["noexec"] },
		{ options: ["rnosymfollow"], has: ["nosymfollow"] },
		{ options: ["rnodiratime"], has: ["nodiratime"] },
		{ options: ["rnoatime"], has: ["noatime", "!relatime"] },
		{ options: ["rstrictatime"], has: ["!noatime", "!relatime"] },
		{ options: ["rrelatime"], has: ["relatime"] },
		{ options: ["rro", "rnosuid", "rnodev", "rnoexec"], has: ["ro", "nosuid", "nodev", "noexec"] },
		{ options: ["ro", "rnosuid"], has: ["ro", "nosuid"], below: ["rw", "nosuid"] },
		{ options: ["rro", "rrw"], has: ["rw"] },
		{ options: ["rnoexec", "rexec"], has: ["!noexec"] },
	];
	const path = tree("open", "rw,suid,dev,exec,relatime");
	try {
		const at = (index: number) => [`/tmp/m${index}`, `/tmp/m${index}/sub`];
		const both = (index: number, command: (at: string) => string) => at(index).map(command).join("; ");
		const seen = inside(path, cases, {
			ro: both(0, (at) => `echo x >> ${at}/new`),
			suid: both(1, (at) => `${at}/probe euid`),
			suidBefore: both(0, (at) => `${at}/probe euid`),
			dev: both(2, (at) => `head -c1 ${at}/zero`),
			devBefore: both(0, (at) => `head -c1 ${at}/zero | od -An -tx1`),
			exec: both(3, (at) => `${at}/probe euid`),
			execBefore: both(12, (at) => `${at}/probe euid && echo ran`),
			symlink: both(4, (at) => `cat ${at}/link`),
			symlinkBefore: both(3, (at) => `cat ${at}/link`),
			mixed: "echo x >> /tmp/m10/new; echo x >> /tmp/m10/sub/new",
		});
		checkAll(t, seen.table, cases);
		const twice = (answer: string, pattern: RegExp, what: string) =>
			t.equal(answer.split("\n").filter((line) => pattern.test(line)).length, 2, `${what}: ${answer}`);
		twice(seen.ro, /Read-only/, "rro");
		twice(seen.suid, /^ok 1000$/, "rnosuid");
		twice(seen.suidBefore, /^ok 0$/, "without it");
		twice(seen.dev, /Permission denied/, "rnodev");
		twice(seen.devBefore, /^ *00$/, "without it");
		twice(seen.exec, /Permission denied/, "rnoexec");
		twice(seen.execBefore, /^ran$/, "rexec");
		twice(seen.symlink, /Too many|loop/i, "rnosymfollow");
		twice(seen.symlinkBefore, /^content$/, "without it");
		t.match(seen.mixed, /^[^\n]*m10\/new[^\n]*Read-only[^\n]*$/, "only the top");
	} finally {
		gone(path);
	}
});

t.test("each clears its flag on every mount of the tree, its plain form on the top only", { skip }, async (t) => {
	const closed = ["ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow", "noatime"];
	const cases: Case[] = [
		{ options: [], has: closed },
		{ options: ["rrw"], has: ["rw", "nosuid"] },
		{ options: ["rsuid"], has: ["!nosuid", "ro"] },
		{ options: ["rdev"], has: ["!nodev", "ro"] },
		{ options: ["rexec"], has: ["!noexec", "ro"] },
		{ options: ["rdiratime"], has: ["!nodiratime", "ro"] },
		{ options: ["rsymfollow"], has: ["!nosymfollow", "ro"] },
		{ options: ["ratime"], has: ["!noatime", "relatime"] },
		{ options: ["rrelatime"], has: ["!noatime", "relatime"] },
		{ options: ["rstrictatime"], has: ["!noatime", "!relatime"] },
		{ options: ["rnostrictatime"], has: ["relatime"] },
		{ options: ["rnorelatime"], has: ["noatime"] },
		{ options: ["rw", "exec"], has: ["rw", "!noexec", "nodev"], below: closed },
		{ options: ["rrw", "ro"], has: ["rw"], below: ["rw"] },
	];
	const path = tree("closed", closed.join());
	try {
		const seen = inside(path, cases, {
			run: "for at in /tmp/m4 /tmp/m4/sub; do $at/probe euid > /dev/null && echo ran; done",
			follow: "cat /tmp/m6/link /tmp/m6/sub/link",
		});
		checkAll(t, seen.table, cases);
		t.equal(seen.run, "ran\nran");
		t.equal(seen.follow, "content\ncontent");
		const host = execFileSync("cat", ["/proc/self/mountinfo"], { encoding: "utf8" });
		for (const point of [path, join(path, "sub")]) check(t, host, point, closed, "the host's own mount");
	} finally {
		gone(path);
	}
});

nothingLeft(t, space);
