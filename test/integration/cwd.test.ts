import { chownSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const look = { cwd: "pwd", owner: "stat -c '%u:%g %a' ." };

function at(cwd: string, edit: Edit = () => {}): Edit {
	return (config, bundle) => {
		config.process.cwd = cwd;
		edit(config, bundle);
	};
}

t.test("a working directory that is missing is made, root's, 0755, whatever the user and umask", async (t) => {
	const seen = space.inside(
		at("/srv/deep/app", (config) => {
			config.process.user = { uid: 1000, gid: 1000, umask: 0o077 };
		}),
		{ ...look, parents: "stat -c '%u:%g %a' .. ../.." },
	);
	t.same(seen, { cwd: "/srv/deep/app", owner: "0:0 755", parents: "0:0 755\n0:0 755" });
});

t.test("in a user namespace it belongs to the container's root", async (t) => {
	let rootfs = "";
	const seen = space.inside(
		at("/srv/app", (config, bundle) => {
			rootfs = bundle.rootfs;
			config.linux.namespaces.push({ type: "user" });
			config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
			config.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
			config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
			chownSync(bundle.rootfs, 100_000, 200_000);
		}),
		look,
	);
	t.same(seen, { cwd: "/srv/app", owner: "0:0 755" });
	const { uid, gid } = statSync(`${rootfs}/srv/app`);
	t.same([uid, gid], [100_000, 200_000]);
});

t.test("with a read-only root it is made before the root is closed", async (t) => {
	const seen = space.inside(
		at("/srv/app", (config) => {
			config.root.readonly = true;
		}),
		{ ...look, write: "touch x" },
	);
	t.match(seen, { cwd: "/srv/app", owner: "0:0 755", write: /Read-only file system/ });
});

t.test("where it cannot be made: an error that names it", { skip: oursOnly }, async (t) => {
	const table: [string, RegExp, Edit][] = [
		[
			"/closed/app",
			/read-only file system/,
			(config) => {
				config.mounts.push({ destination: "/closed", type: "tmpfs", source: "tmpfs", options: ["ro"] });
			},
		],
		["/etc/passwd", /not a directory/, () => {}],
		["/etc/passwd/app", /not a directory/, () => {}],
		["/bin/sh", /not a directory/, () => {}],
		[
			"/loop/app",
			/too many levels of symbolic links/,
			(_, { rootfs }) => {
				symlinkSync("loop", `${rootfs}/loop`);
			},
		],
	];
	for (const [cwd, why, edit] of table) {
		const result = space.container(at(cwd, edit)).create();
		t.equal(result.status, 1, cwd);
		t.match(result.error, why, cwd);
		t.match(result.error, cwd);
		t.match(result.error, "config.json#/process/cwd");
	}
});

t.test("below a volume it is made in the volume", async (t) => {
	const volume = space.path("volume");
	mkdirSync(volume);
	const seen = space.inside(
		at("/data/inner/app", (config) => {
			config.mounts.push({ destination: "/data", type: "bind", source: volume, options: ["rbind", "rw"] });
		}),
		look,
	);
	t.same(seen, { cwd: "/data/inner/app", owner: "0:0 755" });
	t.ok(statSync(`${volume}/inner/app`).isDirectory());
});

t.test("symlinks on the way lead nowhere outside of the root", async (t) => {
	const outside = space.path("outside");
	mkdirSync(outside);
	let root = "";
	const seen = space.inside(
		at("/link/up/app", (_, { rootfs }) => {
			root = rootfs;
			symlinkSync(outside, `${rootfs}/link`);
			mkdirSync(`${rootfs}${outside}`, { recursive: true });
			symlinkSync(`../../../../../../..${outside}/over`, `${rootfs}${outside}/up`);
		}),
		look,
	);
	t.same(seen, { cwd: `${outside}/over/app`, owner: "0:0 755" });
	t.ok(lstatSync(`${root}${outside}/over/app`).isDirectory(), "in the root");
	t.throws(() => lstatSync(`${outside}/over`), { code: "ENOENT" }, "and not on the host");
	t.ok(lstatSync(`${root}/link`).isSymbolicLink());
	writeFileSync(`${outside}/untouched`, "");
});

nothingLeft(t, space);
