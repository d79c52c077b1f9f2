/** Every call to the host fails in turn, once: whichever it is, create and run leave nothing, and exec no process. */
import t, { type Test } from "tap";
import { create } from "../../src/container/create.js";
import { exec } from "../../src/container/exec.js";
import { run } from "../../src/container/run.js";
import type { Native } from "../../src/native/api.js";
import { nativeFailure } from "../../src/native/fake.js";
import type { HostStep } from "../../src/plan/schema.js";
import { config, host, leftovers, request } from "./bundle.js";
import { put, root, SceneNative } from "./scene.js";

/** What an undo is made of would fail again, and a look-up that goes wrong may be passed over. */
const verbs = [
	"appendText bindNotify checkPreservedFds compileSeccomp executeHostSteps holdSignals listDirectory lockDirectory",
	"makeDirectory processStat readText realPath receive replaceFile send sendCgroups sendListener sendPlan sendSeccomp",
	"sendTerminal startInit stat supervise",
]
	.join(" ")
	.split(" ") as (keyof Native)[];

/** Those that return a descriptor; `receive` has some in its messages. */
const openers: readonly string[] = ["startInit", "lockDirectory", "openPid", "connect", "bindNotify"];

class FailingNative {
	calls = 0;
	failed = "";
	readonly opened = new Set<number>();

	/** `native` with call number `index` failing; from 0, counting `verbs` only. */
	constructor(native: SceneNative, index: number) {
		const methods = native as unknown as Record<string, (options: { fd?: number; channel?: number }) => unknown>;
		for (const name of [...new Set([...verbs, ...openers])]) {
			const method = methods[name] as (options: object) => unknown;
			methods[name] = (options) => {
				if (verbs.includes(name as keyof Native) && this.calls++ === index) {
					this.failed = `${name} ${JSON.stringify(options ?? {}).slice(0, 80)}`;
					throw nativeFailure(name, "EIO");
				}
				const result = method.call(native, options);
				if (openers.includes(name)) this.opened.add(result as number);
				const message = result as { pidfd?: number; fd?: number } | undefined;
				if (name === "receive" && message?.pidfd !== undefined) this.opened.add(message.pidfd);
				return result;
			};
		}
		for (const [name, key] of [
			["close", "fd"],
			["endInit", "channel"],
		] as const) {
			const method = methods[name] as (options: object) => unknown;
			methods[name] = (options) => {
				this.opened.delete(options[key] ?? -1);
				return method.call(native, options);
			};
		}
	}
}

/** Cgroups as the steps of the plan make them. */
function withCgroups(native: SceneNative): SceneNative {
	native.executeHostSteps = ({ steps }) => {
		for (const step of JSON.parse(steps) as HostStep[]) if (step.op === "cgroup.create") native.addCgroup(step.path);
		return undefined;
	};
	return native;
}

/** Until a round in which nothing has failed any more. */
function everyCall(
	make: () => SceneNative,
	action: (native: SceneNative) => void,
	check: (t: Test, native: SceneNative, failing: FailingNative) => void,
	t: Test,
): void {
	let tolerated = 0;
	for (let index = 0; index < 500; index++) {
		const native = make();
		const failing = new FailingNative(native, index);
		let error: unknown;
		try {
			action(native);
		} catch (thrown) {
			error = thrown;
		}
		if (failing.failed === "") {
			t.equal(error, undefined);
			t.ok(index > 10, `${index} calls`);
			t.comment(`${index} calls, of which ${tolerated} may fail`);
			return;
		}
		if (error === undefined) tolerated++;
		else check(t, native, failing);
	}
	t.fail("it does not end");
}

const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }] };
const hooks = { createRuntime: [{ path: "/hook" }], poststop: [{ path: "/hook" }] };
const namespaces = [{ type: "pid" }, { type: "mount" }];

function launching(): SceneNative {
	const native = withCgroups(host(config({ linux: { namespaces, seccomp }, hooks })));
	native.messages = [{ type: "pid", pid: 500, pidfd: 60 }, { type: "hooks" }, { type: "ready" }, { type: "closed" }];
	return native;
}

function nothingIsLeft(t: Test, native: SceneNative, { failed, opened }: FailingNative): void {
	const left = leftovers(native).filter((path) => !path.includes("/@seccomp"));
	t.same(
		{ left, processes: [...native.processes.keys()], opened: [...opened] },
		{ left: [], processes: [], opened: [] },
		failed,
	);
}

t.test("create", async (t) => {
	everyCall(launching, (native) => create(native, { ...request, pidFile: "/run/web.pid" }), nothingIsLeft, t);
});

t.test("create with a terminal and sd_notify", async (t) => {
	const make = (): SceneNative => {
		const native = withCgroups(host(config({}, { terminal: true }), "v2"));
		native.messages = [
			{ type: "pid", pid: 500, pidfd: 60 },
			{ type: "terminal", name: "/dev/pts/0", fd: 61 },
			{ type: "ready" },
		];
		return native;
	};
	const env = { NOTIFY_SOCKET: "/run/notify" };
	everyCall(make, (native) => create(native, { ...request, env, consoleSocket: "/run/console" }), nothingIsLeft, t);
});

t.test("run", async (t) => {
	const check = (t: Test, native: SceneNative, failing: FailingNative): void => {
		// The container has ended, and its removal has not begun: that is left to `delete`, as the error says.
		const over = native.callsOf("supervise").length > 0 && failing.failed.startsWith("lockDirectory");
		if (over) t.ok(native.files.has(`${root}/web/state.json`));
		else nothingIsLeft(t, native, failing);
	};
	everyCall(launching, (native) => run(native, request), check, t);
});

t.test("exec", async (t) => {
	const make = (): SceneNative => {
		const native = new SceneNative({
			"/proc/self/status": "Name:\tx\nCapBnd:\t000001ffffffffff\n",
			"/sys/fs/cgroup/freezer/web/freezer.state": "THAWED\n",
		});
		put(native);
		native.files.putDirectory("/run");
		native.messages = [{ type: "pid", pid: 900, pidfd: 77 }, { type: "ready" }, { type: "closed" }];
		return native;
	};
	const check = (t: Test, native: SceneNative, { failed, opened }: FailingNative): void => {
		t.same({ processes: [...native.processes.keys()], opened: [...opened] }, { processes: [500], opened: [] }, failed);
		t.notOk(native.files.has("/run/pid"), `${failed}: no pid file`);
	};
	const options = { args: ["true"] };
	const pidfdSocket = "/run/pidfd";
	everyCall(
		make,
		(native) => exec(native, { root, id: "web", env: {}, options, pidFile: "/run/pid", pidfdSocket }),
		check,
		t,
	);
});
