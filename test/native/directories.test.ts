import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { failureOf, native, needsRoot, scratch } from "./addon.js";

t.test("makeDirectory tells whether it made it", async (t) => {
	const path = join(scratch(t), "a/b/c");
	t.equal(failureOf(() => native.makeDirectory({ path, mode: 0o700 })).code, "ENOENT");
	t.equal(native.makeDirectory({ path, mode: 0o711, parents: true }), true);
	t.equal(statSync(path).mode & 0o777, 0o711);
	t.equal(native.makeDirectory({ path, mode: 0o711, existOk: true }), false);
	t.equal(failureOf(() => native.makeDirectory({ path, mode: 0o711 })).code, "EEXIST");
	t.equal(failureOf(() => native.makeDirectory({ path, mode: 0o711, parents: true })).code, "EEXIST");
});

t.test("a file in the way is an error, whatever the options", async (t) => {
	const directory = scratch(t);
	writeFileSync(join(directory, "file"), "");
	t.equal(failureOf(() => native.makeDirectory({ path: join(directory, "file"), mode: 0o700, existOk: true })).code, "EEXIST");
	const below = join(directory, "file/below");
	t.equal(failureOf(() => native.makeDirectory({ path: below, mode: 0o700, parents: true })).code, "ENOTDIR");
});

t.test("listDirectory and removeDirectory", async (t) => {
	const directory = scratch(t);
	mkdirSync(join(directory, "sub"));
	writeFileSync(join(directory, "file"), "");
	symlinkSync("sub", join(directory, "link"));
	const entries = native.listDirectory({ path: directory }).sort((a, b) => (a.name < b.name ? -1 : 1));
	t.same(entries, [
		{ name: "file", type: "file" },
		{ name: "link", type: "symlink" },
		{ name: "sub", type: "directory" },
	]);
	t.equal(failureOf(() => native.listDirectory({ path: join(directory, "none") })).code, "ENOENT");
	native.removeDirectory({ path: join(directory, "sub") });
	native.removeDirectory({ path: join(directory, "sub"), missingOk: true });
	t.notOk(existsSync(join(directory, "sub")));
	t.equal(failureOf(() => native.removeDirectory({ path: directory })).code, "ENOTEMPTY");
});

t.test("removeTree removes what is below, and nothing that symlinks point to", async (t) => {
	const directory = scratch(t);
	const outside = join(directory, "outside");
	mkdirSync(outside);
	writeFileSync(join(outside, "precious"), "");
	const tree = join(directory, "tree");
	mkdirSync(join(tree, "a/b/c"), { recursive: true });
	writeFileSync(join(tree, "a/b/file"), "");
	symlinkSync(outside, join(tree, "a/link"));
	native.removeTree({ path: `${tree}/` });
	t.notOk(existsSync(tree));
	t.same(readdirSync(outside), ["precious"]);

	symlinkSync(outside, tree);
	native.removeTree({ path: tree });
	t.same(readdirSync(outside), ["precious"], "a symlink in its place is removed itself");
	t.notOk(existsSync(tree));
	native.removeTree({ path: tree });
	native.removeTree({ path: join(tree, "none/at/all") });
	for (const path of ["/", "", ".", `${outside}/..`]) {
		t.equal(failureOf(() => native.removeTree({ path })).code, "EINVAL", `refuses ${JSON.stringify(path)}`);
	}
});

t.test("removeTree does not enter a mount", { skip: needsRoot }, async (t) => {
	const directory = scratch(t);
	const mounted = join(directory, "tree/mounted");
	mkdirSync(mounted, { recursive: true });
	t.equal(spawnSync("mount", ["-t", "tmpfs", "none", mounted]).status, 0);
	t.teardown(() => spawnSync("umount", [mounted]));
	writeFileSync(join(mounted, "precious"), "");
	const failure = failureOf(() => native.removeTree({ path: join(directory, "tree") }));
	t.match(failure, { code: "EXDEV", detail: mounted });
	t.same(readdirSync(mounted), ["precious"]);
});

t.test("lockDirectory excludes by descriptor", async (t) => {
	const path = scratch(t);
	const held = native.lockDirectory({ path, exclusive: true, wait: false });
	t.equal(failureOf(() => native.lockDirectory({ path, exclusive: false, wait: false })).code, "EAGAIN");
	native.close({ fd: held });
	const shared = native.lockDirectory({ path, exclusive: false, wait: true });
	const another = native.lockDirectory({ path, exclusive: false, wait: false });
	t.equal(failureOf(() => native.lockDirectory({ path, exclusive: true, wait: false })).code, "EAGAIN");
	native.close({ fd: shared });
	native.close({ fd: another });
	native.close({ fd: native.lockDirectory({ path, exclusive: true, wait: false }) });
});
