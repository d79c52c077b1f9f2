import t from "tap";
import { run } from "../../src/container/run.js";
import { config, host, leftovers, order, request } from "./bundle.js";
import { root } from "./scene.js";

function runningHost(spec = config()) {
	const native = host(spec);
	native.messages.push({ type: "closed" });
	return native;
}

t.test("the foreground: start, supervise, the status, and nothing left", async (t) => {
	const native = runningHost();
	native.exitStatus = 7;
	t.equal(run(native, request), 7);
	t.strictSame(order(native, "setSubreaper", "startInit", "send", "supervise", "removeTree"), [
		"setSubreaper",
		"startInit",
		"send",
		"supervise",
		"removeTree",
	]);
	t.match(native.callsOf("send"), [{ type: "start" }]);
	t.match(native.callsOf("supervise"), [{ pid: 500, pidfd: 60, subreaper: true }]);
	t.strictSame(native.callsOf("sendListener"), [], "nobody else starts it");
	t.strictSame(leftovers(native), []);
});

t.test("--keep keeps it, --no-subreaper adopts nobody", async (t) => {
	const native = runningHost();
	run(native, { ...request, keep: true, noSubreaper: true });
	t.ok(native.files.has(`${root}/web/state.json`));
	t.strictSame(native.callsOf("setSubreaper"), []);
	t.match(native.callsOf("supervise"), [{ subreaper: false }]);
});

t.test("--detach leaves it running", async (t) => {
	const native = runningHost();
	t.equal(run(native, { ...request, detach: true, pidFile: "/run/p" }), 0);
	t.strictSame(native.callsOf("supervise"), []);
	t.ok(native.processes.has(500));
	t.equal(native.files.read("/run/p"), "500");
});

t.test("the terminal stays in the foreground", async (t) => {
	const native = runningHost(config({}, { terminal: true }));
	native.messages.splice(1, 0, { type: "terminal", fd: 70, name: "/dev/pts/0" });
	run(native, request);
	t.match(native.callsOf("supervise"), [{ terminal: 70 }]);
	t.throws(() => run(runningHost(config({}, { terminal: true })), { ...request, consoleSocket: "/s" }), {
		message: "runc run failed: cannot use console socket if runc will not detach or allocate tty",
	});
});

t.test("an exec that fails", async (t) => {
	const native = host();
	const exec = 99;
	native.messages.push({ type: "failure", step: exec, syscall: "execve", errno: 8, code: "ENOEXEC" });
	t.throws(() => run(native, request), { message: /^runc run failed: / });
	t.strictSame(leftovers(native), []);
});

t.test("a failing poststart hook ends the container, poststop hooks run", async (t) => {
	const native = runningHost(config({ hooks: { poststart: [{ path: "/p" }], poststop: [{ path: "/z" }] } }));
	native.hookResults = [{ status: 2 }];
	t.throws(() => run(native, request), { message: "runc run failed: error running poststart hook #0: exit status 2" });
	t.match(native.callsOf("runHook"), [{ path: "/p" }, { path: "/z" }]);
	t.match(JSON.parse(String(native.callsOf("runHook")[0]?.stdin)), { status: "running", pid: 500 });
	t.strictSame(native.callsOf("supervise"), []);
	t.strictSame(leftovers(native), []);
});

t.test("sd_notify", async (t) => {
	const env = { NOTIFY_SOCKET: "/run/systemd/notify" };
	const foreground = runningHost();
	run(foreground, { ...request, env });
	t.match(foreground.callsOf("bindNotify"), [{ path: `${root}/web/notify/notify.sock` }]);
	t.match(foreground.callsOf("supervise"), [{ notify: { target: "/run/systemd/notify" } }]);
	const detached = runningHost();
	run(detached, { ...request, env, detach: true });
	t.match(detached.callsOf("forwardNotify"), [{ target: "/run/systemd/notify", pid: 500, pidfd: 60 }]);
});

t.test("a pid file that cannot be written: the program never ran", async (t) => {
	const native = runningHost();
	t.throws(() => run(native, { ...request, pidFile: "/nowhere/pid" }), { message: /unable to write pid file/ });
	t.strictSame(native.callsOf("send"), []);
	t.strictSame(leftovers(native), []);
});

t.test("deleted by somebody while it ran", async (t) => {
	const native = runningHost();
	native.supervise = () => {
		native.files.removeTree(`${root}/web`);
		return 137;
	};
	t.equal(run(native, request), 137);
});
