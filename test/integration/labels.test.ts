/** process.apparmorProfile, process.selinuxLabel, linux.mountLabel: what happens without the module, what is seen inside with it. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Config } from "../support/config.js";
import { program } from "../support/programs.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const parameter = "/sys/module/apparmor/parameters/enabled";
const apparmor = existsSync(parameter) && readFileSync(parameter, "utf8").startsWith("Y");
const selinux = existsSync("/sys/fs/selinux/enforce");
// The guest's SELinux has no policy, so far, and no label is valid without one (test/vm/pack.sh).
const policy = join(import.meta.dirname, "../../build/test/selinux.policy");
if (selinux && process.env.GUEST_USER && existsSync(policy)) {
	writeFileSync("/sys/fs/selinux/load", readFileSync(policy));
}
const withAppArmor = apparmor ? false : "the kernel has no AppArmor, or it is off";
const withSelinux = selinux ? false : "the kernel has no SELinux, or it is off";
const without = (present: boolean, name: string) => (present ? `the kernel has ${name}` : oursOnly);

const label = "system_u:object_r:container_file_t:s0:c1,c2";

function error(edit: (config: Config) => void): string {
	const result = space.container(edit).create();
	t.equal(result.status, 1);
	return result.error;
}

t.test("without AppArmor a profile is refused", { skip: without(apparmor, "AppArmor") }, async (t) => {
	t.match(
		error((config) => {
			config.process.apparmorProfile = "docker-default";
		}),
		/apparmor: config provided but apparmor not supported/,
	);
	const seen = space.inside(
		(config) => {
			config.process.apparmorProfile = "unconfined";
		},
		{ runs: "echo yes" },
	);
	t.equal(seen.runs, "yes", "no confinement is what there is");
});

t.test("without SELinux a process's label is refused", { skip: without(selinux, "SELinux") }, async (t) => {
	t.match(
		error((config) => {
			config.process.selinuxLabel = "system_u:system_r:container_t:s0";
		}),
		/selinux label is specified in config, but selinux is disabled or not supported/,
	);
	const seen = space.inside(
		(config) => {
			config.linux.mountLabel = label;
		},
		{ mounts: "grep -c context= /proc/mounts" },
	);
	t.equal(seen.mounts, "0", "a label for mounts is told, and passed over");
});

t.test("an AppArmor profile confines the program", { skip: withAppArmor }, async (t) => {
	const profile = `rtt-${process.pid}`;
	const text = `profile ${profile} flags=(attach_disconnected,mediate_deleted) { file, deny /etc/passwd r, }`;
	execFileSync("apparmor_parser", ["--add"], { input: text });
	t.teardown(() => execFileSync("apparmor_parser", ["--remove"], { input: text }));
	for (const noNewPrivileges of [true, false]) {
		const seen = space.inside(
			(config) => {
				config.process.apparmorProfile = profile;
				config.process.noNewPrivileges = noNewPrivileges;
			},
			{ current: "cat /proc/self/attr/current", passwd: "cat /etc/passwd", group: "head -1 /etc/group" },
		);
		t.equal(seen.current, `${profile} (enforce)`);
		t.match(seen.passwd, /Permission denied/);
		t.equal(seen.group, "root:x:0:");
	}
	// Podman hides /sys/kernel from a container with a user namespace; runc and crun don't look there.
	const container = space.container((config) => {
		config.process.apparmorProfile = profile;
		config.process.args = ["/bin/cat", "/proc/self/attr/current"];
	});
	const hide = "umount --lazy /sys/kernel/security";
	const shell = `exec unshare --mount sh -c '${hide} && exec "$@"' sh "$@";`;
	t.equal(container.run([], { shell }).stdout, `${profile} (enforce)\n`, "where securityfs is hidden, too");
	t.match(
		error((config) => {
			config.process.apparmorProfile = `${profile}-missing`;
		}),
		/unable to apply apparmor profile: .*no such file or directory \(config\.json#\/process\/apparmorProfile\)/,
	);
});

t.test("SELinux labels of the process and of the mounts", { skip: withSelinux }, async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			copyFileSync(program("kernel"), join(bundle.rootfs, "bin/kernel"));
			config.process.selinuxLabel = "system_u:system_r:container_t:s0:c1,c2";
			config.linux.mountLabel = label;
		},
		{
			// The kernel ends it with a NUL and no newline.
			process: "tr '\\0' '\\n' < /proc/self/attr/current",
			dev: "kernel label /dev",
			shm: "kernel label /dev/shm",
			mqueue: "kernel label /dev/mqueue",
			masked: "kernel label /sys/firmware",
			keyring: "cat /proc/self/attr/keycreate",
		},
	);
	t.equal(seen.process, "system_u:system_r:container_t:s0:c1,c2");
	for (const found of [seen.dev, seen.shm, seen.mqueue, seen.masked]) t.equal(found, label);
	t.equal(seen.keyring, "", "the label for new keys ends with exec");
	t.match(
		error((config) => {
			config.process.selinuxLabel = "system_u:system_r:nobody_knows_t:s0";
		}),
		/invalid argument \(config\.json#\/process\/selinuxLabel\)/,
	);
	t.match(
		error((config) => {
			config.linux.mountLabel = "system_u:object_r:nobody_knows_t:s0";
		}),
		/invalid argument \(config\.json#\/mounts\/\d+\)/,
	);
});

nothingLeft(t, space);
