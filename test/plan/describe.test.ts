import t from "tap";
import { describeHostStep, describeInitStep } from "../../src/plan/describe.js";
import { type HostStep, hostStep, type InitStep, initStep } from "../../src/plan/schema.js";

const schedule = {
	op: "process.scheduler",
	nice: 0,
	priority: 0,
	flags: [],
	runtime: "0",
	deadline: "0",
	period: "0",
} satisfies Partial<InitStep>;

const sentences: [InitStep, string][] = [
	[{ op: "process.oomScoreAdj", value: -5 }, "set oom_score_adj to -5"],
	[
		{ op: "namespace.join", namespaces: [{ type: "network", path: "/run/netns/a" }] },
		"join namespaces: network (/run/netns/a)",
	],
	[{ op: "clone", namespaces: ["pid", "mount"] }, "start the container's first process in new namespaces: pid, mount"],
	[
		{ op: "clone", namespaces: [], cgroup: "/c" },
		"start the container's first process in new namespaces: none, in cgroup /c",
	],
	[{ op: "container.join", pid: 7, startTime: "1", tasks: [] }, "join the namespaces of process 7"],
	[
		{ op: "container.join", pid: 7, startTime: "1", tasks: [], cgroup: "/c" },
		"join the namespaces of process 7, for cgroup /c",
	],
	[{ op: "container.enter" }, "enter the container's cgroups and root filesystem"],
	[{ op: "keyring.join", name: "_ses.c", existing: true }, "join session keyring _ses.c"],
	[{ op: "time.create", offsets: [] }, "make a time namespace (no offsets)"],
	[
		{ op: "time.create", offsets: [{ clock: "boottime", secs: "-5", nanosecs: 7 }] },
		"make a time namespace (boottime -5 s 7 ns)",
	],
	[{ op: "idmap.wait" }, "wait until the id maps are written"],
	[{ op: "netDevices.wait" }, "wait until the network devices are moved"],
	[
		{ op: "process.attribute", files: ["attr/apparmor/exec", "attr/exec"], value: "exec profile" },
		'write "exec profile" to attr/apparmor/exec of the process',
	],
	[{ op: "keyring.join", name: "_ses.c" }, "make session keyring _ses.c"],
	[{ op: "network.up", device: "lo" }, "bring up network device lo"],
	[
		{ op: "root.open", path: "/r", propagation: "rslave" },
		"open root filesystem /r (mounts of the host become rslave)",
	],
	[{ op: "root.open", path: "/r" }, "open root filesystem /r"],
	[{ op: "cgroup.join" }, "enter the cgroups"],
	[{ op: "namespace.unshare", namespaces: ["cgroup"] }, "make new namespaces: cgroup"],
	[
		{
			op: "mount.filesystem",
			destination: "/run",
			type: "tmpfs",
			source: "tmpfs",
			options: [["size", "1m"], "huge"],
			superblock: ["ro"],
			attributes: { set: ["rdonly", "nosuid"], atime: "noatime" },
			propagation: ["shared"],
			copyUp: true,
		},
		"mount tmpfs on /run (copy up, read-only, nosuid, noatime, size=1m, huge, superblock ro, shared)",
	],
	[
		{ op: "mount.filesystem", destination: "/proc", type: "proc", source: "proc", options: [], superblock: [] },
		"mount proc on /proc",
	],
	[
		{
			op: "mount.bind",
			destination: "/mnt",
			source: "/data",
			tree: true,
			recursive: { set: ["rdonly"], clear: ["nosuid"] },
		},
		"bind /data on /mnt (with its submounts, read-only recursively, suid recursively)",
	],
	[
		{
			op: "mount.remount",
			destination: "/",
			bind: true,
			options: [],
			superblock: [],
			attributes: { clear: ["rdonly"] },
		},
		"remount / (writable)",
	],
	[{ op: "mount.propagation", destination: "/x", propagation: ["rshared"] }, "make mounts of /x rshared"],
	[{ op: "directory.create", path: "/w", mode: 0o755 }, "make directory /w (mode 0755)"],
	[{ op: "symlink.create", path: "/dev/fd", target: "/proc/self/fd", replace: false }, "link /dev/fd to /proc/self/fd"],
	[
		{ op: "device.create", path: "/dev/null", kind: "c", major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
		"make device /dev/null (c 1:3, mode 0666)",
	],
	[
		{ op: "device.create", path: "/p", kind: "p", major: 0, minor: 0, mode: 0o600, uid: 0, gid: 0 },
		"make fifo /p (mode 0600)",
	],
	[
		{ op: "device.bind", source: "/dev/null", path: "/dev/null", kind: "c", major: 1, minor: 3 },
		"bind device /dev/null on /dev/null",
	],
	[{ op: "console.create", uid: 0, bind: true }, "make a terminal, bind it on /dev/console"],
	[{ op: "hooks.sync" }, "run prestart and createRuntime hooks"],
	[
		{ op: "hook.run", stage: "createContainer", index: 1, path: "/h", args: ["h"], env: [], state: {} },
		"run createContainer hook #1: /h",
	],
	[{ op: "hooks.output", stdout: "/o", stderr: "/e" }, "write what hooks print to /o, /e"],
	[{ op: "hooks.output", stderr: "/e" }, "write what hooks print to /e"],
	[{ op: "root.enter", method: "pivot" }, "pivot_root into the root filesystem"],
	[{ op: "root.enter", method: "chroot" }, "chroot into the root filesystem"],
	[{ op: "uts.hostname", name: "h" }, "set hostname to h"],
	[{ op: "uts.domainname", name: "d" }, "set domainname to d"],
	[{ op: "sysctl.write", key: "net.a", path: "net/a", value: "1" }, "set sysctl net.a to 1"],
	[{ op: "path.readonly", path: "/proc/sys" }, "make /proc/sys read-only"],
	[{ op: "path.mask", path: "/proc/kcore" }, "mask /proc/kcore"],
	[{ op: "process.rlimit", type: "RLIMIT_CORE", soft: "0", hard: "1" }, "set RLIMIT_CORE to 0 (hard 1)"],
	[{ op: "path.mask", path: "/p", label: "l" }, "mask /p (label l)"],
	[
		{
			op: "mount.filesystem",
			destination: "/m",
			type: "mqueue",
			source: "mqueue",
			options: [],
			superblock: [],
			rootLabel: "l",
		},
		"mount mqueue on /m (label l)",
	],
	[
		{ ...schedule, policy: "SCHED_FIFO", priority: 9, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
		"schedule as SCHED_FIFO (priority 9, SCHED_FLAG_RESET_ON_FORK)",
	],
	[{ ...schedule, policy: "SCHED_OTHER", nice: -5 }, "schedule as SCHED_OTHER (nice -5)"],
	[
		{ ...schedule, policy: "SCHED_DEADLINE", runtime: "5", deadline: "6" },
		"schedule as SCHED_DEADLINE (5 ns in 6 of each 6)",
	],
	[{ op: "process.ioPriority", class: "IOPRIO_CLASS_BE", priority: 3 }, "set the I/O priority to IOPRIO_CLASS_BE 3"],
	[{ op: "process.affinity", cpus: [0, 1, 7] }, "run on CPUs 0, 1, 7"],
	[{ op: "process.personality", domain: "LINUX32" }, "set the execution domain to LINUX32"],
	[
		{ op: "process.memoryPolicy", mode: "MPOL_BIND", nodes: [0, 2], flags: ["MPOL_F_STATIC_NODES"] },
		"set the memory policy to MPOL_BIND, MPOL_F_STATIC_NODES on nodes 0, 2",
	],
	[{ op: "process.memoryPolicy", mode: "MPOL_LOCAL", nodes: [], flags: [] }, "set the memory policy to MPOL_LOCAL"],
	[{ op: "process.noNewPrivileges" }, "set no_new_privs"],
	[{ op: "seccomp.load", flags: [] }, "load the seccomp filter (flags: none)"],
	[
		{ op: "seccomp.load", flags: ["F"], listener: "keep" },
		"load the seccomp filter (flags: F), hand its listener to the agent",
	],
	[{ op: "capabilities.bound", keep: ["CAP_KILL"] }, "bound capabilities to CAP_KILL"],
	[
		{ op: "process.user", uid: 1, gid: 2, additionalGids: [3], umask: 0o22, setgroups: true, keepCapabilities: true },
		"become user 1:2, groups 3, umask 0022",
	],
	[
		{ op: "capabilities.apply", effective: ["CAP_KILL"], permitted: [], inheritable: [], ambient: [] },
		"hold capabilities CAP_KILL (ambient: none)",
	],
	[{ op: "capabilities.apply", effective: ["CAP_KILL"], permitted: [], inheritable: [] }, "hold capabilities CAP_KILL"],
	[{ op: "process.cwd", path: "/w", deferrable: true }, "change directory to /w, now or as the user"],
	[{ op: "process.cwd", path: "/w" }, "change directory to /w"],
	[{ op: "process.home", uid: 7 }, "take HOME of user 7 from /etc/passwd"],
	[{ op: "process.lookup", file: "sh", searchPath: "/bin:/usr/bin" }, "find sh in /bin:/usr/bin"],
	[{ op: "process.lookup", file: "/bin/sh", searchPath: "/bin" }, "find /bin/sh"],
	[{ op: "start.wait", via: "socket" }, "wait for start"],
	[{ op: "exec", args: ["sh", "-c", "echo hi"], env: [], preserveFds: 0 }, 'exec sh -c "echo hi"'],
	[{ op: "exec", args: ["sh"], env: [], preserveFds: 1 }, "exec sh (with 1 descriptor from 3 on)"],
];

const isPriority = ({ op }: { op: string }) => op === "process.scheduler" || op === "process.ioPriority";

const unit = { unit: "u.scope", bus: [{ address: "unix:path=/run/systemd/private", broker: false }] };
const properties = [
	{ name: "Slice", signature: "s", value: "a.slice" },
	{ name: "TasksMax", signature: "t", value: "18446744073709551615" },
	{ name: "DeviceAllow", signature: "a(ss)", value: [["char-*", "m"]] },
];

const hostSentences: [HostStep, string][] = [
	[
		{ op: "systemd.start", ...unit, cgroup: "/a.slice/u.scope", version: 252, enter: true, properties },
		"start systemd unit u.scope with the init in it: Slice=a.slice, TasksMax=infinity, DeviceAllow",
	],
	[
		{ op: "systemd.start", ...unit, cgroup: "/u.slice", version: 252, enter: false, properties: [] },
		"start systemd unit u.scope: none",
	],
	[
		{ op: "systemd.set", ...unit, properties },
		"set Slice=a.slice, TasksMax=infinity, DeviceAllow of systemd unit u.scope",
	],
	[{ op: "systemd.stop", ...unit }, "stop systemd unit u.scope"],
	[{ op: "cgroup.create", path: "/sys/fs/cgroup/c" }, "make cgroup /sys/fs/cgroup/c"],
	[{ op: "cgroup.write", path: "/c/pids.max", value: "5" }, "write 5 to /c/pids.max"],
	[
		{ op: "cgroup.check", path: "/c/memory.usage_in_bytes", atMost: "5" },
		"check that /c/memory.usage_in_bytes is at most 5",
	],
	[{ op: "cgroup.inherit", path: "/c", file: "cpuset.cpus", root: "/" }, "fill /c/cpuset.cpus from its parents"],
	[
		{ op: "cgroup.devices", path: "/c", program: [], rules: ["deny a *:* rwm"] },
		"attach a device program of 1 rule to /c",
	],
	[
		{ op: "cgroup.devices", path: "/c", program: [], rules: ["deny a *:* rwm"], replace: true },
		"replace the device program by one of 1 rule at /c",
	],
	[{ op: "cgroup.removeParents" }, "remove the parents that were made for the cgroups"],
	[{ op: "cgroup.delegate", path: "/c", uid: 1000 }, "give cgroup /c to user 1000"],
	[
		{ op: "cgroup.write", path: "/c/a", value: "1", instead: { path: "/c/b", value: "2" } },
		"write 1 to /c/a, or 2 to /c/b",
	],
	[{ op: "idmap.write", uid: [[0, 1, 2]], gid: [], denySetgroups: false }, "write id maps (1 uid range, 0 gid ranges)"],
	[{ op: "netDevice.move", device: "a" }, "move network device a into the container"],
	[
		{ op: "netDevice.move", device: "a", name: "b", namespace: "/run/netns/n" },
		"move network device a into /run/netns/n as b",
	],
	[{ op: "netDevices.return" }, "move the network devices back"],
	[{ op: "netDevices.keep" }, "leave the network devices to the container"],
	[{ op: "resctrl.create", root: "/r", path: "/r/c" }, "make resctrl group /r/c"],
	[
		{ op: "resctrl.schemata", root: "/r", path: "/r/c", value: "L3:0=f\nMB:0=50\n" },
		"write L3:0=f and MB:0=50 to /r/c/schemata",
	],
	[{ op: "resctrl.join", root: "/r", path: "/r/c" }, "put the process into resctrl group /r/c"],
	...sentences.filter((entry): entry is [InitStep & HostStep, string] => isPriority(entry[0])),
];

t.test("one sentence a step", async (t) => {
	for (const [step, sentence] of sentences) t.equal(describeInitStep(step), sentence);
	for (const [step, sentence] of hostSentences) t.equal(describeHostStep(step), sentence);
});

t.test("no step is without one", async (t) => {
	const ops = (schema: typeof initStep | typeof hostStep) =>
		schema.options.map((option) => option.shape.op.value as string);
	t.strictSame(
		ops(initStep).filter((op) => !sentences.some(([step]) => step.op === op)),
		[],
	);
	t.strictSame(
		ops(hostStep).filter((op) => !hostSentences.some(([step]) => step.op === op)),
		[],
	);
});
