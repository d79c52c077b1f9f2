/** linux.seccomp, brought into the form that the filter compiler (libseccomp, in the addon) takes. */
import { annotationAt } from "../bundle/annotations.js";
import type { Context, Linux } from "./context.js";
import type { InitStep } from "./schema.js";
import { closesListener, rawProgram, seccompListener } from "./seccomp-extras.js";

type Seccomp = NonNullable<Linux["seccomp"]>;

export interface SeccompRule {
	/** Names that the compiler does not know are skipped: profiles are written for newer kernels, too. */
	names: string[];
	/** SCMP_ACT_*. */
	action: string;
	/** For SCMP_ACT_ERRNO and SCMP_ACT_TRACE. */
	errno?: number;
	/** All must hold; no argument index comes twice. */
	args: { index: number; value: string; valueTwo: string; op: string }[];
}

export interface SeccompProfile {
	defaultAction: string;
	defaultErrno?: number;
	/** SCMP_ARCH_*; the native one is always added by the compiler. */
	architectures: string[];
	rules: SeccompRule[];
	/** A name that is no system call fails the compilation. */
	failUnknown?: boolean;
}

const EPERM = 1;
const carriesErrno: readonly string[] = ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"];

function errnoOf(action: string, errnoRet: number | undefined): { errno?: number } {
	return carriesErrno.includes(action) ? { errno: errnoRet ?? EPERM } : {};
}

export function compileSeccomp(seccomp: Seccomp, failUnknown = false): SeccompProfile {
	const { defaultAction } = seccomp;
	const { errno: defaultErrno } = errnoOf(defaultAction, seccomp.defaultErrnoRet);
	const rules = (seccomp.syscalls ?? []).flatMap((syscall): SeccompRule[] => {
		const { names, action } = syscall;
		const errno = errnoOf(action, syscall.errnoRet);
		// libseccomp refuses a rule that does what the default does anyway (EACCES).
		if (action === defaultAction && errno.errno === defaultErrno) return [];
		const args = (syscall.args ?? []).map((arg) => ({
			index: arg.index,
			value: String(arg.value),
			valueTwo: String(arg.valueTwo ?? 0),
			op: arg.op,
		}));
		const repeats = new Set(args.map((arg) => arg.index)).size < args.length;
		// A filter can compare an argument once; profiles with several comparisons of one argument mean "any of them" (runc, Docker).
		return repeats
			? args.map((arg) => ({ names, action, ...errno, args: [arg] }))
			: [{ names, action, ...errno, args }];
	});
	return {
		defaultAction,
		...(defaultErrno !== undefined ? { defaultErrno } : {}),
		architectures: seccomp.architectures ?? [],
		rules,
		...(failUnknown ? { failUnknown } : {}),
	};
}

/** Where there is no list at all: without the flag a filter costs every program the speculative store bypass mitigation (4.17). */
const defaultFlags = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

export function hasFilter({ linux, spec }: Context): boolean {
	return linux.seccomp !== undefined || rawProgram(spec) !== undefined;
}

/** Nothing but the last capset(2) and exec may come after it: the filter need not allow anything else. */
export function loadSeccomp(context: Context, init: InitStep[]): void {
	if (!hasFilter(context)) return;
	const { seccomp } = context.linux;
	const raw = rawProgram(context.spec) !== undefined;
	const listener = seccompListener(context) === undefined ? {} : { listener: closesListener(context) };
	const flags = [...(seccomp?.flags ?? defaultFlags)].filter((flag, index) => {
		// EINVAL without a listener, and it is about nothing else.
		if ("listener" in listener || flag !== "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") return true;
		context.warn(`/linux/seccomp/flags/${index}`, `seccomp: ${flag} has no effect without SCMP_ACT_NOTIFY`);
		return false;
	});
	const at = raw ? annotationAt("run.oci.seccomp_bpf_data") : "/linux/seccomp";
	init.push({ op: "seccomp.load", at, flags, ...listener });
}
