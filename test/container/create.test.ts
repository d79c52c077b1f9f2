import t from "tap";
import { create } from "../../src/container/create.js";
import { containerRecord } from "../../src/container/record.js";
import { state } from "../../src/container/state.js";
import { config, host, leftovers, order, request } from "./bundle.js";
import { root, type SceneNative } from "./scene.js";

t.test("the init starts before the cgroups are made, the record is written before them", async (t) => {
	const native = host();
	create(native, { ...request, pidFile: "/run/web.pid" });
	t.strictSame(
		order(
			native,
			"startInit",
			"sendPlan",
			"makeDirectory",
			"replaceFile",
			"executeHostSteps",
			"sendCgroups",
			"receive",
		),
		["startInit", "sendPlan", "makeDirectory", "replaceFile", "executeHostSteps", "sendCgroups", "receive"],
	);
	const [early, final, pidFile] = native.callsOf("replaceFile");
	t.match(JSON.parse(String(early?.text)), { init_process_pid: 0, cgroup_paths: { pids: "/sys/fs/cgroup/pids/web" } });
	const record = containerRecord.parse(JSON.parse(String(final?.text)));
	t.match(record, { init_process_pid: 500, init_process_start: 1000, namespace_paths: { NEWPID: "/proc/500/ns/pid" } });
	t.match(pidFile, { path: "/run/web.pid", text: "500" });
	t.match(native.callsOf("close").length, 3, "channel, pidfd and lock are given back");
	t.equal(state(native, request).status, "created");
});

t.test("the init gets its steps and not the seccomp profile, whose filter follows", async (t) => {
	const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }] };
	const native = host(config({ linux: { namespaces: [{ type: "pid" }, { type: "mount" }], seccomp } }));
	create(native, request);
	t.strictSame(Object.keys(native.sentPlan()).sort(), ["id", "init", "version"]);
	t.match(native.callsOf("sendSeccomp"), [{ program: new Uint8Array(8) }]);
	t.ok(native.files.paths().some((path) => path.startsWith(`${root}/@seccomp/`)));
});

t.test("once there is a process, its end is waited for beside its words", async (t) => {
	const native = host();
	create(native, request);
	const waits = native.callsOf("receive").map(({ pidfd }) => pidfd);
	t.equal(waits[0], undefined);
	t.ok(waits.length > 1 && waits.slice(1).every((pidfd) => pidfd === 60), JSON.stringify(waits));
});

t.test("an id that is taken", async (t) => {
	const native = host();
	native.files.putDirectory(`${root}/web`);
	t.throws(() => create(native, request), {
		code: "container.exists",
		message: "runc create failed: container with given ID already exists",
	});
	t.match(native.callsOf("endInit"), [{}]);
	t.ok(native.files.has(`${root}/web`));
});

t.test("what the init reports undoes everything", async (t) => {
	const native = host();
	native.messages = [
		{ type: "pid", pid: 500, pidfd: 60 },
		{ type: "failure", step: 1, syscall: "mount", errno: 1, code: "EPERM" },
	];
	t.throws(() => create(native, request), { message: /^runc create failed: unable to start container process: / });
	t.strictSame(leftovers(native), []);
	t.ok(order(native, "reap").length === 1, "and leaves no zombie");
	t.strictSame(native.callsOf("runHook"), []);
});

t.test("an init that ends before its process is known", async (t) => {
	const native = host();
	native.messages = [{ type: "closed" }];
	t.throws(() => create(native, request), { code: "init", message: /container init was killed before it was ready$/ });
	t.strictSame(leftovers(native), []);
	t.match(native.callsOf("endInit"), [{}], "was waited for");
	t.strictSame(native.callsOf("signalPid"), []);
});

t.test("an init that ran out of memory", async (t) => {
	const native = host();
	native.messages = [{ type: "pid", pid: 500, pidfd: 60 }, { type: "died" }];
	native.executeHostSteps = () => {
		native.files.put("/sys/fs/cgroup/memory/web/memory.oom_control", "under_oom 0\noom_kill 1\n");
		return undefined;
	};
	t.throws(() => create(native, request), { message: /container init was OOM-killed \(memory limit too low\?\)$/ });
});

