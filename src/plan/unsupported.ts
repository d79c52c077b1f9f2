/** What a plan can't express yet is refused by name: a container that lacks what its config asks for is worse than none. */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";

export function refuseUnsupported(context: Context): void {
	const { linux, process, host, options } = context;
	if (options.systemdCgroup) {
		throw new RuntimeError("host.unsupported", "systemd cgroup flag passed, but systemd support for managing cgroups is not available");
	}
	if (process.apparmorProfile && !host.apparmor) {
		throw new RuntimeError("host.unsupported", "apparmor: config provided but apparmor not supported", { pointer: "/process/apparmorProfile" });
	}
	const asked: [unknown, string][] = [
		[process.apparmorProfile, "/process/apparmorProfile"],
		[process.selinuxLabel, "/process/selinuxLabel"],
		[process.scheduler, "/process/scheduler"],
		[process.ioPriority, "/process/ioPriority"],
		[linux.mountLabel, "/linux/mountLabel"],
		[linux.personality, "/linux/personality"],
		[linux.intelRdt, "/linux/intelRdt"],
		[linux.memoryPolicy, "/linux/memoryPolicy"],
		[linux.netDevices && Object.keys(linux.netDevices).length > 0, "/linux/netDevices"],
		[linux.timeOffsets && Object.keys(linux.timeOffsets).length > 0, "/linux/timeOffsets"],
	];
	for (const [value, pointer] of asked) {
		if (!value) continue;
		const name = pointer.slice(pointer.lastIndexOf("/") + 1);
		throw new RuntimeError("config.unsupported", `${name} is not supported`, { pointer });
	}
}
