/** Bundles with a busybox rootfs. */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defaultConfig, toJson } from "./config.js";
import { program } from "./programs.js";

const applets = (
	"[ ash awk basename cat chmod chown cut date dd df echo env expr false find grep head hostname id ifconfig ip kill " +
	"ln ls mkdir mkfifo mknod mount mv nc nproc od printf ps pwd readlink realpath rm rmdir sed seq setsid sh sleep " +
	"sort stat stty sync tail tee test timeout touch tr true tty umount uname unshare usleep wc which xargs"
).split(" ");

const directories = ["bin", "dev", "etc", "home", "proc", "sys", "tmp", "usr/bin", "usr/local/bin", "var"];

export interface Bundle {
	path: string;
	rootfs: string;
	config: Config;
}

/** Programs are hard links to one copy per test file: quick, and the host's busybox cannot be written through them. */
export function makeRootfs(rootfs: string, programs: string): void {
	for (const directory of directories) mkdirSync(join(rootfs, directory), { recursive: true });
	if (!existsSync(join(programs, "busybox"))) {
		mkdirSync(programs, { recursive: true });
		copyFileSync("/bin/busybox", join(programs, "busybox"));
		chmodSync(join(programs, "busybox"), 0o755);
		copyFileSync(program("probe"), join(programs, "probe"));
	}
	for (const name of ["busybox", "probe"]) linkSync(join(programs, name), join(rootfs, "bin", name));
	for (const applet of applets) symlinkSync("busybox", join(rootfs, "bin", applet));
	writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n");
	writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nuser:x:1000:\n");
	chmodSync(join(rootfs, "tmp"), 0o1777);
}

/** Changes the default config, or prepares files in the bundle; runs before config.json is written. */
export type Edit = (config: Config, bundle: Bundle) => void;

export function makeBundle(path: string, id: string, programs: string, edit: Edit): Bundle {
	const bundle: Bundle = { path, rootfs: join(path, "rootfs"), config: defaultConfig(id) };
	mkdirSync(bundle.rootfs, { recursive: true });
	makeRootfs(bundle.rootfs, programs);
	edit(bundle.config, bundle);
	writeConfig(bundle);
	return bundle;
}

export function writeConfig(bundle: Bundle): void {
	writeFileSync(join(bundle.path, "config.json"), toJson(bundle.config));
}
