/** What few profiles have: a listener, a program that somebody else compiled, strictness. */
import { annotation, annotationAt, isSwitchedOn } from "../bundle/annotations.js";
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { Context, Linux } from "./context.js";
import type { Plan } from "./schema.js";

type Seccomp = NonNullable<Linux["seccomp"]>;

/** Base64 of the program that takes the place of the profile. */
export function rawProgram(spec: Spec): string | undefined {
	return annotation(spec, "run.oci.seccomp_bpf_data");
}

export function failsOnUnknown(spec: Spec): boolean {
	return isSwitchedOn(spec, "run.oci.seccomp_fail_unknown_syscall");
}

function notifies({ syscalls = [] }: Seccomp): boolean {
	for (let index = 0; index < syscalls.length; index++) {
		if (syscalls[index]?.action === "SCMP_ACT_NOTIFY") return true;
	}
	return false;
}

/**
 * While the process holds a listener, too, an agent that has died leaves its calls waiting for ever, execve(2) among
 * them: so it closes its own as soon as it can. Only where the profile surely lets it; otherwise exec does.
 */
export function closesListener({ linux: { seccomp } }: Context): "close" | "keep" {
	const { defaultAction, syscalls = [] } = seccomp ?? {};
	let allowed = defaultAction === "SCMP_ACT_ALLOW";
	for (let index = 0; index < syscalls.length; index++) {
		const rule = syscalls[index];
		if (rule === undefined || !rule.names.includes("close")) continue;
		if (rule.action !== "SCMP_ACT_ALLOW" || rule.args?.length) return "keep";
		allowed = true;
	}
	return allowed ? "close" : "keep";
}

/** Who listens; undefined without SCMP_ACT_NOTIFY, whatever listenerPath says (config-linux.md, "Seccomp"). */
export function seccompListener({ spec, linux, bundle }: Context): Plan["seccompListener"] {
	const { seccomp } = linux;
	if (!seccomp?.listenerPath || !notifies(seccomp)) return undefined;
	if (rawProgram(spec) !== undefined) {
		const pointer = annotationAt("run.oci.seccomp_bpf_data");
		const message = "run.oci.seccomp_bpf_data replaces a profile with SCMP_ACT_NOTIFY, whose agent would wait in vain";
		throw new RuntimeError("config.unsupported", message, { pointer });
	}
	const { listenerPath, listenerMetadata } = seccomp;
	return {
		// runc runs in the bundle, so that is where a relative path begins.
		path: listenerPath.startsWith("/") ? listenerPath : `${bundle.path}/${listenerPath}`,
		...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
	};
}
