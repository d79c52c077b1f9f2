/**
 * process.apparmorProfile, process.selinuxLabel, linux.mountLabel. A confinement that the kernel has no module for is
 * refused, in runc's words: a container without the confinement that was asked for is worse than none.
 */
import { annotation, CONTEXT_OPTIONS } from "../bundle/annotations.js";
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import type { InitStep, InitStepOf } from "./schema.js";

/** In AppArmor's own words: no confinement, which is what every process has where there is no AppArmor. */
const unconfined = "unconfined";

/** Takes effect at the next exec. */
export function applyAppArmor({ process, host }: Context, init: InitStep[]): void {
	const { apparmorProfile } = process;
	const at = "/process/apparmorProfile";
	if (!apparmorProfile) return;
	if (!host.apparmor) {
		if (apparmorProfile === unconfined) return;
		throw new RuntimeError("host.unsupported", "apparmor: config provided but apparmor not supported", {
			pointer: at,
			hint: "the host's kernel has no AppArmor, or it is disabled",
		});
	}
	// The first one is AppArmor's alone (Linux 5.8); the old one belongs to whichever module came first.
	const files = ["attr/apparmor/exec", "attr/exec"];
	init.push({ op: "process.attribute", at, files, value: `exec ${apparmorProfile}` });
}

/** For the keys that are made from now on, until exec. */
export function labelKeyring(context: Context, init: InitStep[]): void {
	if (context.process.selinuxLabel) init.push(writeSelinux(context, "attr/keycreate"));
}

/** For the program, at exec. */
export function labelProgram(context: Context, init: InitStep[]): void {
	if (context.process.selinuxLabel) init.push(writeSelinux(context, "attr/exec"));
}

function writeSelinux({ process, host }: Context, file: string): InitStep {
	const at = "/process/selinuxLabel";
	if (!host.selinux) {
		throw new RuntimeError(
			"host.unsupported",
			"selinux label is specified in config, but selinux is disabled or not supported",
			{ pointer: at },
		);
	}
	return { op: "process.attribute", at, files: [file], value: process.selinuxLabel ?? "" };
}

/** Their files have labels by policy, or all mounts share one superblock that has its label already. */
const labelledByPolicy: readonly string[] = ["proc", "sysfs", "cgroup", "cgroup2"];

/** Puts the label on the plan's mounts: new filesystems, the empty directories over masked ones; binds keep what they have. */
export function labelMounts(context: Context, init: InitStep[]): void {
	const { mountLabel } = context.linux;
	if (!mountLabel) return;
	if (!context.host.selinux) {
		// A label confines nobody, it tells a policy what a file is. crun passes it over, too; runc gives the kernel an
		// option that it does not know, and has "invalid argument" for the first tmpfs.
		context.warn("/linux/mountLabel", "selinux is disabled or not supported: mounts get no label");
		return;
	}
	const option = annotation(context.spec, "run.oci.mount_context_type") ?? "context";
	for (const [index, step] of init.entries()) {
		if (step.op === "path.mask") init[index] = { ...step, label: mountLabel };
		else if (step.op === "mount.filesystem") init[index] = labelFilesystem(step, option, mountLabel);
	}
}

function labelFilesystem(step: InitStepOf<"mount.filesystem">, contextOption: string, label: string): InitStep {
	if (labelledByPolicy.includes(step.type)) return step;
	// One superblock for each IPC namespace, which the kernel has mounted already: runc labels the root of the mount.
	if (step.type === "mqueue") return { ...step, rootLabel: label };
	if (step.options.some((option) => typeof option !== "string" && CONTEXT_OPTIONS.includes(option[0]))) return step;
	return { ...step, options: [...step.options, [contextOption, label]] };
}
