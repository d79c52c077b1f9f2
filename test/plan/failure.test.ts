import t from "tap";
import type { RuntimeError } from "../../src/errors.js";
import { explainFailure, explainHostFailure, type FailedStep } from "../../src/plan/failure.js";
import type { HostStep, InitStep, Plan } from "../../src/plan/schema.js";

const errnos: Record<string, number> = {
	EBADMSG: 74,
	EPERM: 1,
	ENOENT: 2,
	EACCES: 13,
	EEXIST: 17,
	ENODEV: 19,
	ENOTDIR: 20,
	EISDIR: 21,
	EINVAL: 22,
	ENOSPC: 28,
};

function planWith(changes: Partial<Plan>): Plan {
	return {
		version: 1,
		id: "c",
		bundle: "/b",
		rootfs: "/b/r",
		host: [],
		cgroups: [],
		init: [],
		warnings: [],
		...changes,
	};
}

function fail(step: InitStep, code: string, syscall: string, detail?: string): RuntimeError {
	const failure: FailedStep = {
		step: 0,
		syscall,
		errno: errnos[code] ?? 0,
		code,
		...(detail === undefined ? {} : { detail }),
	};
	return explainFailure(planWith({ init: [step] }), failure);
}

const init = "unable to start container process: error during container init: ";
const proc: InitStep = {
	op: "mount.filesystem",
	at: "/mounts/0",
	destination: "/proc",
	type: "proc",
	source: "proc",
	options: [],
	superblock: [],
};

t.test("a mount names both ends, the config value, and what to do", async (t) => {
	const error = fail(proc, "EPERM", "fsconfig", "proc");
	t.equal(
		error.message,
		`${init}error mounting "proc" to rootfs at "/proc": mount proc on /proc: operation not permitted (config.json#/mounts/0)`,
	);
	t.match(error.context, {
		pointer: "/mounts/0",
		step: "mount.filesystem",
		syscall: "fsconfig",
		errno: "EPERM",
		hint: /pid namespace/,
	});
	t.equal(error.code, "init");
	t.match(fail({ ...proc, type: "none" }, "ENODEV", "fsopen", "none").context.hint, /options have bind or rbind/);
	t.match(fail({ ...proc, type: "nofs" }, "ENODEV", "fsopen", "nofs").context.hint, /no filesystem "nofs"/);
});

t.test("the kernel's own words about a filesystem come through", async (t) => {
	const step: InitStep = { ...proc, type: "tmpfs", source: "tmpfs", destination: "/t", options: [["size", "x"]] };
	t.match(
		fail(step, "EINVAL", "fsconfig", "tmpfs: Bad value for 'size'").message,
		/\/t \(size=x\): tmpfs: Bad value for 'size': invalid argument/,
	);
	t.match(
		fail(proc, "ENOTDIR", "openat2", "must be mounted on ordinary directory").message,
		/must be mounted on ordinary directory/,
	);
});

t.test("a bind whose source is missing", async (t) => {
	const error = fail(
		{ op: "mount.bind", at: "/mounts/2", destination: "/d", source: "/nope", tree: true },
		"ENOENT",
		"open_tree",
		"/nope",
	);
	t.equal(
		error.message,
		`${init}error mounting "/nope" to rootfs at "/d": bind /nope on /d (with its submounts): no such file or directory (config.json#/mounts/2)`,
	);
	t.equal(error.context.hint, "the source /nope does not exist on the host");
});

