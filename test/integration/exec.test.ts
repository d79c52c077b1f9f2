/** exec: what its process sees, each option, its exit status, and what is refused. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { capabilityBits } from "../support/capabilities.js";
import { ask, end, exec, sleeping, start } from "../support/exec.js";
import { program } from "../support/programs.js";
import { finished, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
/** crun has words of its own for most errors. */
const words = runtimeName !== "crun";

const shared = sleeping(space, (config) => {
	config.process.env = ["PATH=/bin", "FROM=container", "HOME="];
	config.process.user = { uid: 0, gid: 0, umask: 0o27 };
	config.process.noNewPrivileges = true;
	config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }];
	config.process.capabilities = {
		bounding: ["CAP_KILL", "CAP_CHOWN"],
		effective: ["CAP_KILL"],
		permitted: ["CAP_KILL"],
		inheritable: ["CAP_KILL"],
		ambient: [],
	};
});

t.test("in the container's namespaces and cgroups, with nothing of the caller's", async (t) => {
	const { pid } = shared.state();
	const links = "for n in mnt pid net ipc uts cgroup user; do readlink /proc/self/ns/$n; done";
	t.equal(ask(shared, links), ask(shared, links.replaceAll("self", "1")), "as the container's first process");
	t.equal(ask(shared, "grep -v ^0:: /proc/self/cgroup"), ask(shared, "grep -v ^0:: /proc/1/cgroup"));
	t.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), shared.id);
	t.equal(ask(shared, "ls /proc/self/fd | wc -l"), "4", "0, 1, 2 and the directory");
	t.match(ask(shared, "cat /proc/1/cmdline"), /^\/bin\/sleep/);
	t.equal(ask(shared, "cut -d' ' -f6 /proc/self/stat; echo $$").split("\n").length, 2);
});

t.test("what no option says is as for the container's process", async (t) => {
	t.equal(ask(shared, "echo $FROM $HOME; umask; pwd"), "container /\n0027\n/");
	t.equal(ask(shared, "ulimit -Sn; ulimit -Hn"), "100\n200");
	const status = ask(shared, "cat /proc/self/status");
	t.equal(capabilityBits(status, "Bnd"), (1n << 5n) | 1n);
	t.equal(capabilityBits(status, "Eff"), 1n << 5n);
	t.equal(capabilityBits(status, "Inh"), 1n << 5n);
	t.match(status, /NoNewPrivs:\t1/);
	t.match(status, /Groups:\t *\n/);
});

t.test("options of the process", async (t) => {
	t.equal(ask(shared, "pwd", "--cwd /usr/bin"), "/usr/bin");
	t.equal(ask(shared, "echo $A $B $FROM", "-e A=1 --env B=2 -e FROM=caller"), "1 2 caller");
	t.equal(ask(shared, "id -u; id -g; id -G", "-u 1000:1001 -g 5 --additional-gids 6"), "1000\n1001\n1001 5 6");
	t.equal(ask(shared, "id -u; id -g", "--user 1000"), "1000\n0");
	t.equal(ask(shared, "echo $HOME", "--user 1000"), "/home", "of that user, by its number");
	t.match(ask(shared, "grep NoNewPrivs /proc/self/status", "--no-new-privs=false"), /0$/);
	const status = ask(shared, "cat /proc/self/status", "--cap CAP_CHOWN");
	t.equal(capabilityBits(status, "Eff"), (1n << 5n) | 1n);
	t.equal(capabilityBits(status, "Inh"), 1n << 5n, "not inheritable (CVE-2022-29162)");
	t.equal(capabilityBits(status, "Amb"), 0n);
});

t.test("a user has no capability that is not ambient, and no way back", async (t) => {
	const status = ask(shared, "cat /proc/self/status", "--user 1000:1000");
	t.equal(capabilityBits(status, "Eff"), 0n);
	t.equal(capabilityBits(status, "Prm"), 0n);
	t.match(status, /Uid:\t1000\t1000\t1000\t1000/);
	t.match(status, /Gid:\t1000\t1000\t1000\t1000/);
});

