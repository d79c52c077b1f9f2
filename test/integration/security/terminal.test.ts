/** A terminal in an image that has other things where its parts belong (CVE-2025-52565, CVE-2026-88264): how it is refused. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle, Edit } from "../../support/bundle.js";
import { oursOnly } from "../../support/runtime.js";
import { Terminal } from "../../support/terminal.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);

/** Without the mounts that would cover the image's own /dev and /dev/pts. */
async function refused(prepare: (bundle: Bundle) => void, keep: string[], edit: Edit = () => {}) {
	const { runtime, bundle, id } = space.container((config, bundle) => {
		config.root.readonly = false;
		config.mounts = config.mounts.filter(
			({ destination }) => !destination.startsWith("/dev") || keep.includes(destination),
		);
		prepare(bundle);
		config.process.terminal = true;
		config.process.args = ["/bin/echo", "ran"];
		edit(config, bundle);
	});
	const terminal = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
	const { status } = await terminal.ended();
	return { status, output: terminal.output };
}

t.test("/dev/pts that is a directory, with a multiplexer in it", { skip: oursOnly }, async (t) => {
	const { status, output } = await refused(({ rootfs }) => {
		mkdirSync(join(rootfs, "dev/pts"));
		execFileSync("mknod", ["-m", "666", join(rootfs, "dev/pts/ptmx"), "c", "5", "2"]);
	}, []);
	t.equal(status, 1);
	t.match(output, "/dev/pts is no devpts");
});

t.test("/dev/console that is a symlink, of whatever kind", { skip: oursOnly }, async (t) => {
	const victim = space.path("victim");
	writeFileSync(victim, "of the host\n");
	for (const target of [victim, "nowhere", "null", "/proc/self/fd/1"]) {
		const { status, output } = await refused(
			({ rootfs }) => {
				mkdirSync(join(rootfs, "dev/pts"));
				symlinkSync(target, join(rootfs, "dev/console"));
			},
			["/dev/pts"],
		);
		t.equal(status, 1, target);
		t.match(output, /\/dev\/console.*too many levels of symbolic links/s, target);
	}
});

nothingLeft(t, space);
