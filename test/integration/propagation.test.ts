import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { mountOn, propagationOf } from "../support/mountinfo.js";
import { failed, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";
/** A shared mount with a mount below it: what propagation options can be seen on. */
const source = space.path("shared");
mkdirSync(source);
execFileSync("mount", ["-t", "tmpfs", "tmpfs", source]);
execFileSync("mount", ["--make-shared", source]);
mkdirSync(join(source, "sub"));
execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(source, "sub")]);

t.test("propagation options of a mount, and of those below it", async (t) => {
	const cases: { options: string[]; top: string; below: string }[] = [
		{ options: ["rbind", "rprivate"], top: "private", below: "private" },
		{ options: ["rbind", "private"], top: "private", below: "slave" },
		{ options: ["rbind", "rslave"], top: "slave", below: "slave" },
		{ options: ["rbind", "rshared"], top: "shared", below: "shared" },
		{ options: ["rbind", "runbindable"], top: "unbindable", below: "unbindable" },
	];
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			// What a mount can share depends on what the container's root lets through.
			config.linux.rootfsPropagation = "shared";
			for (const [index, { options }] of cases.entries()) {
				config.mounts.push({ destination: `/tmp/m${index}`, source, options });
			}
		},
		{ table },
	);
	for (const [index, { options, top, below }] of cases.entries()) {
		const found = propagationOf(mountOn(seen.table, `/tmp/m${index}`));
		if (top === "shared") t.match(found, /shared/, options.join(","));
		else t.equal(found, top, options.join(","));
		if (options.includes("private")) continue; // below it stays what the copy of the mount table made of it
		const inner = propagationOf(mountOn(seen.table, `/tmp/m${index}/sub`));
		if (below === "shared") t.match(inner, /shared/, `${options.join(",")} below`);
		else t.equal(inner, below, `${options.join(",")} below`);
	}
});

t.test(
	"a propagation option changes the mount it is on, with r those below too; of several the last counts",
	async (t) => {
		const cases: { options: string[]; top: string; below: string }[] = [
			{ options: ["private"], top: "private", below: "shared" },
			{ options: ["rprivate"], top: "private", below: "private" },
			{ options: ["slave"], top: "slave", below: "shared" },
			{ options: ["rslave"], top: "slave", below: "slave" },
			{ options: ["shared"], top: "shared", below: "shared" },
			{ options: ["rshared"], top: "shared", below: "shared" },
			{ options: ["unbindable"], top: "unbindable", below: "shared" },
			{ options: ["runbindable"], top: "unbindable", below: "unbindable" },
			{ options: ["rslave", "rshared"], top: "slave and shared", below: "slave and shared" },
			{ options: ["rprivate", "rshared"], top: "shared", below: "shared" },
			{ options: ["rslave", "private"], top: "private", below: "slave" },
		];
		execFileSync("mount", ["--make-shared", join(source, "sub")]);
		const seen = space.inside(
			(config) => {
				config.root.readonly = false;
				config.linux.rootfsPropagation = "shared";
				for (const [index, { options }] of cases.entries()) {
					config.mounts.push(
						{ destination: `/tmp/bind${index}`, source, options: ["rbind", ...options] },
						// The same in two steps, the second on what is there, without a type.
						{ destination: `/tmp/later${index}`, source, options: ["rbind"] },
						{ destination: `/tmp/later${index}`, options },
						{ destination: `/tmp/new${index}`, type: "tmpfs", source: "tmpfs", options },
					);
				}
			},
			{ table },
		);
		for (const [index, { options, top, below }] of cases.entries()) {
			for (const kind of ["bind", "later"]) {
				const point = `/tmp/${kind}${index}`;
				t.equal(propagationOf(mountOn(seen.table, point)), top, `${kind} ${options.join()}`);
				t.equal(propagationOf(mountOn(seen.table, `${point}/sub`)), below, `${kind} ${options.join()} below`);
			}
			// A new mount has no peers, so that it can be nobody's slave.
			const alone = top === "slave" ? "private" : top.replace("slave and ", "");
			t.equal(propagationOf(mountOn(seen.table, `/tmp/new${index}`)), alone, `tmpfs ${options.join()}`);
		}
	},
);

