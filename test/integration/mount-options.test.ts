import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Mount } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";

/** What one option must show on a mount that starts from `base`; `!x` must not be there. */
interface Case {
	options: string[];
	mount?: string[];
	superblock?: string[];
}

function check(t: Test, text: string, point: string, expected: Case): void {
	const mount = mountOn(text, point);
	for (const [kind, words, found] of [
		["mount", expected.mount ?? [], mount.options],
		["superblock", expected.superblock ?? [], mount.superblock],
	] as const) {
		for (const word of words) {
			const wanted = !word.startsWith("!");
			const name = word.replace("!", "");
			t.equal(found.includes(name), wanted, `${expected.options.join(",")}: ${kind} ${word} (${found.join(",")})`);
		}
	}
}

const perMount: Case[] = [
	{ options: [], mount: ["rw", "!nosuid", "!nodev", "!noexec", "relatime"] },
	{ options: ["ro"], mount: ["ro"] },
	{ options: ["nosuid"], mount: ["nosuid"] },
	{ options: ["nodev"], mount: ["nodev"] },
	{ options: ["noexec"], mount: ["noexec"] },
	{ options: ["nodiratime"], mount: ["nodiratime"] },
	{ options: ["noatime"], mount: ["noatime"] },
	{ options: ["strictatime"], mount: ["!noatime", "!relatime"] },
	{ options: ["relatime"], mount: ["relatime"] },
	{ options: ["noatime", "nosuid", "noexec", "nodev", "ro"], mount: ["noatime", "nosuid", "noexec", "nodev", "ro"] },
];

/** The later of two that contradict each other wins, as in mount(8). */
const contradictory: Case[] = [
	{ options: ["ro", "rw"], mount: ["rw"] },
	{ options: ["nosuid", "suid"], mount: ["!nosuid"] },
	{ options: ["nodev", "dev"], mount: ["!nodev"] },
	{ options: ["noexec", "exec"], mount: ["!noexec"] },
	{ options: ["nodiratime", "diratime"], mount: ["!nodiratime"] },
	{ options: ["sync", "async"], superblock: ["!sync"] },
	{ options: ["lazytime", "nolazytime"], superblock: ["!lazytime"] },
	{ options: ["rw", "ro"], mount: ["ro"] },
	{ options: ["noatime", "strictatime"], mount: ["!noatime", "!relatime"] },
];

t.test("per-mount options of a new filesystem", async (t) => {
	const seen = space.inside(
		(config) => {
			for (const [index, { options }] of perMount.entries()) {
				config.mounts.push({ destination: `/tmp/m${index}`, type: "tmpfs", source: "tmpfs", options });
			}
			config.root.readonly = false;
		},
		{ table },
	);
	for (const [index, expected] of perMount.entries()) check(t, seen.table, `/tmp/m${index}`, expected);
});

t.test("per-mount options of a bind mount", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mkdirSync(join(bundle.path, "shared"));
			for (const [index, { options }] of perMount.entries()) {
				config.mounts.push({ destination: `/tmp/m${index}`, source: "shared", options: ["bind", ...options] });
			}
			config.root.readonly = false;
		},
		{ table },
	);
	for (const [index, expected] of perMount.entries()) check(t, seen.table, `/tmp/m${index}`, expected);
});

t.test(
	"a bind mount keeps the flags of its source that no option names",
	{ skip: unlessPeer({ crun: "1.8 clears them" }) },
	async (t) => {
		const source = space.path("flags");
		mkdirSync(source);
		execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,nodev,noexec,noatime", "tmpfs", source]);
		try {
			const seen = space.inside(
				(config) => {
					config.root.readonly = false;
					config.mounts.push({ destination: "/tmp/plain", source, options: ["bind"] });
					config.mounts.push({ destination: "/tmp/ro", source, options: ["bind", "ro"] });
				},
				{ table },
			);
			check(t, seen.table, "/tmp/plain", { options: ["bind"], mount: ["nosuid", "nodev", "noexec", "noatime", "rw"] });
			// runc 1.1 remounts with the flags of the options alone; what a source forbids has to stay forbidden.
			const kept = runtimeName === "runc" ? [] : ["nosuid", "nodev", "noexec"];
			check(t, seen.table, "/tmp/ro", { options: ["bind", "ro"], mount: ["ro", ...kept] });
		} finally {
			execFileSync("umount", [source]);
		}
	},
);

