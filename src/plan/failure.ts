/** Turns a failed step into the error that the caller sees: runc's words around it, the config value, and a hint. */
import { type ErrorCode, RuntimeError } from "../errors.js";
import { describeHostStep, describeInitStep } from "./describe.js";
import { errnoText } from "./errno.js";
import { hintFor } from "./hints.js";
import { outputClause } from "./hook-output.js";
import type { HostStep, InitStep, InitStepOf, Plan } from "./schema.js";

/** As the native layer reports it (src/native/api.ts, StepFailure). */
export interface FailedStep {
	/** Index in plan.init or plan.host. */
	step: number;
	syscall: string;
	errno: number;
	code: string;
	detail?: string;
}

const starting = "unable to start container process: ";
const inInit = `${starting}error during container init: `;

function error(
	code: ErrorCode,
	message: string,
	step: { op: string; at?: string | undefined },
	failure: FailedStep,
	hint?: string,
): RuntimeError {
	return new RuntimeError(code, message, {
		step: step.op,
		syscall: failure.syscall,
		...(step.at === undefined ? {} : { pointer: step.at }),
		...(failure.errno === 0 ? {} : { errno: failure.code }),
		...(hint === undefined ? {} : { hint }),
	});
}

/** What a message calls the value that a pointer names. */
function inConfig(pointer: string): string {
	return `config.json#${pointer}`;
}

/** An error of the init: `failure.step` is an index of `plan.init`. */
export function explainFailure(plan: Pick<Plan, "init">, failure: FailedStep, origin = inConfig): RuntimeError {
	const step = plan.init[failure.step];
	const text = errnoText(failure.code, failure.errno);
	if (step === undefined) {
		// Before the first step, or beside the plan: a fault of ours.
		return new RuntimeError("init", `${inInit}${[failure.syscall, failure.detail, text].filter(Boolean).join(": ")}`, {
			syscall: failure.syscall,
			errno: failure.code,
		});
	}
	switch (step.op) {
		case "process.lookup":
			return explainLookup(step, failure, text);
		case "exec":
			return explainExec(step, failure, text);
		case "hook.run":
			return explainHook(step, failure, text);
		default: {
			const at = refusedByCgroup(step, failure) ? "/linux/cgroupsPath" : step.at;
			const where = at === undefined ? "" : ` (${origin(at)})`;
			const { op } = step;
			return error("init", inInit + sentence(step, failure, text) + where, { op, at }, failure, hintFor(step, failure));
		}
	}
}

/** An error of the engine: `failure.step` is an index of `plan.host`. */
export function explainHostFailure(plan: Pick<Plan, "host">, failure: FailedStep, origin = inConfig): RuntimeError {
	const step = plan.host[failure.step];
	const text = errnoText(failure.code, failure.errno);
	if (step === undefined)
		return new RuntimeError("init", `${starting}${failure.syscall}: ${text}`, { errno: failure.code });
	const where = step.at === undefined ? "" : ` (${origin(step.at)})`;
	const [code, action] = hostAction(step);
	const said = describeHostStep(step);
	let cause = text;
	if (isOfUnit(step)) {
		return explainUnitFailure(step, failure, `${starting}${action}: `);
	} else if (step.op === "idmap.write") {
		// What newuidmap said, which is a sentence.
		if (failure.detail) cause = `${failure.detail.replace(/\.$/, "")}: ${text}`;
	} else if (failure.detail?.includes(" ") && !said.includes(failure.detail)) {
		// What the kernel itself says (rtnetlink, resctrl); a path or a name only repeats the step.
		cause = `${text} (${failure.detail})`;
	}
	return error(code, `${starting}${action}: ${said}: ${cause}${where}`, step, failure, hintFor(step, failure));
}

type UnitStep = Extract<HostStep, { op: `systemd.${string}` }>;

export function isOfUnit(step: HostStep): step is UnitStep {
	return step.op.startsWith("systemd.");
}

const WRONG_TYPE = ["EBADMSG", "ENXIO", "EINVAL"];

