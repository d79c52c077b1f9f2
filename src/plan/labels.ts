/**
 * process.apparmorProfile, process.selinuxLabel, linux.mountLabel. What a kernel module is to enforce and the kernel
 * does not have is refused, in runc's words: a container without a confinement that was asked for is worse than none.
 */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import type { InitStep, InitStepOf } from "./schema.js";

/** In AppArmor's own words: no confinement, which is what every process has where there is no AppArmor. */
const unconfined = "unconfined";

/** Takes effect at the next exec. */
export function applyAppArmor({ process, host }: Context): InitStep[] {
	const { apparmorProfile } = process;
	const at = "/process/apparmorProfile";
	if (!apparmorProfile) return [];
	if (!host.apparmor) {
		if (apparmorProfile === unconfined) return [];
		throw new RuntimeError("host.unsupported", "apparmor: config provided but apparmor not supported", {
			pointer: at,
			hint: "the host's kernel has no AppArmor, or it is disabled",
		});
	}
	// The first one is AppArmor's alone (Linux 5.8); the old one belongs to whichever module came first.
	const files = ["attr/apparmor/exec", "attr/exec"];
	return [{ op: "process.attribute", at, files, value: `exec ${apparmorProfile}` }];
}

/** `keyring`: for the keys that are made from now on, until exec. `exec`: for the program. */
export function applySelinux({ process, host }: Context): { keyring: InitStep[]; exec: InitStep[] } {
	const { selinuxLabel } = process;
	const at = "/process/selinuxLabel";
	if (!selinuxLabel) return { keyring: [], exec: [] };
	if (!host.selinux) {
		throw new RuntimeError(
			"host.unsupported",
			"selinux label is specified in config, but selinux is disabled or not supported",
			{ pointer: at },
		);
	}
	const write = (file: string): InitStep[] => [
		{ op: "process.attribute", at, files: [`attr/${file}`], value: selinuxLabel },
	];
	return { keyring: write("keycreate"), exec: write("exec") };
}

/** Their files have labels by policy, or all mounts share one superblock that has its label already. */
const labelledByPolicy: ReadonlySet<string> = new Set(["proc", "sysfs", "cgroup", "cgroup2"]);

/** Options that say what linux.mountLabel would: the kernel takes only one of them. */
const contextOptions: ReadonlySet<string> = new Set(["context", "fscontext", "defcontext", "rootcontext"]);

/** The plan's mounts with the label: new filesystems, the empty directories over masked ones; binds keep what they have. */
export function labelMounts({ linux, host }: Context, steps: InitStep[]): InitStep[] {
	const { mountLabel } = linux;
	if (!mountLabel) return steps;
	if (!host.selinux) {
		throw new RuntimeError(
			"host.unsupported",
			"selinux mount label is specified in config, but selinux is disabled or not supported",
			{ pointer: "/linux/mountLabel" },
		);
	}
	return steps.map((step) => {
		if (step.op === "path.mask") return { ...step, label: mountLabel };
		return step.op === "mount.filesystem" ? labelFilesystem(step, mountLabel) : step;
	});
}

function labelFilesystem(step: InitStepOf<"mount.filesystem">, label: string): InitStep {
	if (labelledByPolicy.has(step.type)) return step;
	// One superblock for each IPC namespace, which the kernel has mounted already: runc labels the root of the mount.
	if (step.type === "mqueue") return { ...step, rootLabel: label };
	if (step.options.some((option) => typeof option !== "string" && contextOptions.has(option[0]))) return step;
	return { ...step, options: [...step.options, ["context", label]] };
}
