/** containerd through ctr: the shim calls the runtime. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { Terminal } from "../support/terminal.js";
import { answers, script } from "../support/workspace.js";
import { image, makeArchive } from "./image.js";
import { bootMachine, runtime, until, usesCgroupV2 } from "./lane.js";
import type { Answer, RunOptions } from "./machine.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "containerd");
mkdirSync(join(directory, "bin"), { recursive: true });
// `ctr run` names the runtime; what `ctr container create` makes takes the "runc" of containerd's PATH.
symlinkSync(runtime, join(directory, "bin/runc"));
const socket = join(directory, "containerd.sock");
const root = join(directory, "runtime-root");
const config = join(directory, "config.toml");
writeFileSync(
	config,
	`version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
[ttrpc]
address = "${socket}.ttrpc"
`,
);
const start = () =>
	machine.spawn(["containerd", "--config", config], {
		log: "containerd.log",
		env: { PATH: `${directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
	});
const argv = ["ctr", "--address", socket, "--namespace", "lane"];
const ctr = (args: string[], options: RunOptions = {}): Promise<Answer> => machine.run([...argv, ...args], options);
const ok = async (...args: string[]): Promise<string> => {
	const answer = await ctr(args);
	if (answer.status !== 0)
		throw new Error(`ctr ${args.join(" ")}: status ${answer.status}: ${answer.stderr}${answer.stdout}`);
	return answer.stdout.trim();
};
const answering = async () => (await ctr(["version"])).status === 0;

let count = 0;
const unused = () => `c${++count}`;
const run = ["run", "--runc-binary", runtime, "--runc-root", root];
const once = (flags: string[], command: string[], options: RunOptions = {}) =>
	ctr([...run, "--rm", ...flags, image, unused(), ...command], options);
async function inside<Key extends string>(
	flags: string[],
	questions: Record<Key, string>,
): Promise<Record<Key, string>> {
	// ctr loses output of a container that ends at once, with every runtime.
	const answer = await once(flags, ["/bin/sh", "-c", script(questions).replace(/exit 0\n$/, "sleep 0.3; exit 0\n")]);
	if (answer.status !== 0) throw new Error(`ctr run ${flags.join(" ")}: ${answer.stderr}${answer.stdout}`);
	return answers(questions, answer.stdout);
}
/** A container in the background, whose output goes to a file. */
async function detached(flags: string[], command: string[]): Promise<string> {
	const id = unused();
	await ok(...run, "--detach", "--log-uri", `file://${directory}/${id}.log`, ...flags, image, id, ...command);
	return id;
}
const log = (id: string) => machine.read(`${directory}/${id}.log`);
const sleeping = (flags: string[] = []) => detached(flags, ["/bin/sleep", "1000"]);
const status = async (id: string) => new RegExp(`^${id} +\\d+ +(\\w+)`, "m").exec(await ok("task", "list"))?.[1];
const pid = async (id: string) => Number(new RegExp(`^${id} +(\\d+)`, "m").exec(await ok("task", "list"))?.[1]);
const stopped = (id: string) => until(async () => (await status(id)) === "STOPPED", `${id} stops`);
/** Ends its task, and removes both; the task's exit status. */
async function remove(id: string, kill = true): Promise<number> {
	if (kill) await ok("task", "kill", "--signal", "SIGKILL", id);
	await stopped(id);
	const { status, stderr } = await ctr(["task", "delete", id]);
	await ok("container", "delete", id);
	// ctr tells it in a warning.
	return status === 0 ? Number(/non-zero exit code (\d+)/.exec(stderr)?.[1] ?? 0) : -1;
}
const exec = (id: string, flags: string[], command: string[], options: RunOptions = {}) =>
	ctr(["task", "exec", "--exec-id", unused(), ...flags, id, ...command], options);

let daemon = start();
await until(answering, "containerd answers");
await ok("image", "import", makeArchive(machine.directory));
await once([], ["true"]);
machine.remember();

t.test("run: output, standard error and input", async (t) => {
	const answer = await once([], ["/bin/sh", "-c", "head -n 1; echo wrong >&2; sleep 0.3"], { input: "asked\n" });
	t.same(answer, { status: 0, stdout: "asked\n", stderr: "wrong\n" });
});

t.test("run: exit status of the process", async (t) => {
	for (const status of [0, 1, 42]) t.equal((await once([], ["/bin/sh", "-c", `exit ${status}`])).status, status);
});

t.test("run: a process that a signal ends gives 128 and the signal", async (t) => {
	for (const [signal, status] of [
		["SIGKILL", 137],
		["SIGTERM", 143],
	] as const) {
		// In the machine's pid namespace it is no first process, which would be deaf to SIGTERM.
		const id = await sleeping(["--with-ns", "pid:/proc/1/ns/pid"]);
		await ok("task", "kill", "--signal", signal, id);
		t.equal(await remove(id, false), status, signal);
	}
});