const perSuperblock: Case[] = [
	{ options: ["sync"], superblock: ["sync"] },
	{ options: ["dirsync"], superblock: ["dirsync"] },
	{ options: ["lazytime"], superblock: ["lazytime"] },
	{ options: ["size=1024k", "mode=700"], superblock: ["size=1024k", "mode=700"] },
	{ options: ["nr_inodes=77"], superblock: ["nr_inodes=77"] },
];

t.test("superblock options and filesystem data", async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			for (const [index, { options }] of perSuperblock.entries()) {
				config.mounts.push({ destination: `/tmp/m${index}`, type: "tmpfs", source: "tmpfs", options });
			}
		},
		{ table },
	);
	for (const [index, expected] of perSuperblock.entries()) check(t, seen.table, `/tmp/m${index}`, expected);
});

t.test(
	"the later option wins",
	{ skip: unlessPeer({ crun: "1.8 does not clear what an earlier option set" }) },
	async (t) => {
		const seen = space.inside(
			(config) => {
				config.root.readonly = false;
				for (const [index, { options }] of contradictory.entries()) {
					config.mounts.push({ destination: `/tmp/m${index}`, type: "tmpfs", source: "tmpfs", options });
				}
			},
			{ table },
		);
		for (const [index, expected] of contradictory.entries()) check(t, seen.table, `/tmp/m${index}`, expected);
	},
);

t.test(
	"options without an effect to see are taken",
	{ skip: unlessPeer({ crun: "1.8 does not know loud" }) },
	async (t) => {
		// runc 1.1 gives `defaults` to the filesystem, which refuses it.
		const names = [
			...(runtimeName === "runc" ? [] : ["defaults"]),
			"loud",
			"silent",
			"noiversion",
			"norelatime",
			"nostrictatime",
			"nomand",
			"atime",
		];
		const seen = space.inside(
			(config) => {
				config.root.readonly = false;
				for (const name of names) {
					config.mounts.push({ destination: `/tmp/${name}`, type: "tmpfs", source: "tmpfs", options: [name] });
				}
			},
			{ table },
		);
		for (const name of names) t.equal(mountOn(seen.table, `/tmp/${name}`).type, "tmpfs", name);
	},
);

t.test("nosymfollow and symfollow", { skip: unlessPeer({ crun: "not in 1.8" }) }, async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			mkdirSync(join(bundle.path, "shared"));
			writeFileSync(join(bundle.path, "shared/file"), "content\n");
			execFileSync("ln", ["-s", "file", join(bundle.path, "shared/link")]);
			config.root.readonly = false;
			config.mounts.push({ destination: "/tmp/no", source: "shared", options: ["bind", "nosymfollow"] });
			config.mounts.push({ destination: "/tmp/yes", source: "shared", options: ["bind", "nosymfollow", "symfollow"] });
		},
		{ no: "cat /tmp/no/link", yes: "cat /tmp/yes/link", file: "cat /tmp/no/file" },
	);
	t.match(seen.no, /Too many|loop/i);
	t.equal(seen.yes, "content");
	t.equal(seen.file, "content");
});

