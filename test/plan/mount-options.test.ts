import t from "tap";
import { readMountFlags } from "../../src/plan/mount-flags.js";
import { mountOption, mountOptionNames } from "../../src/plan/mount-options.js";
import type { AttributeChange, MountAttribute } from "../../src/plan/schema.js";

/** config.md, "Linux mount options": MUST, SHOULD and MAY. */
const specified = `async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime
	noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave
	runbindable rw shared silent slave strictatime suid sync unbindable
	nosymfollow symfollow ratime rdev rdiratime rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
	rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow idmap ridmap rnodev mand nomand tmpcopyup`;

t.test("every option of the specification is in the table", async (t) => {
	for (const name of specified.split(/\s+/)) t.ok(mountOption(name), name);
	t.strictSame(mountOptionNames().sort(), specified.split(/\s+/).sort(), "and nothing else");
	for (const name of ["toString", "rtoString", "rro2", "rbind2", "rr", "r", ""])
		t.equal(mountOption(name), undefined, name);
});

const pairs: [string, string, MountAttribute][] = [
	["ro", "rw", "rdonly"],
	["nosuid", "suid", "nosuid"],
	["nodev", "dev", "nodev"],
	["noexec", "exec", "noexec"],
	["nodiratime", "diratime", "nodiratime"],
	["nosymfollow", "symfollow", "nosymfollow"],
];
const change = (...options: string[]): AttributeChange | undefined =>
	readMountFlags(options, "tmpfs").attributes.toChange();
const recursive = (...options: string[]): AttributeChange | undefined =>
	readMountFlags(options, "tmpfs").recursive.toChange();

for (const [on, off, attribute] of pairs) {
	t.test(`${on}, ${off}`, async (t) => {
		t.strictSame(change(on), { set: [attribute] });
		t.strictSame(change(off), { clear: [attribute] });
		t.strictSame(change(on, off), { clear: [attribute] }, "the later one counts");
		t.strictSame(change(off, on), { set: [attribute] }, "the later one counts");
		t.strictSame(recursive(`r${on}`), { set: [attribute] });
		t.strictSame(recursive(`r${off}`), { clear: [attribute] });
		t.equal(change(`r${on}`), undefined, "the recursive one leaves the other alone");
		t.equal(readMountFlags([off], "tmpfs").attributes.toNew(), undefined, "a new mount has nothing to clear");
	});
}

t.test("access times", async (t) => {
	const table: [string[], AttributeChange | undefined][] = [
		[["noatime"], { atime: "noatime" }],
		[["relatime"], { atime: "relatime" }],
		[["strictatime"], { atime: "strictatime" }],
		[["atime"], { atime: "relatime" }],
		[["nostrictatime"], { atime: "relatime" }],
		[["norelatime"], undefined],
		[["relatime", "norelatime"], undefined],
		[["noatime", "atime"], { atime: "relatime" }],
		[["strictatime", "atime"], { atime: "strictatime" }],
		[["noatime", "strictatime"], { atime: "strictatime" }],
		[["strictatime", "nostrictatime"], { atime: "relatime" }],
	];
	for (const [options, expected] of table) {
		t.strictSame(change(...options), expected, options.join());
		t.strictSame(recursive(...options.map((option) => `r${option}`)), expected, `recursive ${options.join()}`);
	}
});

t.test("superblock", async (t) => {
	const flags = (...options: string[]) => readMountFlags(options, "ext4").superblock;
	t.strictSame(flags("sync", "dirsync", "lazytime", "mand"), ["sync", "dirsync", "lazytime", "mand"]);
	t.strictSame(flags("sync", "async"), []);
	t.strictSame(flags("lazytime", "nolazytime", "mand", "nomand"), []);
});

t.test("propagation, in the order given", async (t) => {
	for (const name of ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"]) {
		t.strictSame(readMountFlags([name], "bind").propagation, [name]);
	}
	t.strictSame(readMountFlags(["rslave", "rshared"], "bind").propagation, ["rslave", "rshared"]);
});

t.test("bind", async (t) => {
	t.strictSame(readMountFlags(["bind"], "none").bind, { tree: false });
	t.strictSame(readMountFlags(["rbind"], "none").bind, { tree: true });
	t.strictSame(readMountFlags(["rbind", "bind"], "none").bind, { tree: true });
	t.strictSame(readMountFlags([], "bind").bind, { tree: false }, "by type");
	t.equal(readMountFlags(["ro"], "tmpfs").bind, undefined);
});

t.test("what changes nothing is not passed on either", async (t) => {
	const flags = readMountFlags(["defaults", "silent", "loud", "iversion", "noiversion"], "tmpfs");
	t.strictSame(flags.options, []);
	t.equal(flags.attributes.toChange(), undefined);
	t.equal(flags.superblock.length, 0);
});

t.test("everything else is the filesystem's", async (t) => {
	const options = (...words: string[]) => readMountFlags(words, "tmpfs").options;
	t.strictSame(options("mode=755", "size=64k", "newinstance"), [["mode", "755"], ["size", "64k"], "newinstance"]);
	t.strictSame(options("a=b=c", "empty="), [
		["a", "b=c"],
		["empty", ""],
	]);
	t.strictSame(
		options("mode=755,size=1m,huge"),
		[["mode", "755"], ["size", "1m"], "huge"],
		"as mount(2) would read it",
	);
	t.strictSame(options("lowerdir=/a\\,b:/c"), [["lowerdir", "/a\\,b:/c"]]);
	t.strictSame(options("RO"), ["RO"], "words are case-sensitive");
});
