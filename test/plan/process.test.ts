import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { CreateOptions, HostFacts } from "../../src/plan/input.js";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

type Process = NonNullable<Spec["process"]>;

function withProcess(process: Partial<Process>, options: Partial<CreateOptions> = {}, host: Partial<HostFacts> = {}) {
	const spec = defaultSpec();
	return compile({ ...spec, process: { ...spec.process, ...process } }, { options, host });
}

t.test("environment: the last of several counts", async (t) => {
	const plan = withProcess({ env: ["A=1", "PATH=/first", "B=2", "A=3", "PATH=/bin", "HOME=/h", "odd"] });
	t.strictSame(stepOf(plan, "exec").env, ["B=2", "A=3", "PATH=/bin", "HOME=/h", "odd"]);
	t.equal(stepOf(plan, "process.lookup").searchPath, "/bin");
});

t.test("HOME comes from the container's users where the configuration has none", async (t) => {
	const user = { uid: 1000, gid: 1000 };
	t.equal(stepsOf(withProcess({ env: ["HOME=/h"], user }), "process.home").length, 0);
	t.match(stepOf(withProcess({ env: [], user }), "process.home"), { uid: 1000 });
	const empty = withProcess({ env: ["HOME="], user });
	t.equal(stepsOf(empty, "process.home").length, 1, "an empty one is none");
	t.strictSame(stepOf(empty, "exec").env, []);
});

t.test("without PATH nothing is found by name, as in runc", async (t) => {
	t.equal(stepOf(withProcess({ env: [], args: ["true"] }), "process.lookup").searchPath, "");
});

t.test("sd_notify and socket activation", async (t) => {
	const plan = withProcess(
		{ env: ["NOTIFY_SOCKET=/host"] },
		{ notifyDirectory: "/run/c1/notify", listenFds: 2, preserveFds: 3 },
	);
	t.strictSame(stepOf(plan, "exec").env, ["NOTIFY_SOCKET=/run/notify/notify.sock", "LISTEN_FDS=2", "LISTEN_PID=1"]);
	t.equal(stepOf(plan, "exec").preserveFds, 5);
	const bind = stepsOf(plan, "mount.bind").find(({ destination }) => destination === "/run/notify");
	t.match(bind, {
		source: "/run/c1/notify",
		tree: false,
		attributes: { set: ["rdonly", "nosuid", "nodev", "noexec"] },
	});
	t.strictSame(stepOf(withProcess({ env: [] }), "exec").env, [], "nothing without them");
});

t.test("user", async (t) => {
	t.match(stepOf(withProcess({ user: { uid: 7, gid: 8, additionalGids: [9], umask: 0o77 } }), "process.user"), {
		uid: 7,
		gid: 8,
		additionalGids: [9],
		umask: 0o77,
		setgroups: true,
		keepCapabilities: true,
	});
	t.equal(stepOf(withProcess({ user: { uid: 0, gid: 0, umask: 0 } }), "process.user").umask, 0);
	t.equal(stepOf(withProcess({ user: { uid: 0, gid: 0 } }), "process.user").umask, 0o022);
});

t.test("terminal", async (t) => {
	const plan = withProcess({ terminal: true, consoleSize: { height: 25, width: 80 }, user: { uid: 5, gid: 5 } });
	t.match(stepOf(plan, "console.create"), { uid: 5, bind: true, size: { height: 25, width: 80 } });
	t.equal(stepsOf(withProcess({ terminal: false, consoleSize: { height: 1, width: 1 } }), "console.create").length, 0);
});

t.test("oom_score_adj is touched only when it is set", async (t) => {
	t.match(stepOf(withProcess({ oomScoreAdj: 0 }), "process.oomScoreAdj"), { value: 0 });
	t.equal(stepsOf(withProcess({}), "process.oomScoreAdj").length, 0);
});

t.test("limits stay exact", async (t) => {
	const rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 18446744073709551615n }];
	t.match(stepsOf(withProcess({ rlimits }), "process.rlimit"), [
		{ type: "RLIMIT_CORE", soft: "0", hard: "18446744073709551615" },
	]);
});