t.test("run: programs that are not there or cannot be executed", async (t) => {
	for (const [program, error] of [
		["no-such-program", /executable file not found in \$PATH/],
		["/no/such/program", /no such file or directory/],
		["/etc/not-executable", /permission denied/],
	] as const) {
		const answer = await once([], [program]);
		t.equal(answer.status, 1);
		t.match(answer.stderr, error);
	}
});

t.test("run: environment, working directory", async (t) => {
	const result = await inside(["--env", "A=b c", "--cwd", "/etc"], { env: "echo $A $IMAGE", directory: "pwd" });
	t.same(result, { env: "b c lane", directory: "/etc" });
});

t.test("run --tty: an interactive terminal, with resize", async (t) => {
	const words = [machine.enter, ...argv, ...run, "--rm", "--tty", image, unused(), "/bin/sh"];
	const terminal = new Terminal(["run", ...words], machine.environment());
	t.teardown(() => terminal.close());
	terminal.size(33, 99);
	await terminal.shows(/[#$] /);
	terminal.write("until [ \"$(stty size)\" = '33 99' ]; do sleep 0.1; done; tty\n");
	await terminal.shows(/\/dev\/pts\/0/);
	terminal.size(44, 111);
	terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; echo resi''zed\n");
	await terminal.shows(/resized/);
	terminal.write("exit 7\n");
	t.equal((await terminal.ended()).status, 7);
});

t.test("run --detach: goes on in the background, with a log", async (t) => {
	const id = await detached([], ["/bin/sh", "-c", "echo out; echo err >&2; sleep 1; exit 9"]);
	t.equal(await status(id), "RUNNING");
	t.equal(await remove(id, false), 9);
	// Two pipes, which the shim reads in any order.
	t.same(log(id).trim().split("\n").sort(), ["err", "out"]);
});

t.test("container create, task start", async (t) => {
	const id = unused();
	await ok("container", "create", image, id, "/bin/grep", "nobody", "/etc/passwd", "/no");
	const answer = await ctr(["task", "start", id]);
	t.same(answer, { status: 2, stdout: "", stderr: "grep: /no: No such file or directory\n" });
	await ok("container", "delete", id);
});

t.test("exec: output, exit status, environment of the container", async (t) => {
	const id = await sleeping(["--env", "FROM=run"]);
	t.same(await exec(id, [], ["/bin/sh", "-c", "head -n 1; echo $FROM >&2; exit 3"], { input: "asked\n" }), {
		status: 3,
		stdout: "asked\n",
		stderr: "run\n",
	});
	t.equal((await exec(id, [], ["/bin/sh", "-c", "kill -KILL $$"])).status, 137);
	t.equal((await exec(id, ["--cwd", "/tmp"], ["pwd"])).stdout, "/tmp\n");
	t.match((await exec(id, ["--user", "1000:7"], ["id"])).stdout, /^uid=1000(\(user\))? gid=7/);
	const missing = await exec(id, [], ["no-such-program"]);
	t.not(missing.status, 0);
	t.match(missing.stderr, /executable file not found in \$PATH/);
	await remove(id);
});

t.test("exec --tty, exec --detach", async (t) => {
	const id = await sleeping();
	const words = [machine.enter, ...argv, "task", "exec", "--tty", "--exec-id", unused(), id, "/bin/sh"];
	const terminal = new Terminal(["run", ...words], machine.environment());
	t.teardown(() => terminal.close());
	await terminal.shows(/[#$] /);
	terminal.size(44, 111);
	terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; tty\n");
	await terminal.shows(/\/dev\/pts\/0/);
	terminal.write("exit 7\n");
	t.equal((await terminal.ended()).status, 7);
	const answer = await exec(id, ["--detach"], ["/bin/sh", "-c", "echo done >/tmp/detached; exec sleep 1000"]);
	t.equal(answer.status, 0, answer.stderr);
	await until(async () => (await exec(id, [], ["cat", "/tmp/detached"])).stdout === "done\n", "it ran");
	await remove(id);
});

t.test("task kill: a signal that the process handles", async (t) => {
	const id = await detached([], ["/bin/sh", "-c", "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done"]);
	await until(() => log(id) === "ready\n", "it is ready");
	await ok("task", "kill", "--signal", "SIGUSR1", id);
	await stopped(id);
	const again = await ctr(["task", "kill", id]);
	t.match(again.stderr, /process already finished/);
	t.equal(await remove(id, false), 5);
});

t.test("task kill --all: every process, without a pid namespace of its own", async (t) => {
	const left = () => machine.processes().filter((line) => /sleep 100[23]/.test(line));
	const command = ["/bin/sh", "-c", "setsid sleep 1003 & exec sleep 1002"];
	const id = await detached(["--with-ns", "pid:/proc/1/ns/pid"], command);
	await until(() => left().length === 2, "both run");
	await ok("task", "kill", "--all", "--signal", "SIGKILL", id);
	await until(() => left().length === 0, "both are gone");
	t.equal(await remove(id, false), 137);
});

t.test("the first process ends: the others of its cgroup go with it, without a pid namespace", async (t) => {
	const left = () => machine.processes().filter((line) => /sleep 1004/.test(line));
	const id = await detached(["--with-ns", "pid:/proc/1/ns/pid"], ["/bin/sh", "-c", "setsid sleep 1004 & sleep 0.5"]);
	await stopped(id);
	await until(() => left().length === 0, "it is gone");
	t.equal(await remove(id, false), 0);
});

t.test("task pause and resume", async (t) => {
	const id = await detached([], ["/bin/sh", "-c", "while :; do echo tick; sleep 0.05; done"]);
	await until(() => log(id).length > 10, "it counts");
	await ok("task", "pause", id);
	t.equal(await status(id), "PAUSED");
	await delay(100); // the shim may still be copying
	const before = log(id).length;
	await delay(500);
	t.equal(log(id).length, before, "nothing goes on");
	await ok("task", "resume", id);
	t.equal(await status(id), "RUNNING");
	await until(() => log(id).length > before, "it goes on");
	await remove(id);
});

t.test("task ps and metrics", async (t) => {
	const id = await detached(["--memory-limit", "67108864"], ["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"]);
	const first = await pid(id);
	await until(async () => (await ok("task", "ps", id)).split("\n").length === 3, "a head and two processes");
	t.match(await ok("task", "ps", id), new RegExp(`^${first}\\b`, "m"));
	const metrics = await ok("task", "metrics", "--format", "json", id);
	t.match(metrics, usesCgroupV2 ? /"usage_limit": 67108864/ : /"limit": 67108864/);
	await remove(id);
});

t.test("limits of memory and CPU", async (t) => {
	const files = usesCgroupV2
		? ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/cpu.max"]
		: ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"];
	const mount = "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro:nosuid:noexec:nodev";
	const result = await inside(["--memory-limit", "67108864", "--cpus", "0.5", "--mount", mount], {
		memory: `cat ${files[0]}`,
		cpu: `cat ${files[1]}`,
	});
	t.same(result, { memory: "67108864", cpu: usesCgroupV2 ? "50000 100000" : "50000" });
});

t.test("the memory limit kills, and containerd tells", async (t) => {
	const events = machine.spawn([...argv, "events"]);
	let text = "";
	events.stdout?.on("data", (data: Buffer) => {
		text += data.toString();
	});
	const command = ["/bin/sh", "-c", "sleep 1; a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"];
	const id = await detached(["--memory-limit", "16777216"], command);
	t.equal(await remove(id, false), 137);
	await until(() => new RegExp(`/tasks/oom .*"${id}"`).test(text), "the event");
	const ended = new Promise((resolve) => events.once("exit", resolve));
	// The program in the machine, whose parent is the one that entered it.
	await machine.sh("kill $(pidof ctr)");
	await ended;
});

t.test("capabilities, system calls, privileges", async (t) => {
	const status = { status: "cat /proc/self/status" };
	const of = async (...flags: string[]) => (await inside(flags, status)).status;
	const standard = await of();
	t.match(standard, /^CapEff:\t00000000a80425fb$/m);
	t.match(standard, /^NoNewPrivs:\t1$/m);
	t.match(standard, /^Seccomp:\t0$/m);
	t.match(await of("--allow-new-privs"), /^NoNewPrivs:\t0$/m);
	t.match(await of("--seccomp"), /^Seccomp:\t2$/m);
	t.match(await of("--cap-drop", "CAP_CHOWN"), /^CapEff:\t00000000a80425fa$/m);
	t.match(await of("--cap-add", "CAP_NET_ADMIN"), /^CapEff:\t00000000a80435fb$/m);
	const privileged = await inside(["--privileged"], { ...status, mount: "mount -t tmpfs none /tmp && echo mounted" });
	t.match(privileged.status, /^CapEff:\t000001f/m);
	t.equal(privileged.mount, "mounted");
});

t.test("seccomp: a profile of one's own", async (t) => {
	const profile = join(directory, "seccomp.json");
	const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }];
	writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
	const { made } = await inside(["--seccomp", "--seccomp-profile", profile], { made: "mkdir /tmp/new" });
	t.match(made, /not supported/i);
});

t.test("mounts, a read-only root, a device", async (t) => {
	writeFileSync(join(directory, "file"), "of the host\n");
	const result = await inside(
		["--read-only", "--mount", `type=bind,src=${directory},dst=/data,options=rbind:ro`, "--device", "/dev/fuse"],
		{
			file: "cat /data/file",
			data: "touch /data/no",
			root: "touch /no",
			device: "exec 3</dev/fuse && echo opened",
			other: "mknod /run/kmsg c 1 11; head -c 1 /run/kmsg",
		},
	);
	t.equal(result.file, "of the host");
	t.match(result.data, /Read-only file system/);
	t.match(result.root, /Read-only file system/);
	t.equal(result.device, "opened");
	t.match(result.other, /head: \/run\/kmsg: Operation not permitted/);
});

t.test("namespaces: its own network; --net-host; joined ones; a user namespace", async (t) => {
	t.same((await inside([], { devices: "ls /sys/class/net" })).devices, "lo");
	const host = await inside(["--net-host"], { net: "readlink /proc/self/ns/net" });
	t.equal(host.net, await machine.sh("readlink /proc/1/ns/net"));
	const ipc = await inside(["--with-ns", "ipc:/proc/1/ns/ipc"], { ipc: "readlink /proc/self/ns/ipc" });
	t.equal(ipc.ipc, await machine.sh("readlink /proc/1/ns/ipc"));
	const mapped = await inside(["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"], {
		map: "cat /proc/self/uid_map",
		owner: "stat -c %u /etc/passwd",
	});
	t.match(mapped.map, /^0 +100000 +65536$/);
	t.equal(mapped.owner, "0");
});

t.test("a config.json of one's own, with hooks of each kind", async (t) => {
	const id = unused();
	const file = join(directory, "config.json");
	const rootfs = join(machine.directory, "image/rootfs");
	const kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
	const hook = (kind: string) => {
		const target = kind === "startContainer" ? "/hooks/log" : `${directory}/hooks.log`;
		return [{ path: "/bin/sh", args: ["sh", "-c", `grep -o '"status": *"[a-z]*"' | sed 's/^/${kind} /' >>${target}`] }];
	};
	writeFileSync(join(directory, "hooks.log"), "");
	writeFileSync(
		file,
		JSON.stringify({
			ociVersion: "1.0.2",
			process: {
				user: { uid: 0, gid: 0 },
				args: ["/bin/sh", "-c", "echo from the config; sleep 0.3"],
				env: ["PATH=/bin"],
				cwd: "/",
			},
			root: { path: rootfs },
			mounts: [
				{ destination: "/proc", type: "proc", source: "proc" },
				{ destination: "/hooks/log", type: "bind", source: `${directory}/hooks.log`, options: ["bind"] },
			],
			hooks: Object.fromEntries(kinds.map((kind) => [kind, hook(kind)])),
			linux: { namespaces: ["pid", "mount", "ipc"].map((type) => ({ type })), cgroupsPath: `/lane/${id}` },
		}),
	);
	const answer = await ctr([...run, "--rm", "--config", file, id]);
	t.same(answer, { status: 0, stdout: "from the config\n", stderr: "" });
	const lines = machine.read(join(directory, "hooks.log")).trim().split("\n");
	const order = lines.map((line) => line.split(" ")[0]);
	t.same([...order].sort(), [...kinds].sort(), "each once");
	t.same(order.slice(0, 3), kinds.slice(0, 3), "before the start, in the specification's order");
	t.equal(order.at(-1), "poststop");
});

t.test("eight containers at a time", async (t) => {
	const all = [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
		once([], ["/bin/sh", "-c", `echo ${number}; sleep 0.3; exit ${number}`]),
	);
	for (const [index, answer] of (await Promise.all(all)).entries()) {
		t.same(answer, { status: index + 1, stdout: `${index + 1}\n`, stderr: "" });
	}
});

async function end(): Promise<number | null> {
	const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
	await machine.sh("kill $(pidof containerd)");
	return ended;
}

t.test("containerd restarts: its containers go on", async (t) => {
	const id = await sleeping();
	t.equal(await end(), 0);
	daemon = start();
	await until(answering, "containerd answers");
	t.equal(await status(id), "RUNNING");
	t.equal((await exec(id, [], ["echo", "alive"])).stdout, "alive\n");
	await remove(id);
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await ok("container", "list", "--quiet"), "");
	const restarted = /^process \d+: containerd --config/;
	t.same(
		await machine.left([restarted], [join(root, "lane"), join(directory, "state/io.containerd.runtime.v2.task/lane")]),
		[],
	);
});

t.test("containerd ends", async (t) => {
	t.equal(await end(), 0);
	t.same(await machine.halt(), [], "nothing is left on the host");
});
