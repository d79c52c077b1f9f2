import t from "tap";
import type { HookState } from "../../src/container/hooks.js";
import { runHooks } from "../../src/container/hooks.js";
import { RuntimeError } from "../../src/errors.js";
import type { HookResult } from "../../src/native/api.js";
import { FakeNative } from "../../src/native/fake.js";

const state: HookState = { ociVersion: "1.2.0", id: "web", status: "creating", pid: 7, bundle: "/b" };

function failureOf(result: Partial<HookResult>): RuntimeError {
	const native = new FakeNative();
	native.hookResults = [{}, result];
	const hooks = [{ path: "/good" }, { path: "/bad", timeout: 2 }, { path: "/never" }];
	try {
		runHooks(native, { stage: "createRuntime", hooks, state, env: {} });
	} catch (error) {
		t.equal(native.callsOf("runHook").length, 2, "none runs after it");
		if (error instanceof RuntimeError) return error;
	}
	throw new Error("did not fail");
}

t.test("a failing hook says which, how, and what it printed", async (t) => {
	const prefix = "error running createRuntime hook #1: ";
	const exit = failureOf({ status: 3, output: "disk on fire\n" });
	t.equal(exit.message, `${prefix}exit status 3, output: disk on fire`, "engines show nothing but the message");
	t.equal(exit.code, "hook");
	t.match(exit.context, { pointer: "/hooks/createRuntime/1", path: "/bad", output: "disk on fire\n" });
	t.equal(
		failureOf({ status: -1, signal: 9, timedOut: true }).message,
		`${prefix}hook ran past specified timeout of 2s`,
	);
	t.equal(
		failureOf({ status: -1, signal: 9, timedOut: true, output: "one\n\ttwo\r\n\n" }).message,
		`${prefix}hook ran past specified timeout of 2s, output: one; two`,
		"on one line",
	);
	t.equal(failureOf({ status: -1, signal: 11 }).message, `${prefix}signal: SIGSEGV`);
	const missing = failureOf({ status: -1, failure: { syscall: "execve", errno: 2, code: "ENOENT" } });
	t.equal(missing.message, `${prefix}fork/exec /bad: no such file or directory`);
	t.match(missing.context, { syscall: "execve", errno: "ENOENT", hint: /not on the host/ });
});

t.test("what a hook is given", async (t) => {
	const native = new FakeNative();
	const hooks = [
		{ path: "/h", args: ["h", "-v"], env: ["X=1"], timeout: 5 },
		{ path: "/i", env: [] },
		{ path: "/j", args: [] },
	];
	runHooks(native, { stage: "prestart", hooks, state, env: { PATH: "/bin", GONE: undefined }, cwd: "/b" });
	t.strictSame(native.callsOf("runHook"), [
		{ path: "/h", args: ["h", "-v"], env: ["X=1"], stdin: JSON.stringify(state), timeoutMs: 5000, cwd: "/b" },
		{ path: "/i", args: ["/i"], env: [], stdin: JSON.stringify(state), cwd: "/b" },
		{ path: "/j", args: ["/j"], env: ["PATH=/bin"], stdin: JSON.stringify(state), cwd: "/b" },
	]);
});
