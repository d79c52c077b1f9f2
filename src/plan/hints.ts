/** What a person can do about a failed step, where experience says what is behind an errno. */
import { type FailedStep, refusedByCgroup } from "./failure.js";
import type { HostStep, InitStep } from "./schema.js";

type Step = InitStep | HostStep;

export function hintFor(step: Step, failure: FailedStep): string | undefined {
	if (failure.detail === "MOUNT_ATTR_IDMAP") return idmapped(step, failure);
	switch (step.op) {
		case "mount.filesystem":
			if (step.ifForbidden && failure.syscall === "open_tree")
				return `the container shares the namespace that ${step.type} shows, which its user namespace does not own; the host has nothing at ${step.ifForbidden} to bind instead`;
			return filesystem(step.type, failure);
		case "mount.bind":
			if (failure.code === "ENOENT" && (failure.syscall === "open_tree" || failure.syscall === "open"))
				return `the source ${step.source} does not exist on the host`;
			if (failure.code === "EINVAL" && failure.syscall === "open_tree")
				return step.tree
					? "an unbindable mount can't be bound"
					: "an unbindable mount can't be bound, nor a directory without the mounts below it in a user namespace: rbind takes them along";
			if (failure.code === "EACCES")
				return "a directory on the way to the source may not be searched by the user who calls the runtime";
			if (failure.code === "ENOTDIR") return "a directory can be bound only on a directory, a file only on a file";
			if (failure.code === "EPERM")
				return "in a user namespace, flags that the host has set on a mount can't be cleared";
			return undefined;
		case "root.open":
			return failure.code === "EACCES"
				? "a directory on the way to the root filesystem may not be searched by the user who calls the runtime"
				: undefined;
		case "namespace.join":
			if (failure.code === "EINVAL") return "the path must be a namespace of the type that it is listed for";
			return failure.code === "ENOENT" ? "the process that the namespace belonged to may have ended" : undefined;
		case "container.join":
			// ptrace(2), "Ptrace access mode checking": a process that is not dumpable is for the host's root to look into.
			return failure.code === "EACCES" || failure.code === "EPERM"
				? "a container can be entered only by who made it, and one that shares its pid or user namespace, by a user without privileges, only once it is started"
				: undefined;
		case "time.create":
			if (failure.code === "ERANGE") return "a clock of the container would be negative, or beyond 146 years";
			return failure.code === "EPERM" ? "setting the clocks of a namespace takes CAP_SYS_TIME" : undefined;
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
			if (failure.code === "EEXIST") return "a file that is not this device is at the path";
			if (failure.code === "EPERM") return "mknod takes CAP_MKNOD and a device cgroup that allows it";
			return step.source === undefined ? undefined : bindDevice(step.source, failure, "where mknod is not allowed");
		case "process.scheduler":
			return scheduler(step.policy, failure);
		case "process.ioPriority":
			return failure.code === "EPERM" ? "IOPRIO_CLASS_RT takes CAP_SYS_NICE on the host" : undefined;
		case "process.memoryPolicy":
			return failure.code === "EINVAL"
				? "the kernel does not know the mode or a flag for it, or no node of the list has memory that the cpuset allows"
				: undefined;
		case "process.attribute":
			return failure.code === "ENOENT" && failure.syscall === "write" ? "no profile of that name is loaded" : undefined;
		case "netDevice.move":
			return netDevice(failure);
		case "symlink.create":
			return failure.code === "EROFS"
				? "without a mount on /dev, the runtime needs to write to the root filesystem"
				: undefined;
		case "device.bind":
			return bindDevice(step.source, failure, "in a user namespace");
		case "systemd.start":
			if (failure.code === "EEXIST") return "another container may use the same cgroupsPath";
			if (failure.code === "EBADMSG" || failure.code === "ENXIO")
				return 'a property has a type: org.systemd.property.NAME: "uint64 5" and "5" are different (org.freedesktop.systemd1(5))';
			return failure.syscall === "cgroup"
				? "a property of an org.systemd.property annotation may have moved the unit to another slice"
				: undefined;
		case "cgroup.create":
			return isForbidden(failure)
				? "a cgroup can be made only where it was delegated to the caller; without linux.cgroupsPath and limits the container stays in the caller's"
				: undefined;
		case "cgroup.check":
			return failure.code === "EBUSY"
				? "more is in use, and memory.checkBeforeUpdate refuses to take it away"
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
	return code === "ENXIO" ? `${source} on the host is another device; ${where} the host's is bound` : undefined;
}

function filesystem(type: string, { code }: FailedStep): string | undefined {
	// What mount(8) calls a bind mount has no filesystem, and often the type none; without the option it is a mount of that.
	if (code === "ENODEV" && type === "none") return "a bind mount is one whose options have bind or rbind";
	if (code === "ENODEV") return `the kernel has no filesystem "${type}"; /proc/filesystems lists what there is`;
	if (code === "EINVAL") return "an option may be one that the filesystem does not know";
	if (code !== "EPERM") return undefined;
	if (type === "sysfs")
		return "sysfs can be mounted only where the network namespace belongs to the container's user namespace";
	if (type === "proc")
		return "in a user namespace, proc can be mounted only together with a new pid namespace, and where the outer /proc is not covered in parts";
	return "in a user namespace, only some filesystems can be mounted";
}

function idmapped(step: Step, { code }: FailedStep): string | undefined {
	if (code === "EPERM") return "only the owner of the filesystem, for one of the host root, can map the ids of a mount";
	if (code !== "EINVAL") return undefined;
	const below = "idmap" in step && step.idmap?.recursive ? ", or that of a mount below it," : "";
	return `the filesystem${below} does not support id-mapped mounts on this kernel, or is id-mapped already`;
}

function scheduler(policy: string, { code }: FailedStep): string | undefined {
	if (code === "EOPNOTSUPP") return "the kernel was built without utilization clamping (CONFIG_UCLAMP_TASK)";
	if (code === "EBUSY") return "the deadlines of all processes together would take more than the CPUs have";
	if (code !== "EPERM") return undefined;
	if (policy === "SCHED_DEADLINE")
		return "SCHED_DEADLINE takes CAP_SYS_NICE on the host and a process that may run on all CPUs of its root domain";
	return policy === "SCHED_FIFO" || policy === "SCHED_RR"
		? "real-time policies take CAP_SYS_NICE on the host; on cgroup v1 also linux.resources.cpu.realtimeRuntime"
		: "a better priority takes CAP_SYS_NICE on the host";
}

function netDevice({ code }: FailedStep): string | undefined {
	if (code === "ENODEV") return "the runtime's network namespace has no device of that name";
	if (code === "EEXIST")
		return "the container's network namespace has a device of that name; one that ends in %d is made unique";
	if (code === "EXDEV") return "the network namespace is the runtime's own";
	if (code === "EINVAL") return "the kernel does not let every device leave its network namespace (lo, for instance)";
	return undefined;
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