t.test("hooks: prestart, then createRuntime, with the state", async (t) => {
	const hooks = { prestart: [{ path: "/a" }], createRuntime: [{ path: "/b" }], poststop: [{ path: "/z" }] };
	const native = host(config({ hooks, annotations: { k: "v" } }));
	native.messages.splice(1, 0, { type: "hooks" });
	create(native, request);
	t.match(native.callsOf("runHook"), [
		{ path: "/a", cwd: "/bundle" },
		{ path: "/b", cwd: "/bundle" },
	]);
	const states = native.callsOf("runHook").map(({ stdin }) => JSON.parse(String(stdin)));
	const state = { ociVersion: "1.2.0", id: "web", pid: 500, bundle: "/bundle", annotations: { k: "v" } };
	t.strictSame(states, [
		{ ...state, status: "created" },
		{ ...state, status: "creating" },
	]);
	t.match(native.callsOf("send"), [{ type: "hooks" }]);
});

t.test("a failing create hook undoes the container and runs poststop", async (t) => {
	const native = host(config({ hooks: { createRuntime: [{ path: "/b" }], poststop: [{ path: "/z" }] } }));
	native.messages.splice(1, 0, { type: "hooks" });
	native.hookResults = [{ status: 1, output: "no" }];
	t.throws(() => create(native, request), {
		code: "hook",
		message:
			"runc create failed: unable to start container process: error running createRuntime hook #0: exit status 1",
		context: { output: "no" },
	});
	t.match(native.callsOf("runHook"), [{ path: "/b" }, { path: "/z" }]);
	t.strictSame(leftovers(native), []);
});

t.test("a terminal goes to the console socket", async (t) => {
	const spec = config({}, { terminal: true });
	const native = host(spec);
	native.messages.splice(1, 0, { type: "terminal", fd: 70, name: "/dev/pts/0" });
	create(native, { ...request, consoleSocket: "/run/c.sock" });
	t.strictSame(native.callsOf("sendTerminal"), [{ socket: "/run/c.sock", fd: 70, name: "/dev/pts/0" }]);
	t.match(native.callsOf("close")[0], { fd: 70 });
	t.throws(() => create(host(spec), request), {
		message: "runc create failed: cannot allocate tty if runc will detach without setting console socket",
	});
	t.throws(() => create(host(), { ...request, consoleSocket: "/s" }), {
		message: "runc create failed: cannot use console socket if runc will not detach or allocate tty",
	});
});

t.test("a pidfd goes to its socket", async (t) => {
	const native = host();
	create(native, { ...request, pidfdSocket: "/run/p.sock" });
	t.match(native.callsOf("sendTerminal"), [{ socket: "/run/p.sock", fd: Number, name: "standard" }]);
});

t.test("cgroup v2: the cgroup is there before the clone", async (t) => {
	const native = host(config(), "v2");
	create(native, request);
	t.strictSame(order(native, "executeHostSteps", "sendPlan"), ["executeHostSteps", "sendPlan"]);
	t.match(JSON.parse(native.readText({ path: `${root}/web/state.json` })), {
		cgroup_paths: { "": /^\/sys\/fs\/cgroup\/web$/ },
	});
});

t.test("a cgroup with processes in it is not shared, and not emptied", async (t) => {
	const native = host();
	native.processes.set(900, { startTime: "1", state: "S" });
	native.addCgroup("/sys/fs/cgroup/memory/web", [900]);
	t.throws(() => create(native, request), {
		code: "cgroup",
		message: "runc create failed: container's cgroup is not empty: 1 process(es) found",
	});
	t.ok(native.processes.has(900));
	t.strictSame(leftovers(native), ["/sys/fs/cgroup/memory/web"]);
});

t.test("no permission for cgroups is an error", async (t) => {
	const native = host();
	native.hostFailure = { step: 0, syscall: "mkdir", errno: 13, code: "EACCES", detail: "/sys/fs/cgroup/pids/web" };
	t.throws(() => create(native, request), { message: /permission denied/ });
	t.strictSame(leftovers(native), []);
});

