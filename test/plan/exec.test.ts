/** The plan of exec as a value: the order of its steps, what comes from the container, what from the caller. */
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { Context, Process } from "../../src/plan/context.js";
import { compileExec, type ExecPlan, type ExecTarget } from "../../src/plan/exec.js";
import { execDefaults, restoreProcess } from "../../src/plan/exec-defaults.js";
import { execDefaults as defaultsSchema } from "../../src/plan/exec-schema.js";
import type { HostFacts } from "../../src/plan/input.js";
import { Namespaces } from "../../src/plan/namespaces.js";
import { type InitStep, type InitStepOf, initStep, type NamespaceType } from "../../src/plan/schema.js";
import { compile, defaultSpec, defaults, rootHost } from "./fixture.js";

interface Changes {
	process?: Partial<Process>;
	namespaces?: NamespaceType[];
	host?: Partial<HostFacts>;
	target?: Partial<ExecTarget>;
	inherited?: InitStep[];
	waits?: boolean;
	listenFds?: number;
	preserveFds?: number;
	annotations?: Record<string, string>;
	warnings?: string[];
}

const everyNamespace: NamespaceType[] = ["mount", "pid", "network", "ipc", "uts"];

function plan(changes: Changes = {}): ExecPlan {
	const process: Process = { args: ["ls", "-l"], cwd: "/", env: ["PATH=/bin"], ...changes.process };
	const { namespaces = everyNamespace, warnings = [], annotations = {} } = changes;
	const spec: Spec = { ociVersion: "1.3.0", process, root: { path: "/r" }, annotations };
	const context: Context = {
		id: "c1",
		bundle: { path: "/bundle", rootfs: "/r", spec, warnings: [] },
		spec,
		linux: {},
		process,
		host: { ...rootHost, ...changes.host },
		options: {
			...defaults,
			startVia: "channel",
			listenFds: changes.listenFds ?? 0,
			preserveFds: changes.preserveFds ?? 0,
		},
		namespaces: new Namespaces(namespaces.map((type) => ({ type, path: `/proc/7/ns/${type}` }))),
		cgroups: [],
		warn: (at, message) => warnings.push(`${at}: ${message}`),
	};
	const made = compileExec({
		context,
		target: { pid: 7, startTime: "123", tasks: [], ...changes.target },
		inherited: changes.inherited ?? [],
		waits: changes.waits === true,
	});
	for (const step of made.init) initStep.parse(JSON.parse(JSON.stringify(step)));
	return made;
}

const ops = ({ init }: ExecPlan): string[] => init.map(({ op }) => op);

