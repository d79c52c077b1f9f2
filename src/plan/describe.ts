/** One sentence for each step of a plan, for people: `explain` prints them and errors quote them. */

import type { AttributeChange, HostStep, InitStep, InitStepOf, MountIdMap, UnitPropertyValue } from "./schema.js";

type MountStep = InitStepOf<"mount.filesystem"> | InitStepOf<"mount.bind"> | InitStepOf<"mount.remount">;

const attributeWords: Record<string, string> = { rdonly: "read-only" };
const clearedWords = (): Record<string, string> => ({
	rdonly: "writable",
	nosuid: "suid",
	nodev: "dev",
	noexec: "exec",
	nodiratime: "diratime",
	nosymfollow: "symfollow",
});

function attributes(change: AttributeChange | undefined, suffix: string): string[] {
	if (change === undefined) return [];
	const words = [
		...(change.set ?? []).map((name) => attributeWords[name] ?? name),
		...(change.clear ?? []).map((name) => clearedWords()[name] ?? name),
		...(change.atime ? [change.atime] : []),
	];
	return words.map((word) => word + suffix);
}

function details(step: MountStep, ...more: string[]): string {
	const words = [
		...more,
		...("idmap" in step && step.idmap ? [describeIdMap(step.idmap)] : []),
		...attributes(step.attributes, ""),
		...attributes(step.recursive, " recursively"),
		...("options" in step
			? step.options.map((option) => (typeof option === "string" ? option : option.join("=")))
			: []),
		...("superblock" in step ? step.superblock.map((flag) => `superblock ${flag}`) : []),
		...(step.propagation ?? []),
	];
	return words.length > 0 ? ` (${words.join(", ")})` : "";
}

function describeIdMap({ uid, gid, recursive }: MountIdMap): string {
	const whose =
		uid && gid ? `${count(uid.length, "uid range")}, ${count(gid.length, "gid range")}` : "as the container";
	return `ids mapped${recursive ? " recursively" : ""}: ${whose}`;
}

const list = (words: readonly string[], empty = "none"): string => (words.length > 0 ? words.join(", ") : empty);
const UNLIMITED = "18446744073709551615";
const octal = (mode: number): string => mode.toString(8).padStart(4, "0");
const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const entries = {
	pivot: "pivot_root into the root filesystem",
	move: "move the root filesystem over / and chroot into it",
	chroot: "chroot into the root filesystem",
};

/** `TasksMax=20`; what has parts or is long is named only. */
const propertyText = ({ name, value }: UnitPropertyValue): string =>
	typeof value === "string" ? `${name}=${value === UNLIMITED ? "infinity" : value}` : name;

type Describe<Step extends { op: string }> = { [Op in Step["op"]]: (step: Extract<Step, { op: Op }>) => string };

const priorities = (): Describe<InitStepOf<"process.scheduler" | "process.ioPriority">> => ({
	"process.scheduler": ({ policy, nice, priority, flags, runtime, deadline, period }) =>
		`schedule as ${policy} (${list([
			...(priority === 0 ? [] : [`priority ${priority}`]),
			...(runtime === "0" ? [] : [`${runtime} ns in ${deadline} of each ${period === "0" ? deadline : period}`]),
			...(nice === 0 && (priority !== 0 || runtime !== "0") ? [] : [`nice ${nice}`]),
			...flags,
		])})`,
	"process.ioPriority": (step) => `set the I/O priority to ${step.class} ${step.priority}`,
});