/** systemd's own words, which name the property that it does not take; the config value behind that one is what is wrong. */
function explainUnitFailure(step: UnitStep, failure: FailedStep, prefix: string): RuntimeError {
	const verbs = { "systemd.start": "start", "systemd.set": "change", "systemd.stop": "stop" };
	const said = failure.detail || errnoText(failure.code, failure.errno);
	const properties = step.op === "systemd.stop" ? [] : step.properties;
	const words = said.split(/[^A-Za-z]+/);
	const annotated = properties.filter(({ at }) => at?.startsWith("/annotations/"));
	// A value of the wrong type systemd refuses without a word about which.
	const only = WRONG_TYPE.includes(failure.code) && annotated.length === 1 ? annotated[0] : undefined;
	const named = properties.findLast(({ name, at }) => at !== undefined && words.includes(name));
	const at = named?.at ?? only?.at ?? step.at;
	const where = at === undefined ? "" : ` (config.json#${at})`;
	const message = `${prefix}unable to ${verbs[step.op]} systemd unit ${JSON.stringify(step.unit)}: ${said}${where}`;
	return error("cgroup", message, { op: step.op, at }, failure, hintFor(step, failure));
}

function hostAction(step: HostStep): [ErrorCode, string] {
	switch (step.op) {
		case "idmap.write":
			return ["container.create", "error mapping users"];
		case "process.scheduler":
			return ["container.create", "error setting scheduler"];
		case "process.ioPriority":
			return ["container.create", "failed to set io priority"];
		case "netDevice.move":
		case "netDevices.return":
		case "netDevices.keep":
			return ["container.create", "error moving network devices"];
		case "resctrl.create":
		case "resctrl.schemata":
		case "resctrl.join":
			return ["cgroup", "unable to apply Intel RDT configuration"];
		case "systemd.start":
		case "systemd.set":
		case "systemd.stop":
		case "cgroup.create":
		case "cgroup.delegate":
		case "cgroup.removeParents":
		case "cgroup.inherit":
			return ["cgroup", "unable to apply cgroup configuration"];
		case "cgroup.check":
		case "cgroup.write":
		case "cgroup.devices":
			return ["cgroup", "error setting cgroup config for procHooks process"];
	}
}

/**
 * A clone into a cgroup of v2 fails in ways that no namespace has: no right to move there, a cgroup whose controllers go
 * to its children, a threaded one (clone3(2)).
 */
export function refusedByCgroup(step: InitStep | HostStep, { code }: FailedStep): boolean {
	return step.op === "clone" && step.cgroup !== undefined && ["EACCES", "EBUSY", "EOPNOTSUPP"].includes(code);
}

/** The words that runc has for the step, then what exactly went wrong. */
function sentence(step: InitStep, failure: FailedStep, text: string): string {
	const cause = causeOf(step, failure, text);
	switch (step.op) {
		case "mount.filesystem":
		case "mount.bind":
			return `error mounting ${JSON.stringify(step.source)} to rootfs at ${JSON.stringify(step.destination)}: ${cause}`;
		case "mount.remount":
			return step.destination === "/" ? `error setting rootfs as readonly: ${cause}` : cause;
		case "clone":
			return refusedByCgroup(step, failure) ? `unable to apply cgroup configuration: ${step.cgroup}: ${text}` : cause;
		case "root.open":
			return `error preparing rootfs: ${cause}`;
		case "root.enter":
			return `error jailing process inside rootfs: ${cause}`;
		case "device.create":
		case "device.bind":
			return `error creating device nodes: ${cause}`;
		case "symlink.create":
			return `error setting up ${step.path === "/dev/ptmx" ? "ptmx" : "dev symlinks"}: ${cause}`;
		case "path.readonly":
			return `can't make ${JSON.stringify(step.path)} read-only: ${cause}`;
		case "path.mask":
			return `can't mask path ${JSON.stringify(step.path)}: ${cause}`;
		case "sysctl.write":
			return `write sysctl key ${step.key}: ${cause}`;
		case "capabilities.bound":
		case "capabilities.apply":
			return `unable to apply caps: ${cause}`;
		case "process.user":
			return `unable to setup user: ${cause}`;
		case "process.cwd":
			return `chdir to cwd (${JSON.stringify(step.path)}) set in config.json failed: ${reason(failure, step.path, text)}`;
		case "process.rlimit":
			return `error setting rlimits for ready process: error setting rlimit type ${step.type}: ${text}`;
		case "process.scheduler":
			return `error setting scheduler: ${cause}`;
		case "process.ioPriority":
			return `failed to set io priority: ${cause}`;
		case "process.personality":
			return `error setting personality: ${cause}`;
		case "process.memoryPolicy":
			return `error setting memory policy: ${cause}`;
		case "process.attribute":
			return step.at === "/process/apparmorProfile"
				? `unable to apply apparmor profile: ${cause}`
				: `can't set process label: ${cause}`;
		case "seccomp.load":
			return `unable to init seccomp: error loading seccomp filter into kernel: ${cause}`;
		case "keyring.join":
			return `unable to create session key: ${cause}`;
		default:
			return cause;
	}
}

