/** Devices, mounts and namespaces of the host, for an ordinary user who has nothing but the own id. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { mountOn, parseMountinfo } from "../support/mountinfo.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const uid = 61_235;
const caller = new Caller(space, uid);

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

t.test("linux.devices are the host's, and must be those", async (t) => {
	const seen = caller.inside(
		(config) => {
			config.linux.devices = [
				{ path: "/dev/full", type: "c", major: 1, minor: 7 },
				{ path: "/dev/pipe", type: "p", fileMode: 0o600 },
			];
		},
		{ full: "stat -c %t:%T /dev/full", write: "echo > /dev/full", pipe: "stat -c '%F %a' /dev/pipe" },
	);
	t.equal(seen.full, "1:7");
	t.match(seen.write, /No space left/);
	t.equal(seen.pipe, "fifo 600");
	const wrong = caller.container((config) => {
		config.linux.devices = [{ path: "/dev/full", type: "c", major: 1, minor: 3 }];
	});
	t.match(wrong.create(), {
		status: 1,
		stderr: /\/dev\/full.*no such device or address \(config.json#\/linux\/devices\/0\)/s,
	});
	const missing = caller.container((config) => {
		config.linux.devices = [{ path: "/dev/none", type: "c", major: 1, minor: 3 }];
	});
	t.match(missing.create(), { status: 1, stderr: /hint: .*the host has no \/dev\/none/s });
});

t.test("a network namespace that is the host's: /sys is the host's too, read-only as a whole", async (t) => {
	const share = (config: Config): void => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
	};
	const seen = caller.inside(share, { table: "cat /proc/self/mountinfo", net: "ls /sys/class/net" });
	const below = parseMountinfo(seen.table).filter(({ point }) => point === "/sys" || point.startsWith("/sys/"));
	t.ok(below.length > 1, "with what the host has mounted below");
	for (const mount of below.filter(({ type }) => type !== "tmpfs"))
		t.ok(mount.options.includes("ro"), `${mount.point} is read-only`);
	for (const option of ["ro", "nosuid", "nodev", "noexec"]) t.ok(below[0]?.options.includes(option), option);
	t.same(seen.net.split("\n"), readdirSync("/sys/class/net"));
});

t.test("an ipc namespace that is the host's: its message queues, if the host has them mounted", async (t) => {
	const share = (config: Config): void => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "ipc");
	};
	if (!existsSync("/dev/mqueue")) {
		const result = caller.container(share).create();
		t.equal(result.status, 1);
		t.match(result.stderr, /the host has nothing at \/dev\/mqueue/);
		return;
	}
	const seen = caller.inside(share, { table: "cat /proc/self/mountinfo" });
	t.ok(mountOn(seen.table, "/dev/mqueue"));
});

t.test("a pid namespace that is the host's: proc can't be mounted, and that is said", async (t) => {
	const result = caller
		.container((config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		})
		.create();
	t.match(result, { status: 1, stderr: /operation not permitted \(config.json#\/mounts\/0\)\s+hint: .*pid namespace/ });
});

t.test("a bind mount keeps the flags that its user namespace locks", async (t) => {
	const source = space.path("locked");
	mkdirSync(source);
	execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,nodev,noexec,mode=755", "tmpfs", source]);
	t.teardown(() => execFileSync("umount", [source]));
	writeFileSync(join(source, "file"), "");
	const binding = (options: string[]) => (config: Config) => {
		config.mounts.push({ destination: "/tmp", source, options });
	};
	const options = (words: string[]): string[] => {
		const { table } = caller.inside(binding(words), { table: "cat /proc/self/mountinfo" });
		return mountOn(table, "/tmp").options;
	};
	const locked = ["nosuid", "nodev", "noexec"];
	t.same(
		locked.filter((flag) => options(["rbind"]).includes(flag)),
		locked,
	);
	const readonly = options(["rbind", "ro"]);
	t.same(
		[...locked, "ro"].filter((flag) => readonly.includes(flag)),
		[...locked, "ro"],
	);
	t.ok(options(["rbind", "rw"]).includes("rw"), "nothing locks this one");
	for (const cleared of ["suid", "dev", "exec"]) {
		const result = caller.container(binding(["rbind", cleared])).create();
		t.equal(result.status, 1, cleared);
		t.match(result.stderr, /operation not permitted \(config.json#\/mounts\/\d+\)\s+hint: .*can't be cleared/);
	}
});

t.test("a remount keeps them, too", async (t) => {
	const seen = caller.inside(
		(config) => {
			config.mounts.push({ destination: "/dev/shm", source: "shm", options: ["remount", "bind", "ro"] });
		},
		{ table: "cat /proc/self/mountinfo" },
	);
	const { options } = mountOn(seen.table, "/dev/shm");
	for (const flag of ["ro", "nosuid", "nodev", "noexec"]) t.ok(options.includes(flag), flag);
});

t.test("no state of the user is left", async (t) => {
	t.same(caller.states, []);
});

nothingLeft(t, space);
