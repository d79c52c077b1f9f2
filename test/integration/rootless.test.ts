/** Called by an ordinary user, who has nothing but the own id. */
import { execFileSync } from "node:child_process";
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { hostMounts } from "../support/leaks.js";
import { mountOn, parseMountinfo } from "../support/mountinfo.js";
import { failed, onNode, oursOnly } from "../support/runtime.js";
import { Terminal } from "../support/terminal.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const uid = 61_234;
const caller = new Caller(space, uid);

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

t.test("one id: maps, identity, capabilities, devices, mounts", async (t) => {
	const seen = caller.inside(() => {}, {
		uid: "cat /proc/self/uid_map",
		gid: "cat /proc/self/gid_map",
		setgroups: "cat /proc/self/setgroups",
		id: "id -u; id -g",
		caps: "grep CapEff /proc/self/status",
		table: "cat /proc/self/mountinfo",
		devices: "stat -c '%n %F %t:%T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty",
		null: "echo x > /dev/null && head -c 2 /dev/zero | od -An -tx1",
		mknod: "mknod /dev/mine c 1 3",
		owner: "touch /dev/shm/mine; stat -c '%u:%g' /dev/shm/mine / /bin/busybox",
		chown: "chown 1 /dev/shm/mine",
		name: "hostname",
		processes: "ls -d /proc/[0-9]* | wc -l",
		masked: "cat /proc/keys /proc/timer_list; ls -A /sys/firmware",
		readonly: "echo 1 > /proc/sys/net/ipv4/ip_forward",
		newPrivileges: "grep NoNewPrivs /proc/self/status",
	});
	t.same(seen.uid.split(/\s+/), ["0", `${uid}`, "1"]);
	t.same(seen.gid.split(/\s+/), ["0", `${uid}`, "1"]);
	t.equal(seen.setgroups, "deny");
	t.equal(seen.id, "0\n0");
	t.match(seen.caps, /CapEff:\t00000000080405eb$/, "exactly those that the configuration gives");
	t.same(
		seen.devices.split("\n").map((line) => line.split(" character special file ").join(" ")),
		["/dev/null 1:3", "/dev/zero 1:5", "/dev/full 1:7", "/dev/random 1:8", "/dev/urandom 1:9", "/dev/tty 5:0"],
	);
	t.equal(seen.null, "00 00");
	t.match(seen.mknod, /not permitted/);
	t.same(seen.owner.split("\n"), ["0:0", "0:0", "65534:65534"], "the user's are root's, the host root's nobody's");
	t.match(seen.chown, /Invalid argument/, "no other id is there");
	t.equal(mountOn(seen.table, "/proc").type, "proc");
	t.equal(mountOn(seen.table, "/sys").type, "sysfs", "the network namespace is its own");
	t.equal(mountOn(seen.table, "/dev/null").type, "devtmpfs", "bound");
	t.equal(mountOn(seen.table, "/dev/pts").type, "devpts");
	t.equal(mountOn(seen.table, "/").options.includes("ro"), true);
	t.equal(seen.name, "box");
	t.ok(Number(seen.processes) < 6);
	t.equal(seen.masked, "");
	t.match(seen.readonly, /Read-only/);
	t.match(seen.newPrivileges, /1$/);
});

t.test("spec --rootless gives a bundle that runs", async (t) => {
	const container = caller.container();
	const { path } = container.bundle;
	rmSync(join(path, "config.json"));
	const { status, stderr } = caller.runtime.command(["spec", "--rootless", "--bundle", path]);
	t.equal(status, 0, stderr);
	t.equal(statSync(join(path, "config.json")).uid, uid);
	const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8")) as Config;
	config.process.terminal = false;
	config.process.args = ["/bin/sh", "-c", "cat /proc/self/uid_map; hostname; ls /sys/class/net"];
	writeFileSync(join(path, "config.json"), JSON.stringify(config));
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.same(result.stdout.trim().split(/\s+/).slice(0, 4), ["0", `${uid}`, "1", "runtime-ts"]);
	t.match(result.stdout, /^lo$/m, "the host's /sys");
});