t.test(
	"recursive options change the mounts below, others only the top",
	{ skip: unlessPeer({ crun: "1.8 fails with EINVAL on atime kinds" }) },
	async (t) => {
		const source = space.path("tree");
		mkdirSync(join(source, "sub"), { recursive: true });
		execFileSync("mount", ["-t", "tmpfs", "tmpfs", source]);
		mkdirSync(join(source, "sub"));
		execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(source, "sub")]);
		const cases: { options: string[]; top: string[]; below: string[] }[] = [
			{ options: ["rbind", "ro"], top: ["ro"], below: ["rw"] },
			{ options: ["rbind", "rro"], top: ["ro"], below: ["ro"] },
			{
				options: ["rbind", "rnosuid", "rnodev", "rnoexec"],
				top: ["nosuid", "nodev", "noexec"],
				below: ["nosuid", "nodev", "noexec"],
			},
			{ options: ["rbind", "rnoatime"], top: ["noatime"], below: ["noatime"] },
			{ options: ["rbind", "rstrictatime"], top: ["!relatime", "!noatime"], below: ["!relatime", "!noatime"] },
			{ options: ["rbind", "rnodiratime"], top: ["nodiratime"], below: ["nodiratime"] },
			{ options: ["bind", "rro"], top: ["ro"], below: [] },
		];
		try {
			const seen = space.inside(
				(config) => {
					config.root.readonly = false;
					for (const [index, { options }] of cases.entries()) {
						config.mounts.push({ destination: `/tmp/m${index}`, source, options });
					}
				},
				{ table },
			);
			for (const [index, { options, top, below }] of cases.entries()) {
				check(t, seen.table, `/tmp/m${index}`, { options, mount: top });
				if (below.length > 0) check(t, seen.table, `/tmp/m${index}/sub`, { options, mount: below });
				else t.throws(() => mountOn(seen.table, `/tmp/m${index}/sub`), "a plain bind leaves the mounts below out");
			}
		} finally {
			execFileSync("umount", ["-R", source]);
		}
	},
);

t.test("remount changes a mount that is there", async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts.push({ destination: "/tmp/a", type: "tmpfs", source: "tmpfs", options: ["size=64k"] });
			config.mounts.push({
				destination: "/tmp/a",
				type: "tmpfs",
				source: "tmpfs",
				options: ["remount", "ro", "nosuid"],
			});
			config.mounts.push({ destination: "/tmp/b", type: "tmpfs", source: "tmpfs", options: ["size=64k"] });
			config.mounts.push({ destination: "/tmp/b", source: "rootfs", options: ["bind", "remount", "ro", "nodev"] });
		},
		{ table },
	);
	check(t, seen.table, "/tmp/a", { options: ["remount", "ro", "nosuid"], mount: ["ro", "nosuid"] });
	check(t, seen.table, "/tmp/b", {
		options: ["bind", "remount", "ro", "nodev"],
		mount: ["ro", "nodev"],
		superblock: ["rw"],
	});
});

type Destined = Omit<Mount, "destination">;
const mapping = [{ containerID: 0, hostID: 100_000, size: 10 }];
const tmpfs = (...options: string[]): Destined => ({ type: "tmpfs", source: "tmpfs", options });
const mapped = (option: string): Destined => ({
	// tmpfs can be id-mapped only since Linux 6.3.
	...{ source: "/tmp", options: ["bind", option], uidMappings: mapping, gidMappings: mapping },
});
/** Options that need more beside them, or make sense on one kind of mount only. */
const special: Record<string, Destined[]> = {
	bind: [{ source: "/tmp", options: ["bind"] }],
	rbind: [{ source: "/tmp", options: ["rbind"] }],
	remount: [tmpfs(), tmpfs("remount")],
	tmpcopyup: [tmpfs("tmpcopyup")],
	idmap: [mapped("idmap")],
	ridmap: [mapped("ridmap")],
};

t.test("every option that features names is taken, on a filesystem and on a bind", { skip: oursOnly }, async (t) => {
	const { mountOptions } = JSON.parse(space.runtime.command(["features"]).stdout) as { mountOptions: string[] };
	t.ok(mountOptions.length > 60, `${mountOptions.length} options`);
	const source = space.path("every");
	mkdirSync(source);
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			for (const name of mountOptions) {
				// What is no option of the runtime goes to tmpfs, which refuses it.
				for (const mount of special[name] ?? [tmpfs(name)])
					config.mounts.push({ ...mount, destination: `/every/${name}` });
				if (special[name] === undefined)
					config.mounts.push({ destination: `/bound/${name}`, source, options: ["rbind", name] });
			}
		},
		{ table },
	);
	for (const name of mountOptions) {
		t.equal(mountOn(seen.table, `/every/${name}`).type === "tmpfs", !/^r?(bind|idmap)$/.test(name), name);
		if (special[name] === undefined) t.match(mountOn(seen.table, `/bound/${name}`).root, /every$/, `${name} on a bind`);
	}
});

nothingLeft(t, space);
