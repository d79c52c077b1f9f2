/** What the compiler of a plan needs beside the bundle: facts of the host and the options of the command. */

import type { CgroupLayout } from "../cgroup/layout.js";
import type { SystemdFacts } from "../cgroup/systemd.js";
import type { DeviceFile } from "./bound-devices.js";
import type { ResctrlFacts } from "./intel-rdt.js";

/** Read once by the container layer; plain data, so that a plan can be made for any host in a test. */
export interface HostFacts {
	cgroup: CgroupLayout;
	/** Names (CAP_*) in this process's bounding set: nothing else can be granted. */
	capabilities: string[];
	euid: number;
	egid: number;
	initialUserNamespace: boolean;
	/** The kernel has time namespaces; known only where config.json asks for one. */
	timeNamespaces: boolean;
	/** /proc/self/setgroups says deny, which every user namespace below this one inherits (user_namespaces(7)). */
	setgroupsDenied?: boolean;
	apparmor: boolean;
	selinux: boolean;
	/** Absent without linux.intelRdt, or without a resctrl mount. */
	resctrl?: ResctrlFacts;
	/** Known only with --systemd-cgroup. */
	systemd?: SystemdFacts;
	/** By path: the devices of linux.devices that are bound. Absent where they are made. */
	deviceFiles?: Record<string, DeviceFile>;
}

/** Options of `create` and `run` that shape the plan. */
export interface CreateOptions {
	noPivot: boolean;
	noNewKeyring: boolean;
	preserveFds: number;
	/** How `start` reaches the init: through the engine that is still there (run) or the socket (create). */
	startVia: "channel" | "socket";
	systemdCgroup: boolean;
	/** `--cgroup-manager disabled`: no cgroup at all. */
	noCgroup?: boolean;
	/** NOTIFY_SOCKET was set: the host directory of the proxy socket, bound at /run/notify. */
	notifyDirectory?: string;
	/** Host path for the root of a container that needs mounts and has no mount namespace. */
	mountedRoot: string;
	/** LISTEN_FDS of the caller, 0 when unset. */
	listenFds: number;
	trace: boolean;
	/** `--rootless`: whether a container that asks for no cgroup goes without one; undefined: when not root on the host. */
	rootless?: boolean;
}