t.test("… as it is, on a terminal", async (t) => {
	const container = caller.container();
	const { path } = container.bundle;
	rmSync(join(path, "config.json"));
	t.equal(caller.runtime.command(["spec", "--rootless", "--bundle", path]).status, 0);
	const terminal = new Terminal(["run", ...container.runtime.argv(["run", "--bundle", path, container.id], [])]);
	await terminal.shows(/# /);
	terminal.write("id -u; tty; cat /proc/self/cgroup | wc -l; exit 3\r");
	t.equal((await terminal.ended()).status, 3, terminal.output);
	t.match(terminal.output, /\r\n0\r\n\/dev\/(pts\/0|console)\r\n/);
});

t.test("every command, in the user's own state root", async (t) => {
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const create = container.create(["--pid-file", join(caller.directory, "pid")]);
	t.equal(create.status, 0, create.stderr);
	const root = join(caller.runtimeDirectory, "runtime-ts");
	const { mode, uid: owner } = statSync(root);
	t.equal(owner, uid);
	t.equal(mode & 0o7777, 0o1700, "sticky, or it would be cleaned up (XDG base directory specification)");
	t.same(caller.states, [container.id]);
	t.equal(container.state().status, "created");
	t.equal(container.start().status, 0);
	const state = container.state();
	t.equal(state.status, "running");
	t.equal(readFileSync(join(caller.directory, "pid"), "utf8"), String(state.pid));
	t.equal(statSync(`/proc/${state.pid}`).uid, uid);
	const record = JSON.parse(readFileSync(join(root, container.id, "state.json"), "utf8"));
	t.match(record, { rootless: true, cgroup_paths: {} });
	const listed = JSON.parse(caller.runtime.command(["list", "--format", "json"]).stdout);
	t.match(listed, [{ id: container.id, pid: state.pid, status: "running", owner: `#${uid}` }]);
	t.equal(container.kill("TERM").status, 0);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	const forced = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(forced.create().status, 0);
	t.equal(forced.start().status, 0);
	t.equal(forced.delete("--force").status, 0);
	t.same(caller.states, []);
});

t.test("two users are not in each other's way", async (t) => {
	const other = new Caller(space, uid + 1);
	const mine = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(mine.create().status, 0);
	const { id } = mine;
	t.equal(other.runtime.command(["list", "--quiet"]).stdout, "");
	t.match(other.runtime.command(["kill", id, "KILL"]), { status: 1, stderr: /container does not exist/ });
	const root = join(caller.runtimeDirectory, "runtime-ts");
	t.match(other.runtime.command(["--root", root, "delete", "--force", id]), { status: 1, stderr: /permission denied/ });
	// The same name again.
	const theirs = other.container((config) => {
		config.process.args = ["/bin/true"];
	});
	const result = other.runtime.command(["run", "--bundle", theirs.bundle.path, id]);
	t.equal(result.status, 0, result.stderr);
	t.equal(mine.state().status, "created");
	t.equal(mine.delete("--force").status, 0);
	t.same(other.states, []);
});

const noUnpacking = onNode && "Node loads the native part from the package";

t.test(
	"the native part is unpacked once, in a directory that only the user can write",
	{ skip: noUnpacking },
	async (t) => {
		const user = new Caller(space, uid + 2);
		const library = join(user.runtimeDirectory, "runtime-ts.lib");
		t.equal(user.runtime.command(["list"]).status, 0);
		const { mode, uid: owner } = statSync(library);
		t.equal(mode & 0o7777, 0o700);
		t.equal(owner, user.uid);
		const [name = ""] = readdirSync(library);
		t.match(name, /^[0-9a-f]{64}\.node$/);
		const before = statSync(join(library, name)).ino;
		t.equal(user.runtime.command(["list"]).status, 0);
		t.equal(statSync(join(library, name)).ino, before, "found again");

		// `su` keeps XDG_RUNTIME_DIR, and then it is somebody else's, who may have put anything there.
		chmodSync(user.runtimeDirectory, 0o755);
		chmodSync(user.directory, 0o755);
		chmodSync(library, 0o755);
		writeFileSync(join(library, name), "not a library");
		const victim = new Caller(space, uid + 3, { runtimeDirectory: false });
		const { status, stderr } = victim.runtime.command(["features"], {
			env: { XDG_RUNTIME_DIR: user.runtimeDirectory },
		});
		t.equal(status, 0, stderr);
	},
);

t.test("without XDG_RUNTIME_DIR: what to do", async (t) => {
	const user = new Caller(space, uid + 4, { runtimeDirectory: false });
	const container = user.container();
	const result = container.run();
	t.equal(result.status, 1);
	t.match(result.stderr, /permission denied/);
	t.match(result.stderr, /hint: set XDG_RUNTIME_DIR, or name a directory of your own with --root/);
	const list = user.runtime.command(["list"]);
	// Nobody may have made it yet; then it is empty.
	if (existsSync("/run/runtime-ts"))
		t.match(list, { status: 1, stderr: /permission denied\s+hint: set XDG_RUNTIME_DIR/ });
	else t.equal(list.status, 0);
	const root = join(user.directory, "states");
	const named = user.runtime.command(["--root", root, "run", "--bundle", container.bundle.path, container.id]);
	t.equal(named.status, 0, named.stderr);
	t.same(readdirSync(root), []);
});

t.test("without a user namespace: which value to change", async (t) => {
	const result = caller
		.container((config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
			delete config.linux.uidMappings;
			delete config.linux.gidMappings;
		})
		.create();
	t.ok(failed(result));
	t.match(result.stderr, /rootless container requires user namespaces/);
	t.match(result.stderr, /spec --rootless/);
});

t.test("root need not be mapped", async (t) => {
	const seen = caller.inside(
		(config) => {
			config.linux.uidMappings = [{ containerID: 1000, hostID: uid, size: 1 }];
			config.linux.gidMappings = [{ containerID: 100, hostID: uid, size: 1 }];
			config.process.user = { uid: 1000, gid: 100 };
		},
		{
			id: "id -u; id -g",
			owner: "touch /dev/shm/x; stat -c %u:%g /dev/shm/x /dev",
			null: "echo > /dev/null && echo works",
		},
	);
	t.equal(seen.id, "1000\n100");
	t.same(seen.owner.split("\n"), ["1000:100", "1000:100"]);
	t.equal(seen.null, "works");
});

t.test("ids of somebody else, groups: refused", async (t) => {
	const mapped = caller.container((config) => {
		config.linux.uidMappings = [{ containerID: 0, hostID: uid + 1, size: 1 }];
	});
	const create = mapped.create();
	t.equal(create.status, 1);
	t.match(create.stderr, /error mapping users: .*newuidmap: .*linux\/uidMappings/s);
	const groups = caller
		.container((config) => {
			config.process.user.additionalGids = [0];
		})
		.create();
	t.equal(groups.status, 1);
	t.match(groups.stderr, /cannot set any additional groups in a rootless container/);
});

t.test("what takes CAP_SYS_RESOURCE on the host: done where the kernel lets, refused by name where not", async (t) => {
	const score = Number(readFileSync("/proc/self/oom_score_adj", "utf8"));
	const seen = caller.inside(
		(config) => {
			config.process.oomScoreAdj = Math.min(1000, score + 100);
			config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 64, hard: 128 }];
		},
		{ score: "cat /proc/self/oom_score_adj", limits: "ulimit -Sn; ulimit -Hn" },
	);
	t.equal(seen.score, String(Math.min(1000, score + 100)));
	t.equal(seen.limits, "64\n128");
	const lower = caller.container((config) => {
		config.process.oomScoreAdj = -1000;
	});
	t.match(lower.create(), { status: 1, stderr: /permission denied \(config.json#\/process\/oomScoreAdj\)/ });
	const higher = caller.container((config) => {
		config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 2 ** 30, hard: 2 ** 30 }];
	});
	t.match(higher.create(), { status: 1, stderr: /operation not permitted \(config.json#\/process\/rlimits\/0\)/ });
	t.same(caller.states, []);
});

t.test("a session keyring of its own", async (t) => {
	const container = caller.container((config) => {
		config.linux.maskedPaths = [];
		config.process.args = ["/bin/cat", "/proc/keys"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, `_ses.${container.id}`);
});

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

t.test("a terminal", async (t) => {
	const container = caller.container((config) => {
		config.process.terminal = true;
		config.process.args = [
			"/bin/sh",
			"-c",
			"tty; stat -c '%u %F' /dev/console; stat -c '%u' /proc/self/fd/0; echo > /dev/tty",
		];
	});
	const { runtime, bundle, id } = container;
	const terminal = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
	const { status } = await terminal.ended();
	t.equal(status, 0, terminal.output);
	t.match(terminal.output, /\/dev\/(pts\/0|console)/);
	t.match(terminal.output, /0 character special file/);
});

t.test("hooks run as the user on the host, as root in the container", async (t) => {
	const log = join(caller.directory, "hooks");
	mkdirSync(log);
	chownSync(log, uid, uid);
	const hook = (name: string, directory: string) => ({
		path: "/bin/sh",
		args: ["sh", "-c", `cat > /dev/null; echo ${name} $(id -u) >> ${directory}/log`],
		env: ["PATH=/usr/bin:/bin"],
	});
	const container = caller.container((config) => {
		config.mounts.push({ destination: "/tmp", source: log, options: ["bind"] });
		config.hooks = {
			createRuntime: [hook("createRuntime", log)],
			createContainer: [hook("createContainer", log)],
			startContainer: [hook("startContainer", "/tmp")],
			poststart: [hook("poststart", log)],
			poststop: [hook("poststop", log)],
		};
		config.process.args = ["/bin/sleep", "0.3"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.same(readFileSync(join(log, "log"), "utf8").trim().split("\n"), [
		`createRuntime ${uid}`,
		"createContainer 0",
		"startContainer 0",
		`poststart ${uid}`,
		`poststop ${uid}`,
	]);
});

t.test("cgroups: its caller's; one that can't be made, or limits that can't, are refused by name", async (t) => {
	const { cgroup } = caller.inside(() => {}, { cgroup: "cat /proc/self/cgroup" });
	t.equal(cgroup, readFileSync("/proc/self/cgroup", "utf8").trim());
	const path = caller
		.container((config) => {
			config.linux.cgroupsPath = `/${space.token}-refused`;
		})
		.create();
	t.equal(path.status, 1);
	t.match(
		path.stderr,
		/unable to apply cgroup configuration: .*permission denied \(config.json#\/linux\/cgroupsPath\)/,
	);
	t.match(path.stderr, /hint: a cgroup can be made only where it was delegated/);
	const limits = caller
		.container((config) => {
			config.linux.resources = { pids: { limit: 10 } };
		})
		.create();
	t.equal(limits.status, 1);
	t.match(limits.stderr, /unable to apply cgroup configuration: .*permission denied/);
	t.match(
		caller.runtime.command(["--rootless", "false", "run", "--bundle", caller.container().bundle.path, "demanded"]),
		{ status: 1, stderr: /unable to apply cgroup configuration/ },
		"--rootless false: not without one",
	);
	t.same(caller.states, []);
});

const hierarchies = hostMounts().filter(({ type }) => type === "cgroup");
const noHierarchy = hierarchies.length === 0 ? "the host has no cgroup v1 hierarchy" : false;

t.test("a delegated cgroup is used, and removed", { skip: noHierarchy }, async (t) => {
	const parent = `/${space.token}-delegated`;
	const directories = hierarchies.map(({ point }) => point + parent);
	for (const directory of directories) {
		mkdirSync(directory);
		for (const file of ["cpuset.cpus", "cpuset.mems"]) {
			if (existsSync(join(directory, file)))
				writeFileSync(join(directory, file), readFileSync(join(directory, "..", file)));
		}
		execFileSync("chown", ["-R", `${uid}:${uid}`, directory]);
	}
	t.teardown(() => {
		for (const directory of directories) execFileSync("rmdir", [directory]);
	});
	const container = caller.container((config) => {
		config.linux.cgroupsPath = `${parent}/c`;
		config.linux.resources = { devices: [{ allow: false, access: "rwm" }], pids: { limit: 12 }, cpu: { shares: 512 } };
		config.process.args = [
			"/bin/sh",
			"-c",
			"cat /proc/self/cgroup /sys/fs/cgroup/pids/pids.max; sleep 1000 & sleep 1000",
		];
	});
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	t.equal(container.start().status, 0);
	await container.printed("\n12\n");
	t.match(container.output, `:pids:${parent}/c\n`);
	t.match(container.output, `:memory:${parent}/c\n`);
	t.equal(caller.runtime.command(["kill", "--all", container.id, "KILL"]).status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	for (const directory of directories) t.notOk(existsSync(`${directory}/c`), directory);
});

t.test("no state of the user is left", async (t) => {
	t.same(caller.states, []);
});

nothingLeft(t, space);
