/** checkpoint and restore: what a process sees that was saved, and goes on. */
import { execFileSync, spawnSync } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { checkpoint, piped, restore, withoutCriu } from "../support/criu.js";
import { Holder } from "../support/holder.js";
import { Lives } from "../support/lives.js";
import { Terminal } from "../support/terminal.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const skip = withoutCriu;
const lives = new Lives(space);
const images = () => lives.images();
const running = (edit?: Edit, script?: string) => lives.running(edit, script);
const back = (container: Container, from: string, ...args: string[]) => lives.back(container, from, ...args);

const numbers = (text: string) => text.trim().split("\n").map(Number);

t.test("a container goes on where it was", { skip }, async (t) => {
	const { container, output: before, printed } = await running();
	await printed("\n3\n");
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout + result.stderr, "");
	t.match(
		container.runtime.command(["state", container.id]).error,
		"container does not exist",
		"it is gone, as with runc",
	);
	t.same(space.leaks(), []);
	t.ok(readdirSync(saved).includes("pstree.img"));
	const last = numbers(before()).at(-1) ?? 0;

	const pidFile = space.path("restored.pid");
	const { output } = await back(container, saved, "--pid-file", pidFile);
	await eventually(() => numbers(output()).length > 3, "it counts on");
	t.ok((numbers(output())[0] ?? 0) > last - 1 && (numbers(output())[0] ?? 0) <= last + 2, output());
	const state = container.state();
	t.equal(state.status, "running");
	t.equal(readFileSync(pidFile, "utf8"), String(state.pid));
	t.equal(readFileSync(`/proc/${state.pid}/comm`, "utf8"), "sh\n");
	t.match(readFileSync(`/proc/${state.pid}/cgroup`, "utf8"), container.id, "in its cgroup");
	t.match(readFileSync(`/proc/${state.pid}/status`, "utf8"), /^NSpid:\s+\d+\s+1$/m);
	const record = JSON.parse(readFileSync(join(space.root, container.id, "state.json"), "utf8"));
	t.equal(record.init_process_pid, state.pid);
	t.notOk(record.runtime_ts.hostMounts);
	const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
	t.same(
		mounts.filter((line) => line.includes(container.id)),
		[],
		"criu's root is unmounted",
	);

	const entered = container.runtime.command(["exec", container.id, "/bin/sh", "-c", "echo in $$; cat /proc/1/comm"]);
	t.match(entered.stdout, /^in \d+\nsh\n$/, entered.stderr);
	t.equal(container.runtime.command(["pause", container.id]).status, 0);
	t.equal(container.state().status, "paused");
	t.equal(container.runtime.command(["resume", container.id]).status, 0);
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("what it had open and mounted: a volume behind a symlink, a file, a tree", { skip }, async (t) => {
	const volume = space.path("volume");
	const tree = space.path("tree");
	for (const path of [volume, tree, join(tree, "below")]) mkdirSync(path);
	writeFileSync(join(volume, "input"), "one\ntwo\nthree\n");
	writeFileSync(space.path("single"), "single\n");
	execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(tree, "below")]);
	t.teardown(() => execFileSync("umount", [join(tree, "below")]));
	writeFileSync(join(tree, "below/file"), "below\n");
	const { container, printed } = await running((config, { rootfs }) => {
		symlinkSync("/real", join(rootfs, "link"));
		mkdirSync(join(rootfs, "real"));
		config.mounts.push(
			{ destination: "/link/volume", type: "bind", source: volume, options: ["bind"] },
			{ destination: "/single", type: "bind", source: space.path("single"), options: ["bind", "ro"] },
			{ destination: "/tree", type: "bind", source: tree, options: ["rbind"] },
			{ destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["size=64k"] },
		);
		config.linux.maskedPaths = ["/proc/kcore", "/proc/acpi", "/etc/passwd"];
		config.linux.readonlyPaths = ["/proc/sys", "/etc"];
	}, "exec 7</real/volume/input; read a <&7; echo kept >/scratch/kept; echo ready; while [ ! -e /real/volume/go ]; do usleep 50000; done; " +
		"read b <&7; echo $a $b; cat /single /tree/below/file /scratch/kept; wc -c </etc/passwd; touch /etc/x; echo done; sleep 1000");
	await printed("ready");
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(
		result.status,
		0,
		result.stderr +
			(existsSync(join(saved, "dump.log")) ? readFileSync(join(saved, "dump.log"), "utf8").slice(-1500) : ""),
	);
	const { output } = await back(container, saved);
	writeFileSync(join(volume, "go"), "");
	await eventually(() => output().includes("done"), "it goes on").catch(() => {});
	t.match(output(), /^one two\nsingle\nbelow\nkept\n0\n/m);
	t.notOk(existsSync(join(container.bundle.rootfs, "etc/x")));
	t.equal(container.delete("--force").status, 0);
});

