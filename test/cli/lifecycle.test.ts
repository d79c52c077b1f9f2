import t from "tap";
import type { FakeNative } from "../../src/native/fake.js";
import { drive, host } from "./drive.js";

/** An init that gets as far as waiting for start. */
function ready(native: FakeNative): FakeNative {
	native.messages = [{ type: "pid", pid: 500, pidfd: 50 }, { type: "ready" }];
	return native;
}

/** An init that goes all the way. */
function running(native: FakeNative): FakeNative {
	ready(native).messages.push({ type: "closed" });
	return native;
}

const config = JSON.stringify({
	ociVersion: "1.3.0",
	root: { path: "rootfs" },
	process: { user: { uid: 0, gid: 0 }, args: ["/bin/sh"], cwd: "/" },
	linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
});

function rootfs(native: FakeNative): string | undefined {
	const step = native.sentPlan().init.find(({ op }) => op === "root.open");
	return String(step?.path);
}

t.test("create hands every option on", async (t) => {
	const native = ready(host(config));
	native.firstClosedFd = 9;
	const { status, stderr } = await drive(
		native,
		...["--root", "/r", "create", "-b", "/b", "--pid-file", "/here/pid", "--no-pivot", "--no-new-keyring"],
		...["--preserve-fds", "2", "c1"],
	);
	t.equal(stderr, "");
	t.equal(status, 0);
	t.equal(native.files.read("/here/pid"), "500");
	t.ok(native.files.has("/r/c1/state.json"));
	t.match(native.callsOf("startInit"), [{ preserveFds: 2 }]);
	const { init } = native.sentPlan();
	t.match(
		init.find(({ op }) => op === "root.enter"),
		{ method: "move" },
	);
	t.notOk(init.some(({ op }) => op === "keyring.join"));

	t.match(await drive(native, "--root", "/r", "state", "c1"), { status: 0, stdout: /"status": "created"[\s\S]*\}$/ });
	t.match(await drive(native, "--root", "/r", "create", "-b", "/b", "c1"), {
		status: 1,
		stderr: /^runc create failed: container with given ID already exists\n/,
	});
});

t.test("--systemd-cgroup is not passed over", async (t) => {
	const { status, stderr } = await drive(host(config), "--root", "/r", "--systemd-cgroup", "create", "-b", "/b", "c1");
	t.equal(status, 1);
	t.match(stderr, /systemd/);
});

t.test("run returns the status of the container's process", async (t) => {
	const native = running(host(config));
	native.exitStatus = 7;
	t.match(await drive(native, "--root", "/r", "run", "--no-subreaper", "-b", "/b", "c1"), { status: 7, stdout: "" });
	t.equal(native.callsOf("setSubreaper").length, 0);
	t.equal(native.sentPlan().id, "c1");
	t.notOk(native.files.has("/r/c1"), "it is gone");
});

t.test("run BUNDLE", async (t) => {
	const slash = running(host(config));
	t.match(await drive(slash, "--root", "/r", "run", "/b"), { status: 0, stdout: "", stderr: "" });
	t.match(slash.sentPlan().id, /^b-[a-z0-9]{6}$/);
	t.equal(rootfs(slash), "/b/rootfs");

	const dot = running(host(config, "/b"));
	await drive(dot, "--root", "/r", "run", ".");
	t.match(dot.sentPlan().id, /^b-[a-z0-9]{6}$/);
	t.equal(rootfs(dot), "/b/rootfs");

	const name = running(host(config, "/"));
	await drive(name, "--root", "/r", "run", "b");
	t.match(name.sentPlan().id, /^b-/);
	t.equal(rootfs(name), "/b/rootfs");

	const detached = running(host(config));
	const { stdout } = await drive(detached, "--root", "/r", "run", "-d", "/b");
	t.equal(stdout, `${detached.sentPlan().id}\n`, "the name is printed where the container outlives the command");
	const kept = running(host(config));
	t.equal((await drive(kept, "--root", "/r", "run", "--keep", "/b")).stderr, `kept as ${kept.sentPlan().id}\n`);
});