t.test("exit status: the program's, 128 and its signal, 255 when it can't be started", async (t) => {
	t.equal(exec(shared, "", "true").status, 0);
	t.equal(exec(shared, "", ["sh", "-c", "exit 7"]).status, 7);
	t.equal(exec(shared, "", ["sh", "-c", "kill -TERM $$"]).status, 143);
	t.equal(exec(shared, "", ["sh", "-c", "kill -KILL $$"]).status, 137);
	const missing = exec(shared, "", "nosuch");
	t.equal(missing.status, 255);
	if (words) {
		const message =
			'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH';
		t.equal(missing.error, message);
		t.match(missing.stderr, message);
	}
	const absolute = exec(shared, "", "/no/such");
	t.equal(absolute.status, 255);
	if (words) t.match(absolute.error, 'exec: "/no/such": stat /no/such: no such file or directory');
	const directory = exec(shared, "", "/etc");
	t.equal(directory.status, 255);
	if (words) t.match(directory.error, 'exec: "/etc": permission denied');
});

t.test("standard streams", async (t) => {
	t.equal(exec(shared, "", "cat", { input: "through" }).stdout, "through");
	t.equal(exec(shared, "", ["sh", "-c", "echo err >&2"]).stderr, "err\n");
});

t.test("errors of the command line and of the container", { skip: unlessPeer({ crun: "words" }) }, async (t) => {
	const refusals: [string, string, RegExp][] = [
		["--cwd /nosuch", "true", /chdir to cwd \("\/nosuch"\) set in config.json failed: no such file or directory/],
		["--cwd relative", "true", /Cwd must be an absolute path/],
		["--user root", "true", /bad uid/],
		["--user 1:wheel", "true", /bad gid/],
		["--env NAME", "true", /invalid environment variable: "NAME"/],
		["", "", /exec args cannot be empty/],
	];
	for (const [options, command, message] of refusals) {
		const result = exec(shared, options, command);
		t.equal(result.status, 255, `${options} ${command}`);
		t.match(result.error, message);
		t.match(result.error, /^exec failed: /);
	}
	const unknown = shared.runtime.command(["exec", "nosuch", "true"]);
	t.equal(unknown.status, 255);
	t.equal(unknown.error, "exec failed: container does not exist");
});

t.test("errors that are ours", { skip: oursOnly }, async (t) => {
	const refusals: [string, string, RegExp][] = [
		["--user 4294967295", "true", /bad uid/],
		["--env =value", "true", /invalid environment variable: "=value"/],
		["--cap CAP_NOSUCH", "true", /unknown capability "CAP_NOSUCH"/],
		["--apparmor profile", "true", /apparmor/],
		["--process-label label", "true", /selinux/],
		["--cgroup ../..", "true", /bad sub cgroup path/],
		["--cgroup nosuch:/", "true", /the container has no cgroup of controller nosuch/],
		["--cgroup a --cgroup b", "true", /missing <controller>: prefix/],
		["--cgroup memory:/nosuch", "true", /no such file or directory/],
		["--console-socket /nosuch", "true", /cannot use console socket if runc will not detach or allocate tty/],
		["--detach --tty", "true", /cannot allocate tty if runc will detach without setting console socket/],
		["--detach --tty --console-socket /nosuch", "true", /unable to hand the console to \/nosuch/],
		["--pidfd-socket /nosuch", "true", /unable to hand the pidfd to \/nosuch/],
		["--pid-file /nosuch/file", "true", /unable to write pid file/],
		["--preserve-fds 3", "true", /unable to stat preserved-fd/],
	];
	for (const [options, command, message] of refusals) {
		const result = exec(shared, options, command);
		t.equal(result.status, 255, `${options} ${command}`);
		t.match(result.error, message);
	}
	t.match(exec(shared, "--user 4294967294", "id -u").stdout, "4294967294");
	t.match(exec(shared, "--detach --tty", "true").stderr, /\nhint: give --console-socket, or leave out --tty\n/);
	t.match(exec(shared, "--detach --console-socket /nosuch", "true").stderr, /\nhint: add --tty\n/);
});

t.test("--process", async (t) => {
	const file = space.path("process.json");
	const write = (process: object): void => writeFileSync(file, JSON.stringify(process));
	write({
		args: ["sh", "-c", "echo $A; id -u; pwd; grep NoNewPrivs /proc/self/status"],
		cwd: "/usr",
		env: ["A=file", "PATH=/bin"],
		user: { uid: 1000, gid: 1000 },
	});
	t.equal(exec(shared, ["--process", file], "").stdout, "file\n1000\n/usr\nNoNewPrivs:\t0\n");
	t.equal(exec(shared, ["-p", file], "").status, 0);
	write({ args: ["nosuch"], cwd: "/", env: ["PATH=/bin"] });
	t.equal(exec(shared, ["--process", file], "").status, 255);
});