t.test("mount points that the root file system has lost are made again", { skip }, async (t) => {
	const source = space.path("lost");
	mkdirSync(source);
	const { container } = await running((config) => {
		config.mounts.push({ destination: "/made/for/it", type: "bind", source, options: ["bind"] });
	}, "while [ ! -e /made/for/it/go ]; do usleep 50000; done; echo found; sleep 1000");
	const saved = images();
	t.equal(checkpoint(container, saved).status, 0);
	rmSync(join(container.bundle.rootfs, "made"), { recursive: true });
	rmSync(join(container.bundle.rootfs, "proc"), { recursive: true });
	const { output } = await back(container, saved);
	writeFileSync(join(source, "go"), "");
	await eventually(() => output().includes("found"), "it sees the volume");
	t.equal(container.delete("--force").status, 0);
});

t.test("it may run on; memory can be saved ahead", { skip }, async (t) => {
	const { container, output: before, printed } = await running();
	await printed("\n2\n");
	const first = images();
	const parent = checkpoint(container, join(first, "parent"), "--pre-dump");
	const tracks = !/missing features: \[MemTrack\]/.test(parent.stderr);
	if (tracks) t.equal(parent.status, 0, parent.stderr);
	t.equal(container.state().status, "running");
	const running1 = checkpoint(
		container,
		join(first, "whole"),
		"--leave-running",
		...(tracks ? ["--parent-path", "../parent"] : []),
	);
	t.equal(running1.status, 0, running1.stderr);
	t.equal(container.state().status, "running");
	const at = numbers(before()).at(-1) ?? 0;
	await eventually(() => (numbers(before()).at(-1) ?? 0) > at + 2, "it counts on");
	t.equal(container.delete("--force").status, 0);
	const { output } = await back(container, join(first, "whole"));
	await eventually(() => numbers(output()).length > 2, "it counts again");
	t.ok((numbers(output())[0] ?? 0) <= at + 1, "from then");
	t.equal(container.delete("--force").status, 0);
});

t.test("a paused container can be saved", { skip }, async (t) => {
	const { container, printed } = await running();
	await printed("\n2\n");
	t.equal(container.runtime.command(["pause", container.id]).status, 0);
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(result.status, 0, result.stderr);
	const { output } = await back(container, saved);
	await eventually(() => numbers(output()).length > 2, "it counts on");
	t.equal(container.delete("--force").status, 0);
});

t.test("restore in the foreground ends with the container's status, and takes it away", { skip }, async (t) => {
	const go = space.path("go");
	mkdirSync(go);
	const { container } = await running((config) => {
		config.mounts.push({ destination: "/go", type: "bind", source: go, options: ["bind"] });
	}, "while [ ! -e /go/now ]; do usleep 50000; done; echo bye; exit 7");
	const saved = images();
	t.equal(checkpoint(container, saved).status, 0);
	writeFileSync(join(go, "now"), "");
	const args = ["restore", "--image-path", saved, "--bundle", container.bundle.path, container.id];
	const result = await piped(container, args, space.path("foreground"));
	t.equal(result.status, 7, result.stderr);
	t.equal(result.stdout, "bye\n");
	t.same(space.leaks(), []);
});