t.test("a mount made in the container reaches the host through rshared only", async (t) => {
	for (const [option, reaches] of [
		["rshared", true],
		["rslave", false],
		["rprivate", false],
	] as const) {
		const container = space.container((config) => {
			config.root.readonly = false;
			config.linux.rootfsPropagation = "shared";
			config.process.capabilities = {
				bounding: ["CAP_SYS_ADMIN"],
				effective: ["CAP_SYS_ADMIN"],
				permitted: ["CAP_SYS_ADMIN"],
			};
			config.mounts.push({ destination: "/tmp/v", source, options: ["rbind", option] });
			config.process.args = [
				"/bin/sh",
				"-c",
				"mkdir -p /tmp/v/made && mount -t tmpfs none /tmp/v/made && echo mounted && sleep 100",
			];
		});
		t.equal(container.create().status, 0);
		t.equal(container.start().status, 0);
		await container.printed("mounted");
		const host = execFileSync("cat", ["/proc/self/mountinfo"], { encoding: "utf8" });
		t.equal(host.includes(` ${source}/made `), reaches, option);
		if (reaches) execFileSync("umount", [join(source, "made")]);
		t.equal(container.delete("--force").status, 0);
	}
});

t.test("a mount made on the host reaches the container through rslave only", async (t) => {
	for (const [option, reaches] of [
		["rslave", true],
		["rprivate", false],
	] as const) {
		mkdirSync(join(source, "later"), { recursive: true });
		const container = space.container((config) => {
			config.root.readonly = false;
			config.linux.rootfsPropagation = "slave";
			config.mounts.push({ destination: "/tmp/v", source, options: ["rbind", option] });
			config.process.args = ["/bin/cat", "/tmp/v/later/file"];
		});
		t.equal(container.create().status, 0);
		execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(source, "later")]);
		writeFileSync(join(source, "later/file"), "of the host\n");
		t.equal(container.start().status, 0);
		await container.stopped();
		t.equal(container.output, reaches ? "of the host\n" : "", option);
		execFileSync("umount", [join(source, "later")]);
		t.equal(container.delete().status, 0);
	}
});

type Setting = "plain" | "in a user namespace" | "without pivot_root";

/** The container's root below a shared mount of the host, as where engines keep it on a host with systemd. */
function onSharedMount(config: Config, bundle: Bundle, setting: Setting): void {
	const rootfs = join(source, `${setting}-${config.linux.rootfsPropagation ?? "unset"}`);
	cpSync(bundle.rootfs, rootfs, { recursive: true, verbatimSymlinks: true });
	mkdirSync(join(rootfs, "later"));
	config.root = { path: rootfs, readonly: false };
	if (setting !== "in a user namespace") return;
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65536 }];
	execFileSync("chown", ["-hR", "100000:100000", rootfs]);
}

interface Case {
	value: string | undefined;
	root: string;
	hears: boolean;
	below: string;
}

async function checkRoot(t: Test, setting: Setting, { value, root, hears, below }: Case): Promise<void> {
	const volume = space.path(`volume-${setting}-${value}`);
	mkdirSync(volume);
	writeFileSync(join(volume, "file"), "bound\n");
	const container = space.container((config, bundle) => {
		if (value !== undefined) config.linux.rootfsPropagation = value;
		onSharedMount(config, bundle, setting);
		config.process.capabilities = {
			bounding: ["CAP_SYS_ADMIN"],
			effective: ["CAP_SYS_ADMIN"],
			permitted: ["CAP_SYS_ADMIN"],
		};
		config.mounts.push({ destination: "/mnt", source: volume, options: ["bind"] });
		config.process.args = [
			"/bin/sh",
			"-c",
			"cat /mnt/file /later/file; mkdir /own; mount -t tmpfs own /own; cat /proc/self/mountinfo; sleep 100",
		];
	});
	const create = container.create(setting === "without pivot_root" ? ["--no-pivot"] : []);
	t.equal(create.status, 0, `${value}: ${create.stderr}`);
	const later = join(container.bundle.config.root.path, "later");
	execFileSync("mount", ["-t", "tmpfs", "tmpfs", later]);
	writeFileSync(join(later, "file"), "heard\n");
	t.equal(container.start().status, 0);
	await container.printed(" /own ");
	const table = container.output;
	t.equal(propagationOf(mountOn(table, "/")), root, `${value}: root`);
	t.equal(propagationOf(mountOn(table, "/proc")), below, `${value}: a mount of the container`);
	t.match(table, /^bound$/m, `${value}: the host's directories can be bound`);
	t.equal(/^heard$/m.test(table), hears, `${value}: the container ${hears ? "sees" : "does not see"} a later mount`);
	const host = execFileSync("cat", ["/proc/self/mountinfo"], { encoding: "utf8" });
	t.notMatch(host, `${container.bundle.config.root.path}/own `, `${value}: nothing of the container is on the host`);
	execFileSync("umount", [later]);
	t.equal(container.delete("--force").status, 0);
}