t.test("--process: every error at once, with its place", { skip: oursOnly }, async (t) => {
	const file = space.path("bad.json");
	writeFileSync(file, '{\n"args": [],\n"cwd": "usr",\n"user": {"uid": -1, "gid": 0}}\n');
	const result = exec(shared, ["--process", file], "");
	t.equal(result.status, 255);
	t.match(result.error, /^exec failed: process\.json has 3 errors/);
	t.match(result.error, /process\.json#\/args: args must not be empty.*\(line 2, column 9\)/);
	t.match(result.error, /process\.json#\/cwd: Cwd must be an absolute path; found "usr" \(line 3, column 8\)/);
	t.match(result.error, /process\.json#\/user\/uid: .*\(line 4, column 17\)/);
	writeFileSync(file, "{");
	t.match(exec(shared, ["--process", file], "").error, /^exec failed: process\.json: /);
	t.match(exec(shared, ["--process", "/nosuch"], "").error, "exec failed: open /nosuch: no such file or directory");
	writeFileSync(file, JSON.stringify({ args: ["true"], cwd: "/nosuch", env: ["PATH=/bin"] }));
	t.match(exec(shared, ["--process", file], "").stderr, "(process.json#/cwd)", "not one of config.json");
	t.match(exec(shared, ["--process", file], "true").error, /--process names the program/);
});

t.test("config.json is what it was at create, and may be gone", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config) => {
		config.process.env = ["PATH=/bin", "WHEN=created"];
	});
	writeFileSync(`${container.bundle.path}/config.json`, "{}");
	t.equal(ask(container, "echo $WHEN"), "created");
	end(container);
});

t.test("--detach, --pid-file", async (t) => {
	const file = space.path("exec.pid");
	const result = exec(shared, ["--detach", "--pid-file", file], ["sleep", "1000"]);
	t.equal(result.status, 0, result.stderr);
	const pid = Number(readFileSync(file, "utf8"));
	t.match(readFileSync(file, "latin1"), /^\d+$/, "no newline");
	t.equal(readFileSync(`/proc/${pid}/cmdline`, "latin1"), "sleep\x001000\0");
	t.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), shared.id);
	process.kill(pid, "SIGKILL");
});

t.test("a pid file of a process that can't be started does not stay", { skip: oursOnly }, async (t) => {
	const file = space.path("failed.pid");
	t.equal(exec(shared, ["--pid-file", file], "nosuch").status, 255);
	t.throws(() => readFileSync(file), { code: "ENOENT" });
});

t.test("--preserve-fds; other descriptors of the caller stay outside", async (t) => {
	const path = space.path("preserved");
	writeFileSync(path, "passed on");
	const fds = [openSync(path, "r"), openSync("/dev/null", "r")];
	const passed = exec(shared, "--preserve-fds 1", ["sh", "-c", "cat <&3; ls /proc/self/fd | wc -l"], { fds });
	t.equal(passed.stdout, "passed on5\n", passed.stderr);
	const none = exec(shared, "", ["sh", "-c", "ls /proc/self/fd | wc -l"], { fds });
	t.equal(none.stdout, "4\n", none.stderr);
	for (const fd of fds) closeSync(fd);
});

t.test("LISTEN_FDS: the program is told its own pid", { skip: oursOnly }, async (t) => {
	const fd = openSync("/dev/null", "r");
	const command = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $$; readlink /proc/self/fd/3"];
	const { program: words, root } = shared.runtime;
	const line = [...words, "--root", root, "exec", shared.id, ...command].map((word) => `'${word}'`).join(" ");
	const result = spawnSync("/bin/sh", ["-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec ${line}`], {
		stdio: ["ignore", "pipe", "pipe", fd],
		encoding: "utf8",
	});
	const [first = "", second] = result.stdout.split("\n");
	const [count, told, own] = first.split(" ");
	t.equal(count, "1", result.stderr);
	t.equal(told, own);
	t.equal(second, "/dev/null");
	closeSync(fd);
});

t.test("--pidfd-socket", { skip: unlessPeer({ runc: "1.1 has none", crun: "1.8 has none" }) }, async (t) => {
	const path = space.path("pidfd.sock");
	const file = space.path("pidfd.pid");
	const listener = spawn(program("pidfd"), [path], { stdio: ["ignore", "pipe", "inherit"] });
	let said = "";
	listener.stdout?.on("data", (data: Buffer) => {
		said += data.toString();
	});
	await eventually(() => existsSync(path), "somebody listens");
	const result = exec(shared, ["--detach", "--pid-file", file, "--pidfd-socket", path], "sleep 1000");
	t.equal(result.status, 0, result.stderr);
	const pid = Number(readFileSync(file, "utf8"));
	await eventually(() => said.includes("pid "), "the pidfd comes");
	t.equal(said, `word setns\npid ${pid}\n`);
	process.kill(pid, "SIGKILL");
	await eventually(() => said.includes("ended"), "its end is seen");
});