t.test("hooks: poststop when it is saved, prestart and createRuntime when it comes back", { skip }, async (t) => {
	const log = space.path("hooks");
	const hook = (stage: string) => ({
		path: "/bin/sh",
		args: ["sh", "-c", `jq() { :; }; echo ${stage} $(cat) >>${log}`],
		env: ["PATH=/usr/bin:/bin"],
	});
	const { container } = await running((config) => {
		for (const stage of [
			"prestart",
			"createRuntime",
			"createContainer",
			"startContainer",
			"poststart",
			"poststop",
		] as const)
			config.hooks = { ...config.hooks, [stage]: [hook(stage)] };
		// These two would look for /bin/sh and the log in the container.
		delete config.hooks?.startContainer;
	});
	rmSync(log);
	const saved = images();
	t.equal(checkpoint(container, saved).status, 0);
	const lines = () =>
		readFileSync(log, "utf8")
			.trim()
			.split("\n")
			.map((line) => line.split(" ")[0]);
	t.same(lines(), ["poststop"]);
	await back(container, saved);
	t.same(lines(), ["poststop", "prestart", "createRuntime"]);
	const told = readFileSync(log, "utf8").split("\n")[2] ?? "";
	t.equal(JSON.parse(told.slice("createRuntime ".length)).pid, container.state().pid);
	t.equal(container.delete("--force").status, 0);
	t.equal(lines().at(-1), "poststop");
});

t.test("a terminal: its master goes to the console socket again", { skip }, async (t) => {
	const container = space.container((config) => {
		config.process.terminal = true;
		config.process.args = ["/bin/sh", "-c", "echo ready; while read line; do echo got $line; done"];
	});
	const directory = mkdtempSync(space.path("console"));
	const first = new Terminal(["receive", join(directory, "1")]);
	t.teardown(() => first.close());
	await first.answered(/listening/);
	t.equal(container.create(["--console-socket", join(directory, "1")]).status, 0);
	t.equal(container.start().status, 0);
	await first.shows(/ready/);
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(result.status, 0, result.stderr);

	const second = new Terminal(["receive", join(directory, "2")]);
	t.teardown(() => second.close());
	await second.answered(/listening/);
	await back(container, saved, "--console-socket", join(directory, "2"));
	second.write("a line\r");
	await second.shows(/got a line/);
	t.equal(container.delete("--force").status, 0);
});

t.test("a network namespace by path is the same one afterwards; one of its own comes back", { skip }, async (t) => {
	const holder = await Holder.start(["--net"]);
	t.teardown(() => holder.release());
	const inode = (path: string) => execFileSync("readlink", [path], { encoding: "utf8" }).trim();
	const { container: joined } = await running((config) => {
		for (const namespace of config.linux.namespaces)
			if (namespace.type === "network") namespace.path = holder.path("net");
	});
	const saved = images();
	const result = checkpoint(joined, saved);
	t.equal(result.status, 0, result.stderr);
	await back(joined, saved);
	t.equal(inode(`/proc/${joined.state().pid}/ns/net`), inode(holder.path("net")));
	t.equal(joined.delete("--force").status, 0);
	const { container: own } = await running();
	const other = images();
	t.equal(checkpoint(own, other).status, 0);
	await back(own, other);
	t.not(inode(`/proc/${own.state().pid}/ns/net`), inode("/proc/self/ns/net"));
	t.equal(own.delete("--force").status, 0);
});

