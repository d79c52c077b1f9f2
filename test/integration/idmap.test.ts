/** Id-mapped mounts: owners as a process of the container sees them, and what it leaves on the host. */
import { execFileSync } from "node:child_process";
import { chownSync, lstatSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config, IdMapping, Mount } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const ours = { skip: unlessPeer({ runc: "1.1 has no id-mapped mounts", crun: "1.8 has some of them" }) };
const base = 100_000;
const whole: IdMapping[] = [{ containerID: 0, hostID: base, size: 65536 }];

/** A user namespace whose ids begin at `base` on the host, and a rootfs that its root owns. */
function userNamespace(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = whole;
	config.linux.gidMappings = whole;
	config.root.readonly = false;
	execFileSync("chown", ["-hR", `${base}:${base}`, bundle.rootfs]);
}

/** A directory of the host with files of root and of users 1000:2000 and 70000. */
function source(...names: string[]): string {
	const path = space.path(...names);
	mkdirSync(path, { recursive: true });
	writeFileSync(join(path, "root"), "of root\n");
	writeFileSync(join(path, "user"), "of 1000:2000\n");
	chownSync(join(path, "user"), 1000, 2000);
	writeFileSync(join(path, "far"), "of 70000\n");
	chownSync(join(path, "far"), 70_000, 70_000);
	return path;
}

/** A mount of the filesystem that the tests are on: a tmpfs can be id-mapped only since Linux 6.3. */
function mount(path: string, flags = "rw"): void {
	const directory = `${path}.mounted`;
	mkdirSync(directory);
	execFileSync("mount", ["--bind", directory, path]);
	execFileSync("mount", ["-o", `remount,bind,${flags}`, path]);
}
const [major = 0, minor = 0] = release().split(".").map(Number);
const noMappedTmpfs = major < 6 || (major === 6 && minor < 3) ? "tmpfs can't be id-mapped before Linux 6.3" : false;

const owners = (at: string) => `stat -c '%u:%g' ${at}/root ${at}/user ${at}/far | tr '\\n' ' '; echo`;

t.test("without a mapping the owners of a bind are nobody in a user namespace", ours, async (t) => {
	const path = source("plain");
	const seen = space.inside(
		(config, bundle) => {
			userNamespace(config, bundle);
			config.mounts.push({ destination: "/data", source: path, options: ["bind"] });
		},
		{ owners: owners("/data") },
	);
	t.equal(seen.owners, "65534:65534 65534:65534 65534:65534");
});

for (const [what, mount] of [
	["idmap takes the mapping of the container", { options: ["bind", "idmap"] }],
	["mappings without an option", { options: ["bind"], uidMappings: whole, gidMappings: whole }],
	[
		"mappings win over the option",
		{ options: ["rbind", "idmap=uids=5-5-1;gids=5-5-1"], uidMappings: whole, gidMappings: whole },
	],
	["a mapping in the option", { options: ["bind", "idmap=uids=0-100000-65536;gids=0-100000-65536"] }],
	["a mapping in the option, by ids of the container", { options: ["bind", "idmap=uids=@0-0-65536;gids=@0-0-65536"] }],
	["empty mappings are none", { options: ["bind", "idmap"], uidMappings: [], gidMappings: [] }],
] as [string, Partial<Mount>][]) {
	t.test(`bind in a user namespace: ${what}`, ours, async (t) => {
		const path = source("bind", what.replaceAll(" ", "-"));
		const seen = space.inside(
			(config, bundle) => {
				userNamespace(config, bundle);
				config.mounts.push({ destination: "/data", source: path, ...mount });
			},
			{
				owners: owners("/data"),
				table: "cat /proc/self/mountinfo",
				write: "echo changed > /data/root && touch /data/made && mkdir /data/dir && stat -c %u:%g /data/made",
			},
		);
		t.equal(seen.owners, "0:0 1000:2000 65534:65534", "as on the host's disk; 70000 is beyond the mapping");
		t.equal(seen.write, "0:0");
		t.ok(mountOn(seen.table, "/data").options.includes("idmapped"));
		for (const name of ["made", "dir"]) t.equal(lstatSync(join(path, name)).uid, 0, `${name} is root's on the disk`);
	});
}

t.test("a mapping that is not the container's", ours, async (t) => {
	const path = source("shifted");
	const seen = space.inside(
		(config, bundle) => {
			userNamespace(config, bundle);
			config.mounts.push({
				destination: "/data",
				source: path,
				options: ["bind", "idmap"],
				// Disk root is the container's 5, disk user 1000 its 0, each group its own way.
				uidMappings: [
					{ containerID: 0, hostID: base + 5, size: 1 },
					{ containerID: 1000, hostID: base, size: 1 },
				],
				gidMappings: [
					{ containerID: 0, hostID: base + 7, size: 1 },
					{ containerID: 2000, hostID: base + 9, size: 1 },
				],
			});
		},
		{ owners: owners("/data"), write: "touch /data/made" },
	);
	t.equal(seen.owners, "5:7 0:9 65534:65534");
	t.match(seen.write, /Value too large|Permission denied/, "root's group 0 has no id on the disk");
});