t.test("lookup: texts that engines turn into 126 and 127", async (t) => {
	const lookup = (file: string, code: string, searchPath = "/bin") =>
		fail({ op: "process.lookup", file, searchPath }, code, "stat", file);
	const start = "unable to start container process: exec: ";
	const table: [RuntimeError, string, string][] = [
		[lookup("x", "ENOENT"), `${start}"x": executable file not found in $PATH`, "exec.not-found"],
		[lookup("x", "ENOENT", ""), `${start}"x": executable file not found in $PATH`, "exec.not-found"],
		[lookup("/x", "ENOENT"), `${start}"/x": stat /x: no such file or directory`, "exec.not-found"],
		[lookup("/etc", "EISDIR"), `${start}"/etc": permission denied`, "exec.permission"],
		[lookup("/x", "EACCES"), `${start}"/x": permission denied`, "exec.permission"],
		[lookup("/a/x", "ENOTDIR"), `${start}"/a/x": stat /a/x: not a directory`, "exec.not-found"],
	];
	for (const [error, message, code] of table) {
		t.equal(error.message, message);
		t.equal(error.code, code);
	}
	t.equal(lookup("x", "ENOENT", "").context.hint, "process.env has no PATH");
});

t.test("exec", async (t) => {
	const error = fail({ op: "exec", args: ["/run.sh"], env: [], preserveFds: 0 }, "ENOENT", "execve", "/run.sh");
	t.equal(error.message, "exec /run.sh: no such file or directory");
	t.match(error.context.hint, /interpreter/);
});

t.test("hooks", async (t) => {
	const step: InitStep = {
		op: "hook.run",
		at: "/hooks/createContainer/1",
		stage: "createContainer",
		index: 1,
		path: "/h",
		args: ["h"],
		env: [],
		timeout: 2,
		state: {},
	};
	const prefix = `${init}error running createContainer hook #1: `;
	const suffix = " (config.json#/hooks/createContainer/1)";
	const table: [string, string, string][] = [
		["exit status 3: no\nway\n", "", "exit status 3, output: no; way"],
		["exit status 1: ", "", "exit status 1"],
		["signal 9: ", "", "signal 9"],
		["timed out: ", "ETIMEDOUT", "timed out after 2 s"],
		["/h", "ENOENT", "/h: no such file or directory"],
		["execve", "EACCES", "execve /h: permission denied"],
	];
	for (const [detail, code, expected] of table) {
		const error = fail(step, code, "hook", detail);
		t.equal(error.message, prefix + expected + suffix, detail);
		t.equal(error.code, "hook");
	}
	t.match(fail(step, "", "hook", "exit status 3: words").context, { output: "words", path: "/h" });
});