t.test("without root a container has a cgroup only when it asks for one; --rootless says otherwise", async (t) => {
	const made = (rootless: boolean | undefined, euid: number, linux: object = {}): boolean => {
		const mappings = [{ containerID: 0, hostID: 0, size: 1 }];
		const namespaces = [{ type: "mount" }, { type: "user" }];
		const native = host(config({ linux: { namespaces, uidMappings: mappings, gidMappings: mappings, ...linux } }));
		native.identityFacts = { ...native.identityFacts, euid };
		create(native, { ...request, ...(rootless === undefined ? {} : { rootless }) });
		return native.callsOf("executeHostSteps").some(({ steps }) => String(steps).includes("cgroup.create"));
	};
	t.equal(made(undefined, 0), true);
	t.equal(made(undefined, 1000), false);
	t.equal(made(true, 0), false);
	t.equal(made(false, 1000), true);
	t.equal(made(true, 1000, { cgroupsPath: "/delegated/web" }), true);
	t.equal(made(true, 1000, { resources: { pids: { limit: 5 } } }), true);
	t.equal(made(true, 1000, { resources: { devices: [{ allow: false, access: "rwm" }] } }), false);
});

t.test("a user needs a user namespace", async (t) => {
	const native = host();
	native.identityFacts = { ...native.identityFacts, euid: 1000 };
	t.throws(() => create(native, request), {
		message: "runc create failed: rootless container requires user namespaces",
		context: { pointer: "/linux/namespaces", hint: /spec --rootless/ },
	});
	t.strictSame(leftovers(native), []);
});

t.test("mappings beside a joined user namespace must be those that it has", async (t) => {
	const joined = (uidMap: string): SceneNative => {
		const mappings = [{ containerID: 0, hostID: 1000, size: 10 }];
		const namespaces = [{ type: "mount" }, { type: "user", path: "/proc/7/ns/user" }];
		const native = host(config({ linux: { namespaces, uidMappings: mappings, gidMappings: mappings } }));
		native.files.put("/proc/500/uid_map", uidMap);
		native.files.put("/proc/500/gid_map", "         0       1000         10\n");
		return native;
	};
	create(joined("         0       1000         10\n"), request);
	create(joined("         4       1004          6\n         0       1000          4\n"), request);
	const other = joined("         0       2000         10\n");
	t.throws(() => create(other, request), {
		message: "runc create failed: the user namespace /proc/7/ns/user has other uid mappings",
		context: {
			pointer: "/linux/uidMappings",
			hint: "it has 0:2000:10 (container:host:size), the configuration says 0:1000:10",
		},
	});
	t.strictSame(leftovers(other), []);
});

t.test("descriptors to pass must be open", async (t) => {
	const native = host();
	native.firstClosedFd = 5;
	const env = { LISTEN_FDS: "1", LISTEN_PID: String(process.pid) };
	t.throws(() => create(native, { ...request, env, preserveFds: 3 }), {
		message: /unable to stat preserved-fd 1 \(of 3\)/,
	});
	create(native, { ...request, env, preserveFds: 1 });
	t.match(native.callsOf("startInit"), [{ preserveFds: 2 }]);
});

t.test("LISTEN_FDS for another process is none of ours", async (t) => {
	const native = host();
	create(native, { ...request, env: { LISTEN_FDS: "2", LISTEN_PID: "1" } });
	t.match(native.callsOf("startInit"), [{ preserveFds: 0 }]);
});

t.test("a cgroup in which another container is being created", async (t) => {
	const native = host();
	const busy = Object.assign(new Error("flock"), { syscall: "flock", errno: 11, code: "EAGAIN" });
	const lock = native.lockDirectory.bind(native);
	native.lockDirectory = (options) => {
		if (options.path.startsWith("/sys/fs/cgroup")) throw busy;
		return lock(options);
	};
	native.executeHostSteps = () => {
		for (const name of ["pids", "freezer"]) native.addCgroup(`/sys/fs/cgroup/${name}/web`, [77]);
		return undefined;
	};
	native.processes.set(77, { startTime: "1", state: "S" });
	t.throws(() => create(native, request), {
		message: "runc create failed: container's cgroup is not empty: another container is being created in it",
		context: { pointer: "/linux/cgroupsPath" },
	});
	t.ok(native.processes.has(77), "its process lives");
	t.ok(native.files.has("/sys/fs/cgroup/pids/web"), "its cgroup stays");
	t.notOk(native.files.has(`${root}/web`), "of the one that failed nothing is left");
});
