import { annotation, annotationAt, CONTEXT_OPTIONS } from "../annotations.js";
import type { Spec } from "../spec.js";
import { checkForeignAnnotations } from "./foreign-annotations.js";
import type { Report } from "./report.js";

/** struct sock_filter, and the most of them that the kernel takes (BPF_MAXINSNS). */
const INSTRUCTION_BYTES = 8;
const MOST_INSTRUCTIONS = 4096;

/** Bytes of a base64 text; undefined when it is none. RFC 4648, padding included: what crun's decoder takes. */
function base64Bytes(text: string): number | undefined {
	if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
	const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
	return (text.length / 4) * 3 - padding;
}

function checkProgram(spec: Spec, report: Report): void {
	const text = annotation(spec, "run.oci.seccomp_bpf_data");
	if (text === undefined) return;
	const at = annotationAt("run.oci.seccomp_bpf_data");
	const bytes = base64Bytes(text);
	if (bytes === undefined) report.error(at, "expected a BPF program in base64");
	else if (bytes % INSTRUCTION_BYTES !== 0 || bytes / INSTRUCTION_BYTES > MOST_INSTRUCTIONS) {
		report.error(at, `expected 1 to ${MOST_INSTRUCTIONS} BPF instructions of 8 bytes; found ${bytes} bytes`);
	}
}

function checkOutput(spec: Spec, name: "run.oci.hooks.stdout" | "run.oci.hooks.stderr", report: Report): void {
	const path = annotation(spec, name);
	// The runtime has no working directory that a caller could know: hooks run at start and delete, too.
	if (path !== undefined && path[0] !== "/") {
		report.error(annotationAt(name), `expected an absolute path; found ${JSON.stringify(path)}`);
	}
}

function checkReceiver(spec: Spec, report: Report): void {
	const path = annotation(spec, "run.oci.pidfd_receiver");
	if (path !== undefined && path[0] !== "/") {
		report.error(annotationAt("run.oci.pidfd_receiver"), `expected an absolute path; found ${JSON.stringify(path)}`);
	}
}

function checkContextType(spec: Spec, report: Report): void {
	const type = annotation(spec, "run.oci.mount_context_type");
	if (type !== undefined && !CONTEXT_OPTIONS.includes(type)) {
		const at = annotationAt("run.oci.mount_context_type");
		report.error(at, `expected one of ${CONTEXT_OPTIONS.join(", ")}; found ${JSON.stringify(type)}`);
	}
}

/** Annotations that mean something to this runtime or to crun; all others may be anything. */
export function checkAnnotations(spec: Spec, report: Report): void {
	if (spec.annotations === undefined) return;
	checkProgram(spec, report);
	checkOutput(spec, "run.oci.hooks.stdout", report);
	checkOutput(spec, "run.oci.hooks.stderr", report);
	checkReceiver(spec, report);
	checkContextType(spec, report);
	checkForeignAnnotations(spec, report);
}