const initSentences = (): Describe<InitStep> => ({
	"process.oomScoreAdj": ({ value }) => `set oom_score_adj to ${value}`,
	"namespace.join": ({ namespaces }) =>
		`join namespaces: ${list(namespaces.map(({ type, path }) => `${type} (${path})`))}`,
	clone: ({ namespaces, cgroup }) =>
		`start the container's first process in new namespaces: ${list(namespaces)}${cgroup ? `, in cgroup ${cgroup}` : ""}`,
	"container.join": ({ pid, cgroup }) =>
		`join the namespaces of process ${pid}${cgroup ? `, for cgroup ${cgroup}` : ""}`,
	"container.enter": () => "enter the container's cgroups and root filesystem",
	"time.create": ({ offsets }) =>
		`make a time namespace (${list(
			offsets.map(({ clock, secs, nanosecs }) => `${clock} ${secs} s ${nanosecs} ns`),
			"no offsets",
		)})`,
	"idmap.wait": () => "wait until the id maps are written",
	"netDevices.wait": () => "wait until the network devices are moved",
	"process.attribute": ({ files, value }) => `write ${JSON.stringify(value)} to ${files[0]} of the process`,
	"keyring.join": ({ name, existing }) => `${existing ? "join" : "make"} session keyring ${name}`,
	"network.up": ({ device }) => `bring up network device ${device}`,
	"root.open": ({ path, propagation }) =>
		`open root filesystem ${path}${propagation ? ` (mounts of the host become ${propagation})` : ""}`,
	"cgroup.join": () => "enter the cgroups",
	"namespace.unshare": ({ namespaces }) => `make new namespaces: ${list(namespaces)}`,
	"mount.filesystem": (step) =>
		`mount ${step.type} on ${step.destination}${details(step, ...(step.copyUp ? ["copy up"] : []), ...(step.rootLabel ? [`label ${step.rootLabel}`] : []))}${step.ifForbidden ? `, or bind ${step.ifForbidden} there` : ""}`,
	"mount.bind": (step) =>
		`bind ${step.source} on ${step.destination}${details(step, ...(step.tree ? ["with its submounts"] : []))}`,
	"mount.remount": (step) => `remount ${step.destination}${details(step)}`,
	"mount.propagation": ({ destination, propagation }) => `make mounts of ${destination} ${propagation.join(", ")}`,
	"directory.create": ({ path, mode }) => `make directory ${path} (mode ${octal(mode)})`,
	"symlink.create": ({ path, target }) => `link ${path} to ${target}`,
	"device.create": ({ path, kind, major, minor, mode }) =>
		kind === "p"
			? `make fifo ${path} (mode ${octal(mode)})`
			: `make device ${path} (${kind} ${major}:${minor}, mode ${octal(mode)})`,
	"device.bind": ({ source, path }) => `bind device ${source} on ${path}`,
	"console.create": ({ bind }) => `make a terminal${bind ? ", bind it on /dev/console" : ""}`,
	"hooks.sync": () => "run prestart and createRuntime hooks",
	"hooks.output": ({ stdout, stderr }) =>
		`write what hooks print to ${list([stdout, stderr].filter((path) => path !== undefined))}`,
	"hook.run": ({ stage, index, path }) => `run ${stage} hook #${index}: ${path}`,
	"root.enter": ({ method }) => entries[method],
	"uts.hostname": ({ name }) => `set hostname to ${name}`,
	"uts.domainname": ({ name }) => `set domainname to ${name}`,
	"sysctl.write": ({ key, value }) => `set sysctl ${key} to ${value}`,
	"path.readonly": ({ path }) => `make ${path} read-only`,
	"path.mask": ({ path, label }) => `mask ${path}${label === undefined ? "" : ` (label ${label})`}`,
	"process.rlimit": ({ type, soft, hard }) => `set ${type} to ${soft} (hard ${hard})`,
	...priorities(),
	"process.affinity": ({ cpus }) => `run on CPUs ${cpus.join(", ")}`,
	"process.personality": ({ domain }) => `set the execution domain to ${domain}`,
	"process.memoryPolicy": ({ mode, nodes, flags }) =>
		`set the memory policy to ${list([mode, ...flags])}${nodes.length > 0 ? ` on nodes ${nodes.join(", ")}` : ""}`,
	"process.noNewPrivileges": () => "set no_new_privs",
	"seccomp.load": ({ flags, listener }) =>
		`load the seccomp filter (flags: ${list(flags)})${listener ? ", hand its listener to the agent" : ""}`,
	"capabilities.bound": ({ keep }) => `bound capabilities to ${list(keep)}`,
	"process.user": ({ uid, gid, additionalGids, umask }) =>
		`become user ${uid}:${gid}${additionalGids.length > 0 ? `, groups ${additionalGids.join(", ")}` : ""}${umask === undefined ? "" : `, umask ${octal(umask)}`}`,
	"capabilities.apply": ({ effective, ambient }) =>
		`hold capabilities ${list(effective)}${ambient ? ` (ambient: ${list(ambient)})` : ""}`,
	"process.cwd": ({ path, deferrable }) => `change directory to ${path}${deferrable ? ", now or as the user" : ""}`,
	"process.home": ({ uid }) => `take HOME of user ${uid} from /etc/passwd`,
	"process.lookup": ({ file, searchPath }) =>
		`find ${file}${file.includes("/") ? "" : ` in ${searchPath || "an empty PATH"}`}`,
	"start.wait": () => "wait for start",
	exec: ({ args, preserveFds }) =>
		`exec ${args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(" ")}${preserveFds > 0 ? ` (with ${count(preserveFds, "descriptor")} from 3 on)` : ""}`,
});

const hostSentences = (): Describe<HostStep> => ({
	...priorities(),
	"systemd.start": ({ unit, properties, enter }) =>
		`start systemd unit ${unit}${enter ? " with the init in it" : ""}: ${list(properties.map(propertyText))}`,
	"systemd.set": ({ unit, properties }) => `set ${list(properties.map(propertyText))} of systemd unit ${unit}`,
	"systemd.stop": ({ unit }) => `stop systemd unit ${unit}`,
	"cgroup.create": ({ path }) => `make cgroup ${path}`,
	"cgroup.removeParents": () => "remove the parents that were made for the cgroups",
	"cgroup.write": ({ path, value, instead }) =>
		`write ${value} to ${path}${instead === undefined ? "" : `, or ${instead.value} to ${instead.path}`}`,
	"cgroup.check": ({ path, atMost }) => `check that ${path} is at most ${atMost}`,
	"cgroup.inherit": ({ path, file }) => `fill ${path}/${file} from its parents`,
	"cgroup.devices": ({ path, rules, replace }) =>
		`${replace ? "replace the device program by one" : "attach a device program"} of ${count(rules.length, "rule")} ${replace ? "at" : "to"} ${path}`,
	"cgroup.delegate": ({ path, uid }) => `give cgroup ${path} to user ${uid}`,
	"idmap.write": ({ uid, gid }) =>
		`write id maps (${count(uid.length, "uid range")}, ${count(gid.length, "gid range")})`,
	"netDevice.move": ({ device, name, namespace }) =>
		`move network device ${device} into ${namespace ?? "the container"}${name === undefined ? "" : ` as ${name}`}`,
	"netDevices.return": () => "move the network devices back",
	"netDevices.keep": () => "leave the network devices to the container",
	"resctrl.create": ({ path }) => `make resctrl group ${path}`,
	"resctrl.schemata": ({ path, value }) => `write ${value.trimEnd().split("\n").join(" and ")} to ${path}/schemata`,
	"resctrl.join": ({ path }) => `put the process into resctrl group ${path}`,
});

export function describeInitStep(step: InitStep): string {
	return (initSentences()[step.op] as (step: InitStep) => string)(step);
}

export function describeHostStep(step: HostStep): string {
	return (hostSentences()[step.op] as (step: HostStep) => string)(step);
}