t.test("runc's words for other steps", async (t) => {
	const table: [RuntimeError, RegExp][] = [
		[
			fail({ op: "process.cwd", path: "/w" }, "ENOENT", "chdir", "/w"),
			/: chdir to cwd \("\/w"\) set in config.json failed: no such file or directory$/,
		],
		[
			fail(
				{ op: "process.cwd", path: "/w" },
				"EXDEV",
				"chdir",
				"current working directory is outside of container mount namespace root",
			),
			/outside of container mount namespace root/,
		],
		[
			fail({ op: "capabilities.apply", effective: [], permitted: [], inheritable: [], ambient: [] }, "EPERM", "capset"),
			/unable to apply caps: .*operation not permitted$/,
		],
		[
			fail(
				{ op: "process.rlimit", at: "/process/rlimits/0", type: "RLIMIT_NOFILE", soft: "1", hard: "1" },
				"EPERM",
				"setrlimit",
			),
			/error setting rlimits for ready process: error setting rlimit type RLIMIT_NOFILE: operation not permitted \(config/,
		],
		[
			fail({ op: "root.enter", method: "pivot" }, "EINVAL", "pivot_root"),
			/error jailing process inside rootfs: .*invalid argument$/,
		],
		[fail({ op: "path.mask", path: "/p" }, "EACCES", "openat2", "/p"), /can't mask path "\/p": .*permission denied$/],
		[
			fail({ op: "sysctl.write", key: "net.x", path: "net/x", value: "1" }, "ENOENT", "openat2", "net/x"),
			/write sysctl key net.x: /,
		],
		[
			fail({ op: "process.personality", domain: "LINUX32" }, "EINVAL", "personality", "LINUX32"),
			/error setting personality: set the execution domain to LINUX32: invalid argument$/,
		],
		[
			fail({ op: "process.ioPriority", class: "IOPRIO_CLASS_RT", priority: 0 }, "EPERM", "ioprio_set"),
			/failed to set io priority: .*operation not permitted$/,
		],
		[
			fail(
				{ op: "process.attribute", at: "/process/apparmorProfile", files: ["attr/exec"], value: "exec p" },
				"ENOENT",
				"write",
				"1/task/1/attr/exec",
			),
			/unable to apply apparmor profile: .*no such file or directory \(config\.json#\/process\/apparmorProfile\)$/,
		],
		[
			fail(
				{ op: "process.attribute", at: "/process/selinuxLabel", files: ["attr/exec"], value: "l" },
				"EINVAL",
				"write",
			),
			/can't set process label: /,
		],
	];
	for (const [error, pattern] of table) t.match(error.message, pattern);
});

t.test("every errno that has no text keeps its name", async (t) => {
	t.match(fail(proc, "EBADMSG", "fsopen").message, /mount proc on \/proc: EBADMSG \(/);
});

t.test("a failure beside the plan", async (t) => {
	const error = explainFailure(planWith({}), {
		step: -1,
		syscall: "plan",
		errno: 71,
		code: "EPROTO",
		detail: "not JSON",
	});
	t.equal(error.message, `${init}plan: not JSON: protocol error`);
});

t.test("host steps", async (t) => {
	const fails = (step: HostStep, code: string): RuntimeError =>
		explainHostFailure(planWith({ host: [step] }), { step: 0, syscall: "write", errno: errnos[code] ?? 0, code });
	const write = fails(
		{ op: "cgroup.write", at: "/linux/resources/pids/limit", path: "/c/pids.max", value: "x" },
		"EINVAL",
	);
	t.match(
		write.message,
		/^unable to start container process: error setting cgroup config .*write x to \/c\/pids.max: invalid argument \(config/,
	);
	t.match(write.context, {
		pointer: "/linux/resources/pids/limit",
		errno: "EINVAL",
		hint: "the kernel refuses the value",
	});
	t.match(
		fails({ op: "cgroup.create", path: "/c" }, "EACCES").message,
		/unable to apply cgroup configuration: make cgroup \/c: permission denied$/,
	);
	const taken = fails({ op: "netDevice.move", at: "/linux/netDevices/eth0", device: "eth0", name: "lo" }, "EEXIST");
	t.match(
		taken.message,
		/error moving network devices: move network device eth0 into the container as lo: file exists \(config\.json#\/linux\/netDevices\/eth0\)$/,
	);
	t.match(taken.context.hint, /one that ends in %d is made unique/);
	const step: HostStep = { op: "resctrl.schemata", root: "/r", path: "/r/c", value: "L3:0=0\n" };
	const resctrl = explainHostFailure(planWith({ host: [step] }), {
		step: 0,
		syscall: "write",
		errno: 22,
		code: "EINVAL",
		detail: "Mask out of range",
	});
	t.match(
		resctrl.message,
		/unable to apply Intel RDT configuration: write L3:0=0 to \/r\/c\/schemata: invalid argument \(Mask out of range\)$/,
	);
	t.match(fails({ op: "idmap.write", uid: [], gid: [], denySetgroups: false }, "EPERM").context.hint, /subuid/);
});

t.test("id maps: what newuidmap said, and where to look", async (t) => {
	const step: HostStep = {
		op: "idmap.write",
		at: "/linux/uidMappings",
		uid: [[0, 1, 2]],
		gid: [],
		denySetgroups: false,
	};
	const failed = (code: string, detail: string): RuntimeError =>
		explainHostFailure(planWith({ host: [step] }), {
			step: 0,
			syscall: "newuidmap",
			errno: errnos[code] ?? 0,
			code,
			detail,
		});
	const refused = failed("EPERM", "newuidmap: uid range [0-2) -> [1-3) not allowed");
	t.match(
		refused.message,
		/\(1 uid range, 0 gid ranges\): newuidmap: uid range \[0-2\) -> \[1-3\) not allowed: operation/,
	);
	t.match(refused.context.hint, /subuid/);
	t.match(failed("ENOENT", "newuidmap").context.hint, /only with newuidmap/);
});

t.test("in a user namespace: devices, shared mounts, groups, cgroups", async (t) => {
	const device: InitStep = { op: "device.bind", source: "/dev/x", path: "/dev/x", kind: "c", major: 1, minor: 3 };
	t.match(fail(device, "ENOENT", "open_tree", "/dev/x").context.hint, /the host has no \/dev\/x/);
	t.match(fail(device, "ENXIO", "open_tree", "/dev/x").context.hint, /\/dev\/x on the host is another device/);
	t.equal(fail(device, "ENOENT", "openat2", "/dev/x").context.hint, undefined);
	const queues: InitStep = { ...proc, destination: "/dev/mqueue", type: "mqueue", ifForbidden: "/dev/mqueue" };
	t.match(fail(queues, "ENOENT", "open_tree", "/dev/mqueue").context.hint, /nothing at \/dev\/mqueue/);
	const user: InitStep = {
		op: "process.user",
		uid: 0,
		gid: 0,
		additionalGids: [5],
		setgroups: true,
		setgroupsMayBeDenied: true,
		keepCapabilities: true,
	};
	t.equal(fail(user, "EPERM", "setgroups").context.hint, "the user namespace denies setgroups");
	const cgroup: HostStep = { op: "cgroup.create", at: "/linux/cgroupsPath", path: "/sys/fs/cgroup/pids/c" };
	const failure = { step: 0, syscall: "mkdir", errno: 13, code: "EACCES" };
	t.match(explainHostFailure(planWith({ host: [cgroup] }), failure).context.hint, /delegated/);
});

t.test("systemd says what it does not take, and the value behind that is named", async (t) => {
	const bus = [{ address: "unix:path=/run/systemd/private", broker: false }];
	const step: HostStep = {
		op: "systemd.start",
		at: "/linux/cgroupsPath",
		unit: "u.scope",
		bus,
		cgroup: "/u.scope",
		version: 252,
		enter: true,
		properties: [
			{ name: "TasksMax", signature: "t", value: "5", at: "/linux/resources/pids/limit" },
			{ name: "Odd", signature: "s", value: "x", at: "/annotations/org.systemd.property.Odd" },
		],
	};
	const explain = (code: string, syscall: string, detail: string, failing: HostStep = step) =>
		explainHostFailure(planWith({ host: [failing] }), { step: 0, syscall, errno: errnos[code] ?? 0, code, detail });
	const odd = explain("EINVAL", "sd_bus_call", "Cannot set property Odd, or unknown property.");
	t.equal(
		odd.message,
		'unable to start container process: unable to apply cgroup configuration: unable to start systemd unit "u.scope": Cannot set property Odd, or unknown property. (config.json#/annotations/org.systemd.property.Odd)',
	);
	t.match(odd, {
		code: "cgroup",
		context: { pointer: "/annotations/org.systemd.property.Odd", step: "systemd.start" },
	});
	t.match(explain("EEXIST", "sd_bus_call", "Unit u.scope already exists."), {
		message: /already exists\. \(config\.json#\/linux\/cgroupsPath\)$/,
		context: { pointer: "/linux/cgroupsPath", hint: /another container/ },
	});
	// systemd says no name when only the type is wrong.
	t.match(explain("EBADMSG", "sd_bus_call", "Failed to set unit properties: Unexpected message contents"), {
		context: { pointer: "/annotations/org.systemd.property.Odd", hint: /a property has a type/ },
	});
	t.match(explain("EXDEV", "cgroup", "elsewhere").context.hint, /another slice/);
	t.match(
		explain("EIO", "job", "it failed", { op: "systemd.stop", unit: "u.scope", bus }).message,
		/unable to stop systemd unit "u.scope": it failed$/,
	);
});