t.test("the working directory is tried before and after the change of user", async (t) => {
	const plan = withProcess({ cwd: "/home/u" });
	const [before, after] = stepsOf(plan, "process.cwd");
	t.match(before, { path: "/home/u", deferrable: true });
	t.strictSame(after, { op: "process.cwd", at: "/process/cwd", path: "/home/u" });
	const user = position(plan, ({ op }) => op === "process.user");
	t.ok(plan.init.indexOf(before as never) < user && user < plan.init.indexOf(after as never));
});

t.test("where start comes from", async (t) => {
	t.equal(stepOf(withProcess({}, { startVia: "channel" }), "start.wait").via, "channel");
});

t.test("capabilities: unknown and ungrantable ones are dropped", async (t) => {
	const names = ["CAP_KILL", "CAP_SYS_RESOURCE", "CAP_NONSENSE"];
	const capabilities = { bounding: names, effective: names, permitted: names, inheritable: names, ambient: names };
	const plan = withProcess({ capabilities }, {}, { capabilities: ["CAP_KILL", "CAP_CHOWN"] });
	t.strictSame(stepOf(plan, "capabilities.bound").keep, ["CAP_KILL"]);
	t.match(stepOf(plan, "capabilities.apply"), {
		effective: ["CAP_KILL"],
		permitted: ["CAP_KILL"],
		inheritable: ["CAP_KILL"],
		ambient: ["CAP_KILL"],
	});
	t.strictSame(
		plan.warnings.map(({ at }) => at),
		["bounding", "permitted", "effective", "inheritable", "ambient"].map((set) => `/process/capabilities/${set}/1`),
		"the unknown one is the bundle's to warn about",
	);
});

t.test("capabilities: what capset would refuse is dropped", async (t) => {
	const plan = withProcess({
		capabilities: {
			bounding: ["CAP_KILL"],
			permitted: ["CAP_KILL"],
			effective: ["CAP_KILL", "CAP_CHOWN"],
			inheritable: ["CAP_CHOWN"],
			ambient: ["CAP_KILL"],
		},
	});
	t.match(stepOf(plan, "capabilities.apply"), { effective: ["CAP_KILL"], inheritable: [], ambient: [] });
	t.strictSame(
		plan.warnings.map(({ at, message }) => `${at} ${message}`),
		[
			'/process/capabilities/effective/1 capability "CAP_CHOWN" is not granted: it is not in the permitted set',
			'/process/capabilities/inheritable/0 capability "CAP_CHOWN" is not granted: it is not in the bounding set',
		],
	);
	const spec = defaultSpec();
	delete spec.process.capabilities;
	t.strictSame(stepOf(compile(spec), "capabilities.bound").keep, [], "no object: none");
});

t.test("an ordinary user may enter a container that waits, if nobody else is in it", async (t) => {
	const spec = defaultSpec();
	const others = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "pid" && type !== "user");
	const waits = (more: { type: "pid" | "user"; path?: string }[], euid: number, via: "socket" | "channel") => {
		const maps = [{ containerID: 0, hostID: 1000, size: 1 }];
		const linux = { ...spec.linux, namespaces: [...others, ...more], uidMappings: maps, gidMappings: maps };
		return stepOf(compile({ ...spec, linux }, { options: { startVia: via }, host: { euid } }), "start.wait").enterable;
	};
	const alone = [{ type: "pid" as const }, { type: "user" as const }];
	t.equal(waits(alone, 1000, "socket"), true);
	t.equal(waits(alone, 0, "socket"), undefined, "the host's root may in any case");
	t.equal(waits(alone, 1000, "channel"), undefined, "run does not wait");
	t.equal(waits([{ type: "pid", path: "/proc/1/ns/pid" }, { type: "user" }], 1000, "socket"), undefined);
	t.equal(waits([{ type: "pid" }, { type: "user", path: "/proc/1/ns/user" }], 1000, "socket"), undefined);
});