function causeOf(step: InitStep, failure: FailedStep, text: string): string {
	return `${describeInitStep(step)}: ${reason(failure, describeInitStep(step), text)}`;
}

/** The failed call's own object, unless what was said before names it. */
function reason({ detail, syscall }: FailedStep, said: string, text: string): string {
	if (!detail || said.includes(detail)) return text;
	return detail.startsWith("/") ? `${syscall} ${detail}: ${text}` : `${detail}: ${text}`;
}

/** Go's exec.LookPath, whose texts engines turn into 126 and 127. */
function explainLookup(step: InitStepOf<"process.lookup">, failure: FailedStep, text: string): RuntimeError {
	const what = `${starting}exec: ${JSON.stringify(step.file)}: `;
	if (failure.code === "EACCES" || failure.code === "EISDIR" || failure.code === "EPERM") {
		const hint =
			failure.code === "EISDIR" ? "it is a directory" : "it must be a file that the user of the process may execute";
		return error("exec.permission", `${what}permission denied`, step, failure, hint);
	}
	if (!step.file.includes("/")) {
		const hint = step.searchPath ? `PATH in the container is ${step.searchPath}` : "process.env has no PATH";
		return error("exec.not-found", `${what}executable file not found in $PATH`, step, failure, hint);
	}
	const code = failure.code === "ENOENT" || failure.code === "ENOTDIR" ? "exec.not-found" : "exec.failed";
	return error(code, `${what}stat ${step.file}: ${text}`, step, failure);
}

/** After start: runc's init can only write this one line. */
function explainExec(step: InitStepOf<"exec">, failure: FailedStep, text: string): RuntimeError {
	const program = failure.detail || step.args[0] || "";
	const hints: Record<string, string> = {
		E2BIG: `an argument or a variable can have ${longestText} bytes, all of them a quarter of RLIMIT_STACK, at most 6 MiB${tooLong(step)}`,
		ENOENT: "the file is there, but the interpreter it names (#! line or dynamic loader) is not",
		ENOEXEC: "the file is for another architecture, or a script without a #! line",
	};
	const code = failure.code === "EACCES" || failure.code === "EPERM" ? "exec.permission" : "exec.failed";
	return error(code, `exec ${program}: ${text}`, step, failure, hints[failure.code]);
}

/** MAX_ARG_STRLEN without the byte that ends it; execve(2), "Limits on size of arguments and environment". */
const longestText = 131_071;

/** `start` does not know the variables: they are not recorded. */
function tooLong({ args, env }: InitStepOf<"exec">): string {
	const isLong = (text: string): boolean => Buffer.byteLength(text) > longestText;
	const argument = args.findIndex(isLong);
	if (argument >= 0) return `; argument ${argument} has ${Buffer.byteLength(args[argument] ?? "")}`;
	const variable = env.find(isLong);
	if (variable === undefined) return "";
	return `; the variable ${variable.slice(0, variable.indexOf("="))} has ${Buffer.byteLength(variable)}`;
}

/** The detail is `exit status 3: output`, `signal 9: output` or `timed out: output`; or the call that failed. */
function explainHook(step: InitStepOf<"hook.run">, failure: FailedStep, text: string): RuntimeError {
	const detail = failure.detail ?? "";
	const outcome = /^(exit status \d+|signal \d+|timed out)(?:: ?([\s\S]*))?$/.exec(detail);
	const what = `${inInit}error running ${step.stage} hook #${step.index}: `;
	const where = ` (config.json#${step.at ?? "/hooks"})`;
	if (outcome === null) {
		const cause = detail && detail !== step.path ? `${detail} ${step.path}` : step.path;
		return error("hook", `${what}${cause}: ${text}${where}`, step, failure);
	}
	const [, ended = "", output = ""] = outcome;
	const limit = ended === "timed out" ? ` after ${step.timeout} s` : "";
	const { message, context, code } = error(
		"hook",
		`${what}${ended}${limit}${outputClause(output)}${where}`,
		step,
		failure,
	);
	return new RuntimeError(code, message, { ...context, path: step.path, output });
}
