/** Sources of bind mounts where a container's root that is nobody on the host may not go, as engines keep their volumes. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config, Mount } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { failed, oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";
const base = 100_000;

function userNamespace(config: Config, bundle: Bundle, ...mounts: Mount[]): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	config.root.readonly = false;
	config.mounts.push(...mounts);
	execFileSync("chown", ["-hR", `${base}:${base}`, bundle.rootfs]);
}

/** A directory with a file that everybody may read, below one that only its owner may search. */
function hidden(name: string, owner: number): string {
	const path = space.path(name, "volume");
	mkdirSync(path, { recursive: true });
	writeFileSync(join(path, "file"), `${name}\n`);
	chownSync(space.path(name), owner, owner);
	chmodSync(space.path(name), 0o700);
	return path;
}

t.test("a directory and a file that only the host's root can reach", async (t) => {
	const ofRoot = hidden("admin", 0);
	const ofUser = hidden("user", 1234);
	symlinkSync(ofRoot, space.path("link"));
	const seen = space.inside(
		(config, bundle) =>
			userNamespace(
				config,
				bundle,
				{ destination: "/a", source: ofRoot, options: ["bind"] },
				{ destination: "/b", source: ofUser, options: ["rbind", "ro", "nosuid"] },
				{ destination: "/c", source: join(ofUser, "file"), options: ["bind"] },
				{ destination: "/d", source: space.path("link"), options: ["bind"] },
			),
		{ table, files: "cat /a/file /b/file /c /d/file", write: "echo x > /b/file" },
	);
	t.equal(seen.files, "admin\nuser\nuser\nadmin");
	for (const word of ["ro", "nosuid"]) t.ok(mountOn(seen.table, "/b").options.includes(word), word);
	t.match(seen.write, /Read-only|Permission denied/);
});

t.test(
	"the mounts below come along, and what the host has locked stays so",
	{ skip: unlessPeer({ crun: "1.8 loses them" }) },
	async (t) => {
		const path = hidden("tree", 0);
		mkdirSync(join(path, "sub"));
		execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,nodev,noexec", "tmpfs", join(path, "sub")]);
		try {
			writeFileSync(join(path, "sub/file"), "below\n");
			const seen = space.inside(
				(config, bundle) => {
					userNamespace(config, bundle, { destination: "/tree", source: path, options: ["rbind"] });
					const all = ["CAP_SYS_ADMIN"];
					config.process.capabilities = { bounding: all, effective: all, permitted: all };
				},
				{
					table,
					file: "cat /tree/sub/file",
					remount: "mount -o remount,bind,suid,dev,exec /tree/sub",
					unmount: "umount /tree/sub",
				},
			);
			t.equal(seen.file, "below");
			t.match(seen.remount, /permission denied|not permitted/i);
			t.match(seen.unmount, /permission denied|not permitted|invalid argument/i);
			for (const word of ["nosuid", "nodev", "noexec"])
				t.ok(mountOn(seen.table, "/tree/sub").options.includes(word), word);
		} finally {
			execFileSync("umount", [join(path, "sub")]);
		}
	},
);

t.test(
	"id-mapped",
	{ skip: unlessPeer({ runc: "1.1 has no id-mapped mounts", crun: "1.8 has some of them" }) },
	async (t) => {
		const path = hidden("mapped", 0);
		chownSync(join(path, "file"), 7, 8);
		const seen = space.inside(
			(config, bundle) =>
				userNamespace(config, bundle, { destination: "/data", source: path, options: ["bind", "idmap"] }),
			{ owner: "stat -c %u:%g /data/file" },
		);
		t.equal(seen.owner, "7:8");
	},
);

t.test(
	"in a user namespace that is joined",
	{ skip: unlessPeer({ runc: "1.1 opens no source for it" }) },
	async (t) => {
		const path = hidden("joined", 0);
		const owner = space.container((config, bundle) => {
			userNamespace(config, bundle);
			config.process.args = ["/bin/sleep", "1000"];
		});
		t.equal(owner.create().status, 0);
		const { pid } = owner.state();
		const seen = space.inside(
			(config, bundle) => {
				userNamespace(config, bundle, { destination: "/data", source: path, options: ["bind"] });
				delete config.linux.uidMappings;
				delete config.linux.gidMappings;
				config.linux.namespaces = config.linux.namespaces.map((namespace) =>
					namespace.type === "user" ? { type: "user", path: `/proc/${pid}/ns/user` } : namespace,
				);
			},
			{ file: "cat /data/file" },
		);
		t.equal(seen.file, "joined");
		t.equal(owner.delete("--force").status, 0);
	},
);

t.test("what can't be bound, and what is said", { skip: oursOnly }, async (t) => {
	const path = hidden("refused", 0);
	mkdirSync(join(path, "sub"));
	execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(path, "sub")]);
	try {
		for (const [source, message, hint] of [
			[join(path, "none"), /no such file.*mounts\/7/, /does not exist on the host/],
			// The kernel does not let a user namespace see what a mount of the host covers.
			[path, /invalid argument.*mounts\/7/, /rbind takes them along/],
		] as const) {
			const container = space.container((config, bundle) =>
				userNamespace(config, bundle, { destination: "/data", source, options: ["bind"] }),
			);
			const result = container.create();
			t.ok(failed(result), source);
			t.match(result.stderr, message);
			t.match(result.log.at(-1), { pointer: "/mounts/7", hint });
		}
	} finally {
		execFileSync("umount", [join(path, "sub")]);
	}
});

nothingLeft(t, space);
