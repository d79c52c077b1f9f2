/** restore: what of the container is the bundle's and what the images', where it can be restored to, what is left of it. */
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { writeConfig } from "../support/bundle.js";
import { withoutCriu } from "../support/criu.js";
import { Holder } from "../support/holder.js";
import { Lives } from "../support/lives.js";
import { NotifySocket } from "../support/notify-socket.js";
import { Terminal } from "../support/terminal.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;

const command = (container: Container, ...args: string[]) => container.runtime.command(args);
const namespace = (pid: number, name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
const last = (text: string) => Number(text.trim().split("\n").at(-1));

t.test(
	"state: when it was restored, the annotations of the bundle; poststop hooks of the bundle",
	{ skip },
	async (t) => {
		const { container } = await lives.running((config) => {
			config.annotations = { of: "then" };
		});
		const first = container.state();
		const images = lives.save(container);
		container.bundle.config.annotations = { of: "now" };
		const told = space.path("poststop");
		const script = `cat >${told}`;
		container.bundle.config.hooks = { poststop: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
		writeConfig(container.bundle);
		await lives.back(container, images);
		const second = container.state();
		t.ok(Date.parse(second.created ?? "") > Date.parse(first.created ?? ""), `${first.created} ${second.created}`);
		t.same(second.annotations, { of: "now" });
		t.equal(second.bundle, container.bundle.path);
		t.equal(container.delete("--force").status, 0);
		t.equal(JSON.parse(readFileSync(told, "utf8")).status, "stopped");
	},
);

t.test("one image, two containers at a time, each with its own bundle", { skip }, async (t) => {
	const edit = { first: "", second: "" };
	const { container: first, printed } = await lives.running((config) => {
		config.linux.cgroupsPath = edit.first = `/${space.token}-one`;
	});
	await printed("\n3\n");
	const images = lives.save(first);
	const second = space.container((config) => {
		Object.assign(config, structuredClone(first.bundle.config));
		config.linux.cgroupsPath = edit.second = `/${space.token}-two`;
	});
	const [one, two] = [await lives.back(first, images), await lives.back(second, images)];
	for (const { output } of [one, two]) await eventually(() => last(output()) > 5, "it counts on");
	const pids = [first.state().pid, second.state().pid];
	t.not(pids[0], pids[1]);
	t.match(readFileSync(`/proc/${pids[0]}/cgroup`, "utf8"), edit.first);
	t.match(readFileSync(`/proc/${pids[1]}/cgroup`, "utf8"), edit.second);
	for (const name of ["mnt", "pid", "net", "ipc", "uts"])
		t.not(namespace(pids[0] ?? 0, name), namespace(pids[1] ?? 0, name), name);
	const root = command(second, "exec", second.id, "/bin/sh", "-c", "echo own >/tmp/file");
	t.equal(root.status, 0, root.stderr);
	t.ok(existsSync(join(second.bundle.rootfs, "tmp/file")));
	t.notOk(existsSync(join(first.bundle.rootfs, "tmp/file")));
	t.match(
		command(first, "restore", "-d", "--image-path", images, "-b", first.bundle.path, first.id).error,
		/already exists/,
	);
	for (const container of [first, second]) t.equal(container.delete("--force").status, 0);
	t.same(space.leaks(), []);
});

t.test("ipc, uts and time namespaces by path; exec goes into them", { skip }, async (t) => {
	const holder = await Holder.start(["--ipc", "--uts", "--time"]);
	t.teardown(() => holder.release());
	const names = { ipc: "ipc", uts: "uts", time: "time_for_children" };
	const { container } = await lives.running((config) => {
		delete config.hostname;
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "ipc" && type !== "uts");
		for (const [type, name] of Object.entries(names)) config.linux.namespaces.push({ type, path: holder.path(name) });
	});
	await lives.back(container, lives.save(container));
	const { pid } = container.state();
	for (const [type, name] of Object.entries(names)) t.equal(namespace(pid, type), namespace(holder.pid, name), type);
	const seen = command(
		container,
		"exec",
		container.id,
		"/bin/sh",
		"-c",
		"readlink /proc/self/ns/time; readlink /proc/self/ns/uts",
	);
	t.equal(seen.stdout, `${namespace(pid, "time")}\n${namespace(pid, "uts")}\n`, seen.stderr);
	t.equal(container.delete("--force").status, 0);
});

t.test("a pid namespace by path", { skip }, async (t) => {
	const holder = await Holder.start(["--pid", "--fork", "--kill-child"], { reaps: true });
	t.teardown(() => holder.release());
	const { container } = await lives.running((config) => {
		for (const entry of config.linux.namespaces) if (entry.type === "pid") entry.path = holder.path("pid_for_children");
	});
	const before = namespace(container.state().pid, "pid");
	await lives.back(container, lives.save(container));
	t.equal(namespace(container.state().pid, "pid"), before);
	t.equal(container.delete("--force").status, 0);
});

t.test("clocks go on from where they were, for exec too", { skip }, async (t) => {
	const { container } = await lives.running();
	await lives.back(container, lives.save(container));
	const { pid } = container.state();
	const seen = command(container, "exec", container.id, "/bin/readlink", "/proc/self/ns/time");
	t.equal(seen.stdout.trim(), namespace(pid, "time"));
	t.not(seen.stdout.trim(), namespace(process.pid, "time"));
	const record = JSON.parse(readFileSync(join(space.root, container.id, "state.json"), "utf8"));
	t.ok(record.config.namespaces.some(({ type }: { type: string }) => type === "NEWTIME"));
	t.equal(container.delete("--force").status, 0);
});

t.test("in the foreground with a terminal: the caller's", { skip }, async (t) => {
	const container = space.container((config) => {
		config.process.terminal = true;
		config.process.args = ["/bin/sh", "-c", "echo ready; while read line; do echo got $line; done; exit 9"];
	});
	const { runtime, bundle, id } = container;
	const first = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
	t.teardown(() => first.close());
	await first.shows(/ready/);
	const images = lives.save(container);
	await first.ended();
	const pidFile = space.path("pid");
	const args = ["restore", "--image-path", images, "--bundle", bundle.path, "--pid-file", pidFile, id];
	const second = new Terminal(["run", ...runtime.argv(args, [])]);
	t.teardown(() => second.close());
	await eventually(() => existsSync(pidFile), "it is restored");
	t.equal(readFileSync(pidFile, "utf8"), String(container.state().pid));
	second.write("a line\r");
	await second.shows(/got a line/);
	second.write("\x04");
	t.equal((await second.ended()).status, 9);
	t.same(space.leaks(), []);
});

t.test("saved with NOTIFY_SOCKET: the mount is there again, and nobody listens, as with runc", { skip }, async (t) => {
	const socket = new NotifySocket(space.path("notify"));
	t.teardown(() => socket.close());
	await socket.listening();
	const environment = (path: string | undefined) => {
		if (path === undefined) delete process.env.NOTIFY_SOCKET;
		else process.env.NOTIFY_SOCKET = path;
	};
	t.teardown(() => environment(undefined));
	environment(socket.path);
	const go = space.path("notify-go");
	const { container } = await lives.running((config) => {
		config.mounts.push({ destination: "/shared", type: "bind", source: space.directory, options: ["bind"] });
	}, "probe notify READY=1; while [ ! -e /shared/notify-go ]; do usleep 50000; done; probe notify READY=1; echo told; sleep 1000");
	await eventually(() => /READY=1/.test(socket.received), "READY=1 arrives");
	const before = socket.received;
	const images = lives.save(container);
	for (const path of [undefined, socket.path]) {
		rmSync(go, { force: true });
		environment(path);
		const { output, printed } = await lives.back(container, images);
		writeFileSync(go, "");
		await printed("told");
		t.match(output(), /^ENOENT\ntold\n/, "and restore does not wait for it");
		t.equal(container.delete("--force").status, 0);
	}
	t.equal(socket.received, before);
});

nothingLeft(t, space);