t.test("signals reach the program", async (t) => {
	const script = "trap 'echo usr1; exit 5' USR1; echo ready; while :; do usleep 10000; done";
	const child = shared.runtime.spawn(["exec", shared.id, "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
	let output = "";
	child.stdout?.on("data", (data: Buffer) => {
		output += data.toString();
	});
	await eventually(() => output.includes("ready"), "the program is ready");
	child.kill("SIGUSR1");
	t.equal(await finished(child), 5);
	t.match(output, "usr1");
});

t.test("a created container", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	t.equal(ask(container, "echo in; pwd"), "in\n/");
	t.equal(container.state().status, "created");
	t.equal(container.start().status, 0);
	t.equal(ask(container, "echo in"), "in");
	end(container);
});

t.test("a stopped container", async (t) => {
	const container = sleeping(space);
	container.kill("KILL");
	await container.stopped();
	const result = exec(container, "", "true");
	t.equal(result.status, 255);
	if (words) t.equal(result.error, "exec failed: cannot exec in a stopped container");
	end(container);
});

t.test("the seccomp filter is the container's", async (t) => {
	const container = sleeping(space, (config) => {
		config.linux.seccomp = {
			defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 71 }],
		};
	});
	t.match(ask(container, "mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status"), /rotocol error\nSeccomp:\t2/);
	const file = space.path("seccomp.json");
	writeFileSync(file, JSON.stringify({ args: ["/bin/mkdir", "/tmp/y"], cwd: "/", noNewPrivileges: true }));
	t.match(exec(container, ["--process", file], "").stderr, /rotocol error/);
	end(container);
});

t.test("the container's keyring, personality and oom score", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config) => {
		config.linux.personality = { domain: "LINUX32" };
		config.process.oomScoreAdj = 300;
		config.linux.maskedPaths = [];
	});
	t.equal(ask(container, "cat /proc/self/oom_score_adj /proc/self/personality"), "300\n00000008");
	t.match(ask(container, "cat /proc/keys"), `_ses.${container.id}`);
	t.equal(ask(container, "cat /proc/keys").split(`_ses.${container.id}`).length, 2, "one keyring, not one more");
	end(container);
});

t.test("rlimits, oom score, I/O priority and scheduler of a process.json", { skip: oursOnly }, async (t) => {
	const file = space.path("scheduling.json");
	const script =
		"ulimit -Hn; cat /proc/self/oom_score_adj; cut -d' ' -f41 /proc/self/stat; cut -d' ' -f19 /proc/self/stat";
	const process = {
		args: ["/bin/sh", "-c", script],
		cwd: "/",
		env: ["PATH=/bin"],
		rlimits: [{ type: "RLIMIT_NOFILE", soft: 50, hard: 60 }],
		oomScoreAdj: 555,
		scheduler: { policy: "SCHED_BATCH", nice: 7 },
		ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 },
	};
	writeFileSync(file, JSON.stringify(process));
	t.equal(exec(shared, ["--process", file], "").stdout, "60\n555\n3\n7\n");
});

t.test("execCPUAffinity", { skip: unlessPeer({ runc: "1.1 has none", crun: "1.8 has none" }) }, async (t) => {
	const container = sleeping(space, (config) => {
		config.process.execCPUAffinity = { initial: "0", final: "1" };
	});
	const allowed = "grep Cpus_allowed_list /proc/self/status | cut -f2";
	t.equal(ask(container, allowed), "1");
	t.not(ask(container, allowed.replace("self", "1")), "1", "not of the container's first process");
	end(container);
});

t.test("no lock is held, so the container can be deleted under it", async (t) => {
	const container = sleeping(space);
	const child = container.runtime.spawn(["exec", container.id, "sleep", "1000"], { stdio: "ignore" });
	await eventually(
		() => ask(container, "ps").includes("sleep 1000\n") && ask(container, "ps | grep -c sleep") >= "3",
		"it runs",
	);
	t.equal(container.delete("--force").status, 0);
	t.equal(await finished(child), 137);
	start(container);
	end(container);
});

t.test("the container of all these", async () => end(shared));

nothingLeft(t, space);
