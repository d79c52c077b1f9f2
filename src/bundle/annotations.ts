/**
 * The annotations of config.json that change what this runtime does. All others are handed on (state, hooks) and mean
 * nothing here. `features` prints this table as potentiallyUnsafeConfigAnnotations: a caller that takes annotations from
 * somebody it doesn't trust has to keep these out.
 */
export const ANNOTATIONS = [
	/** A prefix. Properties of the container's systemd unit, as with runc: for a cgroup that systemd manages. */
	"org.systemd.property.",
	/** Path of a CRIU configuration file, as with runc: for checkpoint and restore. */
	"org.criu.config",
	// Names of crun's, with crun's meaning (crun.1).
	/** Base64 of a BPF program that is loaded instead of what linux.seccomp says. */
	"run.oci.seccomp_bpf_data",
	/** A name in linux.seccomp that is no system call is an error instead of being skipped. */
	"run.oci.seccomp_fail_unknown_syscall",
	/** The process keeps the supplementary groups of the runtime. */
	"run.oci.keep_original_groups",
	/** Files on the host that the output of hooks is appended to. */
	"run.oci.hooks.stdout",
	"run.oci.hooks.stderr",
	/** AF_UNIX socket on the host that gets a pidfd of the container's first process, as with --pidfd-socket. */
	"run.oci.pidfd_receiver",
	/** The mount option that linux.mountLabel is put into; Podman sets it for systemd in a container. */
	"run.oci.mount_context_type",
] as const;

/** Mount options with an SELinux context (mount(8)); the kernel takes only one of them. */
export const CONTEXT_OPTIONS: readonly string[] = ["context", "fscontext", "defcontext", "rootcontext"];

export type AnnotationName = (typeof ANNOTATIONS)[number];

/** A config.json, or the record of a container that was made from one. */
export interface Annotated {
	annotations?: Record<string, string> | undefined;
}

/** Value of an annotation; undefined when it is not set. The only way to read one, so that the table is complete. */
export function annotation({ annotations }: Annotated, name: AnnotationName): string | undefined {
	return annotations?.[name];
}

/** Annotations of which `prefix` is the beginning of the name: name and value. */
export function annotationsBelow({ annotations }: Annotated, prefix: AnnotationName): [string, string][] {
	const found: [string, string][] = [];
	for (const name in annotations) if (name.startsWith(prefix)) found.push([name, annotations[name] as string]);
	return found;
}

/** An annotation that is a switch: any value but 0 turns it on, as in crun. */
export function isSwitchedOn(spec: Annotated, name: AnnotationName): boolean {
	const value = annotation(spec, name);
	return value !== undefined && value !== "0";
}

/** JSON pointer of an annotation; none of the names needs escaping. */
export const annotationAt = (name: AnnotationName): string => `/annotations/${name}`;