function step<Op extends InitStep["op"]>({ init }: ExecPlan, op: Op): InitStepOf<Op> {
	const found = init.filter((candidate): candidate is InitStepOf<Op> => candidate.op === op);
	if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} steps ${op}`);
	return found[0];
}

t.test("a plain process: join, clone, enter, and what makes it what it is", async (t) => {
	t.same(ops(plan()), [
		"container.join",
		"clone",
		"container.enter",
		"capabilities.bound",
		"process.cwd",
		"process.user",
		"capabilities.apply",
		"process.cwd",
		"process.home",
		"process.lookup",
		"exec",
	]);
});

t.test("everything at once, in the order that the kernel and the profiles need", async (t) => {
	const made = plan({
		process: {
			terminal: true,
			consoleSize: { height: 24, width: 80 },
			user: { uid: 5, gid: 6 },
			oomScoreAdj: 7,
			rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
			selinuxLabel: "label",
			apparmorProfile: "profile",
			execCPUAffinity: { initial: "0", final: "1-2" },
			scheduler: { policy: "SCHED_BATCH" },
			ioPriority: { class: "IOPRIO_CLASS_BE", priority: 3 },
		},
		host: { apparmor: true, selinux: true },
		inherited: [
			{ op: "keyring.join", name: "_ses.c1" },
			{ op: "process.personality", domain: "LINUX32" },
			{ op: "process.memoryPolicy", mode: "MPOL_LOCAL", nodes: [], flags: [] },
			{ op: "seccomp.load", at: "/linux/seccomp", flags: [] },
		],
	});
	t.same(ops(made), [
		"process.oomScoreAdj",
		"process.affinity",
		"container.join",
		"clone",
		"container.enter",
		"process.affinity",
		"process.attribute",
		"keyring.join",
		"console.create",
		"process.attribute",
		"process.rlimit",
		"process.scheduler",
		"process.ioPriority",
		"process.personality",
		"process.memoryPolicy",
		"process.attribute",
		"capabilities.bound",
		"process.cwd",
		"process.user",
		"capabilities.apply",
		"process.cwd",
		"process.home",
		"process.lookup",
		"start.wait",
		"seccomp.load",
		"capabilities.apply",
		"exec",
	]);
	const affinities = made.init.filter(({ op }) => op === "process.affinity");
	t.match(affinities, [{ cpus: [0] }, { cpus: [1, 2] }], "initial before the cgroup, final in it");
	t.same(step(made, "keyring.join"), { op: "keyring.join", name: "_ses.c1", existing: true });
	t.match(step(made, "console.create"), { uid: 5, bind: false, size: { height: 24, width: 80 } });
	const capabilities = made.init.filter((s) => s.op === "capabilities.apply");
	t.match(
		capabilities,
		[{ effective: ["CAP_SYS_ADMIN"] }, { effective: [] }],
		"loading the filter takes CAP_SYS_ADMIN",
	);
});

t.test("where it goes", async (t) => {
	const v1 = plan({ target: { tasks: ["/sys/fs/cgroup/cpu/c1"] } });
	t.same(step(v1, "container.join"), {
		op: "container.join",
		pid: 7,
		startTime: "123",
		tasks: ["/sys/fs/cgroup/cpu/c1"],
	});
	t.same(step(v1, "clone"), { op: "clone", namespaces: [] });
	const v2 = plan({ target: { cgroup: "/sys/fs/cgroup/c1" } });
	t.equal(step(v2, "container.join").cgroup, "/sys/fs/cgroup/c1");
	t.equal(step(v2, "clone").cgroup, "/sys/fs/cgroup/c1");
	t.equal(step(plan({ namespaces: ["pid"], target: { root: "/r" } }), "container.join").root, "/r");
});

t.test("a working directory that is missing is not made", async (t) => {
	for (const found of plan({ process: { cwd: "/srv" } }).init) {
		if (found.op === "process.cwd") t.match(found, { path: "/srv", existing: true });
	}
});

t.test("a user namespace", async (t) => {
	const process: Partial<Process> = {
		user: { uid: 5, gid: 6 },
		rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
		scheduler: { policy: "SCHED_FIFO", priority: 2 },
	};
	const made = plan({ process, namespaces: ["user", ...everyNamespace] });
	t.match(step(made, "container.enter"), { uid: 5, gid: 6 });
	t.equal(step(made, "process.user").setgroupsMayBeDenied, true);
	t.match(made.init[0], { op: "process.rlimit", soft: "20", hard: "20" }, "a hard limit while there are rights for it");
	t.match(made.host, [{ op: "process.scheduler", policy: "SCHED_FIFO" }], "the engine has the rights");
	t.ok(ops(made).includes("start.wait"), "so it has to wait for the engine");
	t.same(plan({ process }).host, []);
});

t.test("it waits only for who has something to do meanwhile", async (t) => {
	t.notOk(ops(plan()).includes("start.wait"));
	t.ok(ops(plan({ waits: true })).includes("start.wait"));
	t.ok(ops(plan({ process: { terminal: true } })).includes("start.wait"));
});

t.test("no_new_privs lets a filter load without CAP_SYS_ADMIN", async (t) => {
	const made = plan({
		process: { noNewPrivileges: true },
		inherited: [{ op: "seccomp.load", flags: [] }],
	});
	t.same(step(made, "capabilities.apply").effective, []);
	t.same(ops(made).slice(-2), ["seccomp.load", "exec"]);
});

t.test("descriptors, and a LISTEN_PID that the init fills in", async (t) => {
	const made = step(plan({ listenFds: 2, preserveFds: 3, process: { env: ["LISTEN_PID=9", "HOME=/h"] } }), "exec");
	t.equal(made.preserveFds, 5);
	t.equal(made.listenPid, true);
	t.same(made.env, ["HOME=/h", "LISTEN_FDS=2", "LISTEN_PID=0"]);
	t.equal(step(plan({ preserveFds: 1 }), "exec").listenPid, undefined);
});

t.test("capabilities are those that were asked for, cut down to what there is", async (t) => {
	const warnings: string[] = [];
	const sets = { bounding: ["CAP_KILL", "CAP_SYS_ADMIN"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] };
	const made = plan({ process: { capabilities: sets }, host: { capabilities: ["CAP_KILL"] }, warnings });
	t.same(step(made, "capabilities.bound").keep, ["CAP_KILL"]);
	t.match(step(made, "capabilities.apply"), { effective: ["CAP_KILL"], inheritable: [], ambient: [] });
	t.match(warnings, ['/process/capabilities/bounding/1: capability "CAP_SYS_ADMIN" is not granted']);
});

t.test("what exec takes from a container: saved as data, restored exactly", async (t) => {
	const spec = defaultSpec();
	spec.process = {
		...spec.process,
		user: { uid: 1, gid: 2, umask: 0o27, additionalGids: [3] },
		rlimits: [{ type: "RLIMIT_CORE", soft: 5, hard: 18446744073709551615n }],
		scheduler: { policy: "SCHED_DEADLINE", runtime: 10000n, deadline: 9007199254740993n, nice: 0, flags: [] },
		ioPriority: { class: "IOPRIO_CLASS_BE", priority: 3 },
		execCPUAffinity: { initial: "0", final: "1" },
		apparmorProfile: "",
		oomScoreAdj: 5,
	};
	spec.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }] };
	spec.linux.personality = { domain: "LINUX32" };
	spec.linux.memoryPolicy = { mode: "MPOL_LOCAL" };
	const made = execDefaults(spec.process, compile(spec).init);
	const stored = defaultsSchema.strict().parse(JSON.parse(JSON.stringify(made)));
	t.same(
		stored.steps.map(({ op }) => op),
		["keyring.join", "process.personality", "process.memoryPolicy", "seccomp.load"],
	);
	const { args: _args, terminal: _terminal, apparmorProfile: _empty, ...expected } = spec.process;
	t.strictSame(restoreProcess(stored.process), {
		...expected,
		rlimits: [{ type: "RLIMIT_CORE", soft: 5n, hard: 18446744073709551615n }],
		args: [],
	});
});