t.test("without a user namespace", ours, async (t) => {
	const path = source("host-ids");
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts.push(
				{ destination: "/data", source: path, options: ["bind", "idmap"], uidMappings: whole, gidMappings: whole },
				{ destination: "/plain", source: path, options: ["bind"] },
			);
		},
		{ mapped: owners("/data"), plain: owners("/plain") },
	);
	t.equal(seen.mapped, "100000:100000 101000:102000 65534:65534");
	t.equal(seen.plain, "0:0 1000:2000 70000:70000", "another mount of the same directory is as it was");
});

t.test("a single file, read-only, with a source relative to the bundle", ours, async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			userNamespace(config, bundle);
			writeFileSync(join(bundle.path, "secret"), "for 1000\n", { mode: 0o600 });
			chownSync(join(bundle.path, "secret"), 1000, 1000);
			config.mounts.push({ destination: "/run/secret", source: "secret", options: ["bind", "ro", "idmap"] });
		},
		{ owner: "stat -c %u:%g:%F /run/secret", read: "cat /run/secret", write: "echo x > /run/secret" },
	);
	t.equal(seen.owner, "1000:1000:regular file");
	t.equal(seen.read, "for 1000");
	t.match(seen.write, /Read-only/);
});

t.test("trees: ridmap maps what is below, idmap only the top", ours, async (t) => {
	const path = source("tree");
	mkdirSync(join(path, "sub"));
	mount(join(path, "sub"));
	try {
		source("tree", "sub");
		const seen = space.inside(
			(config, bundle) => {
				userNamespace(config, bundle);
				config.mounts.push(
					{ destination: "/top", source: path, options: ["rbind", "idmap"] },
					{ destination: "/all", source: path, options: ["rbind", "ridmap"] },
					{
						destination: "/explicit",
						source: path,
						options: ["rbind", "ridmap"],
						uidMappings: whole,
						gidMappings: whole,
					},
					{ destination: "/option", source: path, options: ["rbind", "ridmap=uids=0-100000-10;gids=0-100000-10"] },
				);
			},
			{
				top: owners("/top"),
				topSub: owners("/top/sub"),
				all: owners("/all"),
				allSub: owners("/all/sub"),
				explicitSub: owners("/explicit/sub"),
				optionSub: owners("/option/sub"),
			},
		);
		t.equal(seen.top, "0:0 1000:2000 65534:65534");
		t.equal(seen.topSub, "65534:65534 65534:65534 65534:65534");
		t.equal(seen.all, "0:0 1000:2000 65534:65534");
		t.equal(seen.allSub, "0:0 1000:2000 65534:65534");
		t.equal(seen.explicitSub, "0:0 1000:2000 65534:65534");
		t.equal(seen.optionSub, "0:0 65534:65534 65534:65534");
	} finally {
		execFileSync("umount", [join(path, "sub")]);
	}
});

t.test("a filesystem of its own", { skip: ours.skip || noMappedTmpfs }, async (t) => {
	const shift: IdMapping[] = [{ containerID: 0, hostID: base + 42, size: 10 }];
	const shifted = { type: "tmpfs", source: "tmpfs", uidMappings: shift, gidMappings: shift };
	const seen = space.inside(
		(config, bundle) => {
			userNamespace(config, bundle);
			mkdirSync(join(bundle.rootfs, "image"));
			writeFileSync(join(bundle.rootfs, "image/file"), "of the image\n");
			execFileSync("chown", ["-R", `${base}:${base}`, join(bundle.rootfs, "image")]);
			config.mounts.push(
				{ destination: "/same", type: "tmpfs", source: "tmpfs", options: ["idmap"] },
				{ destination: "/shifted", options: ["idmap", "mode=755"], ...shifted },
				{ destination: "/image", options: ["idmap", "tmpcopyup"], ...shifted },
			);
		},
		{
			same: "touch /same/file && stat -c %u:%g /same /same/file | tr '\\n' ' '; echo",
			shifted: "stat -c %u:%g /shifted",
			copied: "stat -c %u:%g /image/file; cat /image/file",
			table: "cat /proc/self/mountinfo",
		},
	);
	t.equal(seen.same, "0:0 0:0", "what the container makes has its ids already");
	t.equal(seen.shifted, "42:42");
	t.equal(seen.copied, "42:42\nof the image", "the copy has the image's ids in the filesystem");
	t.ok(mountOn(seen.table, "/shifted").options.includes("idmapped"));

	const without = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts.push({ destination: "/shifted", options: ["idmap", "mode=755", "ro"], ...shifted });
		},
		{ owner: "stat -c %u:%g /shifted", table: "cat /proc/self/mountinfo" },
	);
	t.equal(without.owner, `${base + 42}:${base + 42}`);
	t.ok(mountOn(without.table, "/shifted").options.includes("ro"));
});