t.test("run ID stays run ID", async (t) => {
	// The working directory is a bundle itself: then a name is an id, whatever else it names.
	const native = running(host(config, "/b"));
	native.files.put("/b/c1/config.json", config);
	t.match(await drive(native, "--root", "/r", "run", "c1"), { status: 0 });
	t.equal(native.sentPlan().id, "c1");
	t.equal(rootfs(native), "/b/rootfs");
	// With -b the argument is an id, and a slash in it is wrong.
	t.match(await drive(host(config), "--root", "/r", "run", "-b", "/b", "a/b"), {
		status: 1,
		stderr: /^runc run failed: invalid container ID format\n/,
	});
});

t.test("--trace prints the time of each step", async (t) => {
	const native = running(host(config));
	native.messages.splice(1, 0, { type: "trace", microseconds: [1200, 30, 4] });
	const { stderr } = await drive(native, "--root", "/r", "--trace", "run", "-b", "/b", "c1");
	t.equal(native.sentPlan().trace, true);
	t.match(stderr, /^ {4}1200 µs {2}clone +#\/linux\/namespaces\n/);
	t.match(stderr, / {4}1234 µs {2}in all\n$/);
});

t.test("kill, delete and list", async (t) => {
	const native = ready(host(config));
	const root = ["--root", "/r"];
	await drive(native, ...root, "create", "-b", "/b", "c1");
	t.match(await drive(native, ...root, "list", "-q"), { stdout: "c1\n", status: 0 });
	t.match(JSON.parse((await drive(native, ...root, "list", "-f", "json")).stdout), [
		{ id: "c1", pid: 500, owner: "#0" },
	]);
	t.equal((await drive(native, ...root, "kill", "c1", "KILL")).status, 0);
	t.match(native.callsOf("signalPid"), [{ pid: 500, signal: 9 }]);
	t.match(await drive(native, ...root, "kill", "c1"), { status: 1, stderr: "container not running\n" });
	t.equal((await drive(native, ...root, "kill", "--all", "c1", "9")).status, 0);
	t.match(await drive(native, ...root, "delete", "c1"), { status: 0, stderr: "" });
	t.match(await drive(native, ...root, "delete", "c1"), { status: 1, stderr: /does not exist/ });
	t.match(await drive(native, ...root, "delete", "--force", "c1"), { status: 0, stderr: "" });
	t.match(await drive(native, ...root, "start", "c1"), { status: 1, stderr: "container does not exist\n" });
});

t.test("list: a table like runc's", async (t) => {
	const native = ready(host(config));
	const header = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n";
	t.equal((await drive(native, "list")).stdout, header);
	t.equal((await drive(native, "list", "-f", "json")).stdout, "null\n");
	t.equal((await drive(native, "list", "-q")).stdout, "");
	native.files.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	await drive(native, "create", "-b", "/b", "a-long-container-name");
	t.match(
		(await drive(native, "list")).stdout,
		/^ID {22}PID {9}STATUS {6}BUNDLE {6}CREATED +OWNER\na-long-container-name {3}500 {9}created {5}\/b {10}\S+ {3}root\n$/,
	);
	t.match(await drive(native, "--root", "/none", "list"), { status: 1, stderr: /no such file or directory/ });
});

t.test("a failing poststop hook is a warning", async (t) => {
	const withHook = JSON.stringify({ ...JSON.parse(config), hooks: { poststop: [{ path: "/bin/false" }] } });
	for (const log of [false, true]) {
		const native = ready(host(withHook));
		const line = ["--root", "/r", ...(log ? ["--log", "/here/log", "--log-format", "json"] : [])];
		await drive(native, ...line, "create", "-b", "/b", "c1");
		native.hookResults = [{ status: 1, output: "no" }];
		const { status, stderr } = await drive(native, ...line, "delete", "c1");
		t.equal(status, 0);
		t.notOk(native.files.has("/r/c1"));
		if (log) t.match(JSON.parse(native.files.read("/here/log")), { level: "warning", msg: /poststop hook #0/ });
		else t.match(stderr, /^warning: .*poststop hook #0/);
	}
});
