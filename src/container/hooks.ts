/** Hooks that run in the runtime's namespaces: prestart, createRuntime, poststart, poststop. */
import type { ErrorContext } from "../errors.js";
import { RuntimeError } from "../errors.js";
import type { HookResult, Native } from "../native/api.js";
import type { HookFiles } from "../plan/hook-files.js";
import { outputClause } from "../plan/hook-output.js";
import { statusOfSignal } from "./interruption.js";
import type { Environment } from "./place.js";
import type { RecordedHook } from "./record.js";
import { signalName } from "./signals.js";

export type HookStage = "prestart" | "createRuntime" | "poststart" | "poststop";

/** What a hook reads from its standard input: the state of the specification. */
export interface HookState {
	ociVersion: string;
	id: string;
	status: "creating" | "created" | "running" | "stopped";
	pid?: number;
	bundle: string;
	annotations?: Record<string, string>;
}

interface HookRun {
	stage: HookStage;
	hooks: readonly RecordedHook[];
	state: HookState;
	env: Environment;
	/** Where what they print goes, instead of into the error of a failing one. */
	files?: HookFiles | undefined;
	/** Working directory: the bundle while a container is created, as with runc. */
	cwd?: string;
}

/** Runs the hooks of one stage in order; throws at the first that fails. */
export function runHooks(native: Native, run: HookRun): void {
	const stdin = JSON.stringify(run.state);
	for (let index = 0; index < run.hooks.length; index++) {
		const hook = run.hooks[index];
		if (hook) runHook(native, run, hook, index, stdin);
	}
}

/** The same where a failure must not end the operation: every hook runs, failures go to `warn`. */
export function runHooksRegardless(native: Native, run: HookRun, warn: (failure: RuntimeError) => void): void {
	const stdin = JSON.stringify(run.state);
	run.hooks.forEach((hook, index) => {
		try {
			runHook(native, run, hook, index, stdin);
		} catch (error) {
			if (!(error instanceof RuntimeError)) throw error;
			warn(error);
		}
	});
}

function runHook(native: Native, run: HookRun, hook: RecordedHook, index: number, stdin: string): void {
	const result = native.runHook({
		path: hook.path,
		args: hook.args?.length ? hook.args : [hook.path],
		// runc: a hook without `env` gets the environment of the runtime.
		env: hook.env ?? inherited(run.env),
		stdin,
		...(hook.timeout === undefined ? {} : { timeoutMs: hook.timeout * 1000 }),
		...(run.cwd === undefined ? {} : { cwd: run.cwd }),
		...(run.files?.stdout === undefined ? {} : { stdoutFile: run.files.stdout }),
		...(run.files?.stderr === undefined ? {} : { stderrFile: run.files.stderr }),
	});
	const problem = describeResult(result, hook);
	if (problem === undefined) return;
	const message = `error running ${run.stage} hook #${index}: ${problem}${outputClause(result.output)}`;
	const context: ErrorContext = {
		pointer: `/hooks/${run.stage}/${index}`,
		path: hook.path,
		...(result.output === "" ? {} : { output: result.output }),
		...(result.failure ? { syscall: result.failure.syscall, errno: result.failure.code } : {}),
		...hintFor(result, hook, run.files),
	};
	if (result.interrupted !== undefined)
		throw new RuntimeError("interrupted", message, context, statusOfSignal(result.interrupted));
	throw new RuntimeError("hook", message, context);
}

/** undefined for success; otherwise as runc words it, but for the signal's name. */
function describeResult(result: HookResult, hook: RecordedHook): string | undefined {
	if (result.failure?.syscall === "open") return `open the file for its output: ${errnoText(result.failure.code)}`;
	if (result.failure) return `fork/exec ${hook.path}: ${errnoText(result.failure.code)}`;
	if (result.interrupted !== undefined) return `interrupted by ${signalName(result.interrupted)}`;
	if (result.timedOut) return `hook ran past specified timeout of ${hook.timeout}s`;
	if (result.signal !== 0) return `signal: ${signalName(result.signal)}`;
	return result.status === 0 ? undefined : `exit status ${result.status}`;
}

function hintFor(result: HookResult, hook: RecordedHook, files: HookFiles | undefined): { hint?: string } {
	const file = files?.stderr ?? files?.stdout;
	if (file !== undefined && result.status > 0) return { hint: `what it printed is in ${file}` };
	if (result.failure?.code === "ENOENT")
		return { hint: `${hook.path}, or the interpreter that it names, is not on the host` };
	if (result.failure?.code === "EACCES") return { hint: `${hook.path} is not executable` };
	if (result.output === "" && result.status > 0) return { hint: "the hook printed nothing" };
	return {};
}

/** engines match on the first three. */
function errnoText(code: string): string {
	const texts: Record<string, string> = {
		ENOENT: "no such file or directory",
		EACCES: "permission denied",
		ENOEXEC: "exec format error",
		ENOTDIR: "not a directory",
		EISDIR: "is a directory",
		EPERM: "operation not permitted",
		E2BIG: "argument list too long",
	};
	return texts[code] ?? code;
}

function inherited(env: Environment): string[] {
	const list: string[] = [];
	for (const [name, value] of Object.entries(env)) if (value !== undefined) list.push(`${name}=${value}`);
	return list;
}
