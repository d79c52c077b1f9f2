/** What a person can do about a failed step, where experience says what is behind an errno. */
import { type FailedStep, refusedByCgroup } from "./failure.js";
import type { HostStep, InitStep } from "./schema.js";

type Step = InitStep | HostStep;

export function hintFor(step: Step, failure: FailedStep): string | undefined {
	switch (step.op) {
		case "mount.filesystem":
			if (step.ifForbidden && failure.syscall === "open_tree")
				return `the container shares the namespace that ${step.type} shows, which its user namespace does not own; the host has nothing at ${step.ifForbidden} to bind instead`;
			return filesystem(step.type, failure);
		case "mount.bind":
			if (failure.code === "ENOENT" && failure.syscall === "open_tree")
				return `the source ${step.source} does not exist on the host`;
			if (failure.code === "ENOTDIR") return "a directory can be bound only on a directory, a file only on a file";
			if (failure.code === "EPERM")
				return "in a user namespace, flags that the host has set on a mount can't be cleared";
			return undefined;
		case "namespace.join":
			if (failure.code === "EINVAL") return "the path must be a namespace of the type that it is listed for";
			return failure.code === "ENOENT" ? "the process that the namespace belonged to may have ended" : undefined;
		case "clone":
			return refusedByCgroup(step, failure) ? cloneIntoCgroup(failure) : clone(failure);
		case "root.enter":
			return step.method === "pivot" && failure.code === "EINVAL"
				? "pivot_root does not work when the root of the host is an initramfs; --no-pivot does"
				: undefined;
		case "process.rlimit":
			return failure.code === "EPERM"
				? "raising a hard limit takes CAP_SYS_RESOURCE, which the runtime lacks here"
				: undefined;
		case "process.oomScoreAdj":
			return failure.code === "EACCES"
				? "lowering the score takes CAP_SYS_RESOURCE, which the runtime lacks here"
				: undefined;
		case "process.user":
			if (failure.syscall === "setgroups" && failure.code === "EPERM") return "the user namespace denies setgroups";
			return failure.code === "EINVAL" ? "the id is not mapped in the user namespace" : undefined;
		case "sysctl.write":
			if (failure.code === "ENOENT") return "this kernel has no such parameter, or not in a namespace";
			return failure.code === "EINVAL" ? "the kernel refuses the value" : undefined;
		case "device.create":
			if (failure.code === "EPERM") return "mknod takes CAP_MKNOD and a device cgroup that allows it";
			return step.source === undefined ? undefined : bindDevice(step.source, failure, "where mknod is not allowed");
		case "symlink.create":
			return failure.code === "EROFS"
				? "without a mount on /dev, the runtime needs to write to the root filesystem"
				: undefined;
		case "device.bind":
			return bindDevice(step.source, failure, "in a user namespace");
		case "cgroup.create":
			return isForbidden(failure)
				? "a cgroup can be made only where it was delegated to the caller; without linux.cgroupsPath and limits the container stays in the caller's"
				: undefined;
		case "cgroup.write":
			if (failure.code === "ENOENT") return "the host's kernel or configuration lacks this control file";
			return failure.code === "EINVAL" ? "the kernel refuses the value" : undefined;
		case "idmap.write":
			if (failure.code === "ENOENT") return "a user may map other ids than their own only with newuidmap and newgidmap";
			// user_namespaces(7): a page of text, 340 lines, no id twice; the bundle has checked the last two.
			if (failure.code === "EINVAL") return "the kernel takes less than one page of lines of three numbers";
			return failure.code === "EPERM"
				? "a range must be one that /etc/subuid and /etc/subgid give to the caller"
				: undefined;
		default:
			return undefined;
	}
}

function isForbidden({ code }: FailedStep): boolean {
	return code === "EACCES" || code === "EPERM" || code === "EROFS";
}

function bindDevice(source: string, { code, syscall }: FailedStep, where: string): string | undefined {
	if (syscall !== "open_tree") return undefined;
	if (code === "ENOENT") return `${where} a device is the host's, and the host has no ${source}`;
	return code === "ENODEV" ? `${where} a device is the host's, and ${source} is another one there` : undefined;
}

function filesystem(type: string, { code }: FailedStep): string | undefined {
	if (code === "ENODEV") return `the kernel has no filesystem "${type}"; /proc/filesystems lists what there is`;
	if (code === "EINVAL") return "an option may be one that the filesystem does not know";
	if (code !== "EPERM") return undefined;
	if (type === "sysfs")
		return "sysfs can be mounted only where the network namespace belongs to the container's user namespace";
	if (type === "proc")
		return "in a user namespace, proc can be mounted only together with a new pid namespace, and where the outer /proc is not covered in parts";
	return "in a user namespace, only some filesystems can be mounted";
}

/** cgroup-v2.rst, "Delegation Containment" and "No Internal Process Constraint". */
function cloneIntoCgroup({ code }: FailedStep): string {
	if (code === "EACCES")
		return "a process can be moved only within a tree that was delegated to the caller, who has to be in it: `systemd-run --user --scope -p Delegate=yes` makes one";
	return "the cgroup passes controllers on to its children, or is threaded: it takes no process of its own";
}

function clone({ code }: FailedStep): string | undefined {
	if (code === "EPERM")
		return "new namespaces take root, or a new user namespace and a kernel that allows it to everybody";
	if (code === "ENOSPC" || code === "EUSERS") return "a limit below /proc/sys/user (max_*_namespaces) is reached";
	if (code === "EAGAIN") return "a limit on the number of processes is reached";
	return undefined;
}
