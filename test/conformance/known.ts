/**
 * The programs of the suite that fail, and why: where the suite contradicts version 1.3 of the specification or itself,
 * and where the host lacks what the program is about. With a `when`, the reason holds only on such a host.
 */
import { existsSync, readFileSync } from "node:fs";
import { hostMounts } from "../support/leaks.js";

export interface KnownFailure {
	reason: string;
	/** Matches each problem of the run (verdict.ts): a program may fail for its listed reason only. */
	fails: RegExp;
	/** Matches what the run said on either stream, where the problem itself says little. */
	says?: RegExp;
	/** Passes at times: then it is run again until it does, a few times, and has to pass once. */
	races?: true;
	when?: () => boolean;
}

const CAP_SYS_RESOURCE = 24n;

function lacksSysResource(): boolean {
	const bounding = /^CapBnd:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
	return ((BigInt(`0x${bounding}`) >> CAP_SYS_RESOURCE) & 1n) === 0n;
}

/** Mounted, or to be mounted for the program (suite.ts). */
function available(controller: string): boolean {
	if (new RegExp(`^${controller}\\t0\\t\\d+\\t1$`, "m").test(readFileSync("/proc/cgroups", "utf8"))) return true;
	return hostMounts().some(({ type, superblock }) => type === "cgroup" && superblock.includes(controller));
}

function hasProfile(name: string): boolean {
	const profiles = "/sys/kernel/security/apparmor/profiles";
	return existsSync(profiles) && readFileSync(profiles, "utf8").includes(`${name} (`);
}

const blkio: KnownFailure = {
	reason: "wants blkio.weight and blkio.leaf_weight, which went with the CFQ scheduler in Linux 5.0",
	fails: /^(ends with status 1: failed to create the container|exit status 1$)/,
	says: /leaf weights went with the CFQ scheduler/,
};

const kernelMemory: KnownFailure = {
	reason: "wants memory.kernel, which Linux has not had since 5.16, and which must be refused then",
	fails: /^exit status 1$/,
	says: /memory\.kernel: since Linux 5\.16/,
};

const network: KnownFailure = {
	reason: "the kernel has no controllers net_cls and net_prio, or they are not mounted and in use",
	fails: /^(ends with status 1: failed to create the container|exit status 1$)/,
	says: /controller "net_cls" is not mounted/,
	when: () => !available("net_cls") || !available("net_prio"),
};

export const knownFailures: Readonly<Record<string, KnownFailure>> = {
	delete: {
		reason: "a created container may be deleted: engines do, and runc allows it",
		fails: /^attempting to `delete` a container that is not `stopped` MUST/,
	},
	hooks: {
		reason: "its hooks print `post-start1 called`, and it compares with `post-start1`",
		fails: /^Hooks MUST be called in the listed order/,
	},
	linux_cgroups_blkio: blkio,
	linux_cgroups_relative_blkio: blkio,
	linux_cgroups_memory: kernelMemory,
	linux_cgroups_relative_memory: kernelMemory,
	linux_cgroups_network: network,
	linux_cgroups_relative_network: network,
	linux_process_apparmor_profile: {
		reason: "this kernel has no AppArmor, or has not loaded the program's profile, acme_secure_profile",
		fails: /^ends with status 1: failed to create the container/,
		says: /apparmor/i,
		when: () => !hasProfile("acme_secure_profile"),
	},
	misc_props: {
		reason: "makes a bundle without the program that its process.args name; create looks for it, as runc's does",
		fails: /MUST NOT generate an error if they encounter an unknown annotation key$/,
		says: /stat \/runtimetest: no such file or directory/,
	},
	pidfile: {
		reason: "kills a container that ended long ago, and takes the error that the specification wants for a failure",
		fails: /^create with '--pid-file' option works$/,
		says: /container not running/,
	},
	poststart: {
		reason: "its hook and the container's process race to append to one file",
		fails: /^The post-start hooks MUST be called after the user-specified process is executed/,
		races: true,
	},
	poststart_fail: {
		reason: "wants a warning for a failing poststart hook; since 1.3 it is an error",
		fails: /^if any poststart hook fails, the runtime MUST log a warning/,
	},
	prestart: {
		reason: "wants prestart hooks to run at start; since 1.1 they run at create",
		fails: /^Pre-start hooks MUST be called after the `start` operation is called/,
	},
	process_capabilities: {
		reason: "wants CAP_SYS_RESOURCE, which this host withholds from everybody",
		fails: /^(expected \w+ capability CAP_SYS_RESOURCE set|exit status 1)$/,
		when: lacksSysResource,
	},
	process_capabilities_fail: {
		reason: "wants an error for an unknown capability; since 1.1 it is a warning",
		fails: /^ends with status 1: Any value which cannot be mapped to a relevant kernel interface MUST cause an error/,
	},
	process_rlimits: {
		reason: "runtimetest is a Go program, whose runtime (1.19) raises the soft limit of open files before it looks",
		fails: /^has expected soft RLIMIT_NOFILE$/,
	},
	start: {
		reason: "wants create and start to succeed without `process`, then says that start MUST fail",
		fails: /^(exit status 1|`start` operation MUST generate an error if `process` was not set)$/,
	},
};

/** The reason that holds on this host. */
export function knownFailure(program: string): KnownFailure | undefined {
	const known = Object.hasOwn(knownFailures, program) ? knownFailures[program] : undefined;
	return known?.when === undefined || known.when() ? known : undefined;
}