for (const setting of ["plain", "in a user namespace", "without pivot_root"] as const) {
	t.test(
		`rootfsPropagation: what the root is, whom it hears, whom it tells; ${setting}`,
		{ skip: unlessPeer({ runc: "1.1 leaves the root private", crun: "1.8 has it another way" }) },
		async (t) => {
			const cases: Case[] = [
				{ value: undefined, root: "slave", hears: true, below: "private" },
				{ value: "", root: "slave", hears: true, below: "private" },
				{ value: "private", root: "private", hears: false, below: "private" },
				{ value: "rprivate", root: "private", hears: false, below: "private" },
				{ value: "slave", root: "slave", hears: true, below: "private" },
				{ value: "rslave", root: "slave", hears: true, below: "private" },
				{ value: "shared", root: "shared", hears: false, below: "private" },
				{ value: "rshared", root: "shared", hears: false, below: "shared" },
				{ value: "unbindable", root: "unbindable", hears: false, below: "private" },
				{ value: "runbindable", root: "unbindable", hears: false, below: "unbindable" },
			];
			for (const each of cases) await checkRoot(t, setting, each);
		},
	);
}

t.test("on a host whose root is shared, as systemd makes it, nothing of the container arrives there", async (t) => {
	const keep = space.path("host-mounts");
	for (const args of [[], ["--no-pivot"]]) {
		for (const value of ["shared", "rshared", "slave", "unbindable"]) {
			const container = space.container((config, bundle) => {
				config.linux.rootfsPropagation = value;
				// On a mount of its own, so that the root of the host is not its parent.
				config.root.path = join(source, `host${args.length}-${value}`);
				cpSync(bundle.rootfs, config.root.path, { recursive: true, verbatimSymlinks: true });
				config.process.args = ["/bin/cat", "/proc/self/mountinfo"];
			});
			// A mount namespace with a shared root is the host here, as that of this machine may have a private one.
			const script = `cat /proc/self/mountinfo > ${keep}.0; "$@"; status=$?; cat /proc/self/mountinfo > ${keep}.1; exit $status`;
			const result = container.create(args, {
				shell: `exec unshare -m --propagation shared sh -c '${script}' sh "$@";`,
			});
			const what = `${value} ${args}`;
			t.equal(result.status, 0, `${what}: ${result.stderr}`);
			const [before, after] = ["0", "1"].map((name) => readFileSync(`${keep}.${name}`, "utf8"));
			t.equal(propagationOf(mountOn(before ?? "", "/")), "shared");
			t.equal(after, before, what);
			t.equal(container.start().status, 0);
			await container.stopped();
			t.match(container.output, / \/proc /, what);
			t.equal(container.delete().status, 0);
		}
	}
});

t.test(
	"--no-pivot looks at the mounts of its own mount namespace, not at those of the host's first process",
	async (t) => {
		const container = space.container((config) => {
			config.process.args = ["/bin/echo", "works"];
			config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
		});
		// Without the host's sysfs, which --no-pivot takes away otherwise.
		const result = container.run(["--no-pivot"], {
			shell: `exec unshare -m sh -c 'umount -l /sys && "$@"' sh "$@";`,
			globals: ["--cgroup-manager", "disabled"],
		});
		t.equal(result.status, 0, result.stderr);
		t.match(result.stdout, "works");
	},
);

t.test("another word for rootfsPropagation is refused", async (t) => {
	const result = space
		.container((config) => {
			config.linux.rootfsPropagation = "public";
		})
		.create();
	t.ok(failed(result));
	t.match(result.stderr, /rootfsPropagation/);
});

t.test("the host's own mount is as it was", async (t) => {
	const host = execFileSync("cat", ["/proc/self/mountinfo"], { encoding: "utf8" });
	t.equal(propagationOf(mountOn(host, source)), "shared");
	execFileSync("umount", ["-R", source]);
});

nothingLeft(t, space);
