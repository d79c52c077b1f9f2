/** The systemd driver, on a fake host: which calls are made, in which order, and what is taken back. */
import t from "tap";
import { create } from "../../src/container/create.js";
import { destroy } from "../../src/container/delete.js";
import { containerRecord } from "../../src/container/record.js";
import { findSystemd } from "../../src/container/systemd.js";
import type { FakeNative } from "../../src/native/fake.js";
import { config, host, leftovers, order, request } from "./bundle.js";
import { root } from "./scene.js";

const scope = "/sys/fs/cgroup/system.slice/runtime-ts-web.scope";

function withSystemd(hierarchy: "v1" | "v2" = "v2", spec = config()) {
	const native = host(spec, hierarchy);
	native.systemd = { version: "252.39-1~deb12u2", controlGroup: "" };
	return native;
}

const asked = { ...request, systemdCgroup: true };

function hostSteps(native: FakeNative): { ops: string[]; pid: unknown }[] {
	return native.callsOf("executeHostSteps").map(({ steps, pid }) => ({
		ops: (JSON.parse(String(steps)) as { op: string }[]).map(({ op }) => op),
		pid,
	}));
}

t.test("the unit gets the init before that has heard of its steps", async (t) => {
	const native = withSystemd();
	create(native, asked);
	t.strictSame(order(native, "startInit", "replaceFile", "executeHostSteps", "sendPlan", "sendCgroups", "receive"), [
		"startInit",
		"replaceFile",
		"executeHostSteps",
		"sendPlan",
		"receive",
	]);
	const [start, files] = hostSteps(native);
	t.strictSame(start, { ops: ["systemd.start"], pid: native.initProcess });
	t.ok(files?.ops.every((op) => op.startsWith("cgroup.")));
	const record = containerRecord.parse(JSON.parse(native.files.read(`${root}/web/state.json`)));
	t.match(record, {
		cgroup_paths: { "": scope },
		runtime_ts: { systemd: { unit: "runtime-ts-web.scope", bus: [{ address: "unix:path=/run/systemd/private" }, {}] } },
	});
});

t.test("v1: the hierarchies that are not systemd's are joined", async (t) => {
	const native = withSystemd("v1");
	create(native, asked);
	t.strictSame(
		native.callsOf("sendCgroups").map(({ directories }) => directories),
		[
			["pids", "freezer", "memory", "devices", "cpu", "cpuset"].map(
				(controller) => `/sys/fs/cgroup/${controller}/system.slice/runtime-ts-web.scope`,
			),
		],
	);
});

t.test("delete stops the unit, and removes what is left of its cgroup", async (t) => {
	const native = withSystemd();
	create(native, asked);
	native.processes.delete(500);
	native.calls.length = 0;
	destroy(native, request);
	t.strictSame(hostSteps(native), [{ ops: ["systemd.stop"], pid: undefined }]);
	t.strictSame(order(native, "executeHostSteps", "removeDirectory", "removeTree"), [
		"executeHostSteps",
		"removeDirectory",
		"removeTree",
	]);
});

t.test("a systemd that is gone does not keep a container from being deleted: a warning", async (t) => {
	const native = withSystemd();
	create(native, asked);
	native.processes.delete(500);
	native.hostFailure = {
		step: 0,
		syscall: "connect",
		errno: 2,
		code: "ENOENT",
		detail: "unix:path=/run/systemd/private",
	};
	const warnings: string[] = [];
	destroy(native, { ...request, onWarning: (message) => warnings.push(message) });
	t.match(warnings, [/unable to stop systemd unit "runtime-ts-web.scope": unix:path=/]);
	t.notOk(native.files.has(`${root}/web`));
});

t.test("a unit of this name exists: refused, and not stopped", async (t) => {
	const native = withSystemd();
	native.hostFailure = { step: 0, syscall: "sd_bus_call", errno: 17, code: "EEXIST", detail: "Unit exists already." };
	t.throws(() => create(native, asked), { code: "cgroup", message: /Unit exists already/ });
	t.notOk(hostSteps(native).some(({ ops }) => ops.includes("systemd.stop")));
	t.strictSame(leftovers(native), []);
});

t.test("what fails otherwise is taken back, the unit too", async (t) => {
	const native = withSystemd();
	native.hostFailure = { step: 0, syscall: "job", errno: 5, code: "EIO", detail: "the job has failed" };
	t.throws(() => create(native, asked), { code: "cgroup", message: /the job has failed/ });
	t.ok(hostSteps(native).some(({ ops }) => ops.includes("systemd.stop")));
	t.strictSame(leftovers(native), []);
});

t.test("a signal while systemd is waited for", async (t) => {
	const native = withSystemd();
	native.hostFailure = { step: 0, syscall: "signal", errno: 4, code: "EINTR", detail: "15" };
	t.throws(() => create(native, asked), { code: "interrupted", message: /SIGTERM/, status: 143 });
	t.strictSame(leftovers(native), []);
});

t.test("no systemd: said before anything is made", async (t) => {
	const native = host(config(), "v2");
	t.throws(() => create(native, asked), {
		code: "host.unsupported",
		message:
			/systemd cgroup flag passed, but systemd support for managing cgroups is not available: connect unix:path=\/run\/systemd\/private: no such file/,
	});
	t.strictSame(leftovers(native), []);
});

t.test("whose systemd it is, and where", async (t) => {
	const native = withSystemd();
	const addresses = (euid: number, initialUserNamespace: boolean, env: Record<string, string>) =>
		findSystemd(native, { euid, initialUserNamespace }, env).bus.map(({ address, broker }) => [address, broker]);
	t.strictSame(addresses(0, true, {}), [
		["unix:path=/run/systemd/private", false],
		["unix:path=/run/dbus/system_bus_socket", true],
	]);
	t.strictSame(addresses(0, true, { DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/b" })[1], ["unix:path=/b", true]);
	t.strictSame(addresses(1000, true, { XDG_RUNTIME_DIR: "/run/user/1000" }), [
		["unix:path=/run/user/1000/systemd/private", false],
		["unix:path=/run/user/1000/bus", true],
	]);
	t.strictSame(
		addresses(0, false, { XDG_RUNTIME_DIR: "/a b", DBUS_SESSION_BUS_ADDRESS: "unix:abstract=x" }),
		[
			["unix:path=/a%20b/systemd/private", false],
			["unix:abstract=x", true],
		],
		"the root of a user namespace is the user",
	);
	t.throws(() => addresses(1000, true, {}), { code: "host.unsupported", message: /XDG_RUNTIME_DIR/ });
	t.match(findSystemd(native, { euid: 0, initialUserNamespace: true }, {}), { user: false, version: 252 });
	native.systemd = { version: "odd", controlGroup: "" };
	t.throws(() => addresses(0, true, {}), /it calls itself version "odd"/);
});