t.test("the mapping of a user namespace that is joined", ours, async (t) => {
	const path = source("joined");
	const owner = space.container((config, bundle) => {
		userNamespace(config, bundle);
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(owner.create().status, 0);
	const { pid } = owner.state();
	const seen = space.inside(
		(config, bundle) => {
			userNamespace(config, bundle);
			delete config.linux.uidMappings;
			delete config.linux.gidMappings;
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
			config.linux.namespaces.push({ type: "user", path: `/proc/${pid}/ns/user` });
			config.mounts.push({ destination: "/data", source: path, options: ["bind", "idmap"] });
		},
		{ owners: owners("/data") },
	);
	t.equal(seen.owners, "0:0 1000:2000 65534:65534");
	t.equal(owner.delete("--force").status, 0);
});

t.test("a mapped mount keeps what the host has locked", ours, async (t) => {
	const path = space.path("locked");
	mkdirSync(path);
	mount(path, "nosuid,nodev,noexec");
	try {
		source("locked");
		const seen = space.inside(
			(config, bundle) => {
				userNamespace(config, bundle);
				const all = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"];
				config.process.capabilities = { bounding: all, effective: all, permitted: all };
				config.mounts.push({ destination: "/data", source: path, options: ["bind", "idmap"] });
			},
			{
				owners: owners("/data"),
				remount: "mount -o remount,bind,suid,dev,exec /data",
				table: "cat /proc/self/mountinfo",
			},
		);
		t.equal(seen.owners, "0:0 1000:2000 65534:65534");
		t.match(seen.remount, /permission denied|not permitted/i);
		for (const word of ["nosuid", "nodev", "noexec"]) t.ok(mountOn(seen.table, "/data").options.includes(word), word);
	} finally {
		execFileSync("umount", [path]);
	}
});

t.test("what is refused, and how it is said", ours, async (t) => {
	const path = source("refused");
	const overlay = space.path("overlay");
	for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(join(overlay, name), { recursive: true });
	execFileSync("mount", [
		...["-t", "overlay", "overlay", "-o"],
		`lowerdir=${overlay}/lower,upperdir=${overlay}/upper,workdir=${overlay}/work`,
		join(overlay, "merged"),
	]);
	const cases: [string, Mount, RegExp, boolean?][] = [
		[
			"a filesystem that can't",
			{ destination: "/data", source: join(overlay, "merged"), options: ["bind", "idmap"] },
			/mounting .*merged.*does not support id-mapped mounts.*|invalid argument.*config\.json#\/mounts\/7/s,
		],
		[
			"a new filesystem that can't",
			{ destination: "/data", type: "mqueue", options: ["idmap"], uidMappings: whole, gidMappings: whole },
			/invalid argument.*config\.json#\/mounts\/7/,
		],
		[
			"nothing to take the mapping from",
			{ destination: "/data", source: path, options: ["bind", "idmap"] },
			/mounts\/7\/options\/1.*user namespace/,
			false,
		],
		[
			"one mapping of two",
			{ destination: "/data", source: path, options: ["bind", "idmap"], uidMappings: whole },
			/mounts\/7\/gidMappings.*come together/,
		],
		[
			"a range that overlaps",
			{
				...{ destination: "/data", source: path, options: ["bind", "idmap"], gidMappings: whole },
				uidMappings: [...whole, { containerID: 10, hostID: 5, size: 1 }],
			},
			/mounts\/7\/uidMappings\/1\/containerID.*overlaps/,
		],
		[
			"an option that can't be read",
			{ destination: "/data", source: path, options: ["bind", "idmap=uids=1-2"] },
			/mounts\/7\/options\/1.*expected ID-ID-COUNT/,
		],
		[
			"an option with users only",
			{ destination: "/data", source: path, options: ["bind", "idmap=uids=0-100000-1"] },
			/mounts\/7\/options\/1.*no gids=/,
		],
		[
			"an id that the container does not have",
			{ destination: "/data", source: path, options: ["bind", "idmap=uids=@0-70000-1;gids=@0-0-1"] },
			/mounts\/7\/options\/1.*no id 70000/,
		],
		[
			"a remount",
			{ destination: "/sys", options: ["bind", "remount", "idmap"], source: "/sys" },
			/mounts\/7\/options\/2/,
		],
		["a cgroup mount", { destination: "/cg", type: "cgroup", options: ["idmap"] }, /mounts\/7\/options\/0.*cgroup/],
	];
	try {
		for (const [what, mount, message, mapped = true] of cases) {
			const result = space
				.container((config, bundle) => {
					if (mapped) userNamespace(config, bundle);
					config.mounts.push(mount);
				})
				.create();
			t.equal(result.status, 1, what);
			t.match(result.stderr, message, what);
		}
	} finally {
		execFileSync("umount", [join(overlay, "merged")]);
	}
	t.equal(statSync(join(path, "root")).uid, 0);
});

t.test("features", ours, async (t) => {
	const features = JSON.parse(space.runtime.command(["features"]).stdout);
	t.equal(features.linux.mountExtensions.idmap.enabled, true);
	for (const option of ["idmap", "ridmap"]) t.ok(features.mountOptions.includes(option), option);
	t.ok(features.linux.namespaces.includes("time"));
});

nothingLeft(t, space);
