/** Called by an ordinary user, who has nothing but the own id. */
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
import { mountOn } from "../support/mountinfo.js";
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

t.test("no state of the user is left", async (t) => {
	t.same(caller.states, []);
});

nothingLeft(t, space);