t.test("open TCP connections take --tcp-established, or are closed by --tcp-close", { skip }, async (t) => {
	const script =
		"nc -l -p 700 -e /bin/cat & sleep 1; mkfifo /tmp/in; (nc 127.0.0.1 700 </tmp/in; echo closed) & exec 5>/tmp/in; " +
		"echo hello >&5; sleep 1; echo ready; sleep 1000";
	const { container, printed } = await running(undefined, script);
	await printed("ready");
	const saved = images();
	const refused = checkpoint(container, saved);
	t.equal(refused.status, 1);
	t.match(refused.error, /criu failed: type NOTIFY|criu failed: type DUMP/);
	t.match(refused.error, /log file: .*dump\.log/);
	t.match(refused.stderr, /tcp-established/, "criu's own word for what to do");
	t.equal(container.state().status, "running", "it runs on");
	const result = checkpoint(container, saved, "--tcp-established");
	t.equal(result.status, 0, result.stderr);
	const { output } = await back(container, saved, "--tcp-close");
	await eventually(() => output().includes("closed"), "the connection is closed").catch(() => {});
	t.match(output(), /closed/);
	t.equal(container.delete("--force").status, 0);
});

t.test("a user namespace", { skip }, async (t) => {
	const { container, printed } = await running((config, { rootfs }) => {
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
		execFileSync("chown", ["-R", "100000:100000", rootfs]);
	});
	await printed("\n2\n");
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(result.status, 0, result.stderr);
	const { output } = await back(container, saved);
	await eventually(() => numbers(output()).length > 2, "it counts on");
	t.match(readFileSync(`/proc/${container.state().pid}/uid_map`, "utf8"), /^\s+0\s+100000\s+65536$/m);
	t.equal(container.delete("--force").status, 0);
});

t.test("annotation org.criu.config: criu reads that file", { skip }, async (t) => {
	const file = space.path("criu.conf");
	const log = space.path("of-the-config.log");
	writeFileSync(file, `log-file ${log}\n`);
	const { container } = await running((config) => {
		config.annotations = { "org.criu.config": file };
	});
	const saved = images();
	const result = checkpoint(container, saved);
	t.equal(result.status, 0, result.stderr);
	t.ok(existsSync(log), readdirSync(saved).join());
});

t.test("a restore that fails leaves nothing", { skip }, async (t) => {
	const { container } = await running();
	const saved = images();
	t.equal(checkpoint(container, saved).status, 0);
	rmSync(join(saved, "core-1.img"));
	const result = restore(container, saved, "--detach");
	t.equal(result.status, 1);
	t.match(result.error, /^criu failed: type \w+ errno \d+/);
	t.match(result.error, join(saved, "restore.log"));
	t.match(result.stderr, /Unexpected EOF/, "what criu's log says");
	t.same(space.leaks(), []);
	t.equal(spawnSync("pgrep", ["-x", "criu"]).stdout.toString(), "", "criu has ended");
});

t.test(
	"the systemd driver",
	{ skip: skip || (existsSync("/run/systemd/system") ? false : "no systemd") },
	async (t) => {
		const container = space.container((config) => {
			config.linux.cgroupsPath = `system.slice:rtt:${space.token}-s`;
			// Not a word: the standard streams are regular files here.
			config.process.args = ["/bin/sleep", "1000"];
		});
		const globals = { globals: ["--systemd-cgroup"] };
		const run = container.runtime.command(["run", "-d", "-b", container.bundle.path, container.id], globals);
		t.equal(run.status, 0, run.stderr);
		const saved = images();
		t.equal(checkpoint(container, saved).status, 0);
		const args = ["restore", "-d", "--image-path", saved, "-b", container.bundle.path, container.id];
		const result = container.runtime.command(args, { ...globals, timeoutMs: 60_000 });
		t.equal(result.status, 0, result.stderr);
		t.match(readFileSync(`/proc/${container.state().pid}/cgroup`, "utf8"), new RegExp(`rtt-${space.token}-s\\.scope`));
		t.equal(container.delete("--force").status, 0);
	},
);

nothingLeft(t, space);
