/** `features`: what this runtime knows, as the specification's features document. Facts of the build, not of the host. */
import { ANNOTATIONS } from "../../bundle/annotations.js";
import { CAPABILITIES } from "../../bundle/capabilities.js";
import { OCI_VERSION_MAX, OCI_VERSION_MIN } from "../../bundle/rules/version.js";
import type { Features } from "../../generated/features.js";
import { words } from "../../generated/words.js";
import type { Native } from "../../native/api.js";
import { mountOptionNames } from "../../plan/mount-options.js";
import type { Command } from "../session.js";
import { isSupported } from "../supported.js";
import { readBuild } from "../version.js";

export const features: Command<"features"> = async (_invocation, { native }) => {
	native.print({ fd: 1, text: `${JSON.stringify(await describeFeatures(native), null, 2)}\n` });
	return 0;
};

async function describeFeatures(native: Native): Promise<Features> {
	const { version, commit } = await readBuild(native);
	return {
		ociVersionMin: OCI_VERSION_MIN,
		ociVersionMax: OCI_VERSION_MAX,
		hooks: [...words.Hooks],
		mountOptions: mountOptionNames().filter(takesMountOption).sort(),
		linux: {
			namespaces: words["Namespace.type"].filter(takesNamespace).sort(),
			capabilities: [...CAPABILITIES],
			cgroup: {
				v1: true,
				v2: true,
				systemd: isSupported({ options: { systemdCgroup: true } }),
				systemdUser: isSupported({ options: { systemdCgroup: true }, rootless: true }),
				rdma: isSupported({ linux: { resources: { rdma: { mlx5_0: { hcaHandles: 1 } } } } }),
			},
			seccomp: describeSeccomp(),
			apparmor: { enabled: isSupported({ process: { apparmorProfile: "docker-default" } }) },
			selinux: {
				enabled:
					isSupported({ process: { selinuxLabel: "u:r:t:s0" } }) && isSupported({ linux: { mountLabel: "u:r:t:s0" } }),
			},
			memoryPolicy: describeMemoryPolicy(),
			intelRdt: {
				enabled: isSupported({ linux: { intelRdt: { closID: "class" } } }),
				schemata: isSupported({ linux: { intelRdt: { closID: "class", schemata: ["L3:0=f"] } } }),
				monitoring: isSupported({ linux: { intelRdt: { enableMonitoring: true } } }),
			},
			mountExtensions: { idmap: { enabled: takesMountOption("idmap") } },
			netDevices: { enabled: isSupported({ linux: { netDevices: { eth0: {} } } }) },
		},
		annotations: {
			"io.github.seccomp.libseccomp.version": native.libseccompVersion,
			// Names below org.opencontainers belong to the specification.
			"io.github.runtime-ts.commit": commit,
			"io.github.runtime-ts.version": version,
		},
		potentiallyUnsafeConfigAnnotations: [...ANNOTATIONS].sort(),
	};
}

const mappings = [{ containerID: 0, hostID: 1000, size: 1 }];

function takesNamespace(type: (typeof words)["Namespace.type"][number]): boolean {
	const mapped = type === "user" ? { uidMappings: mappings, gidMappings: mappings } : {};
	// Every container has a mount namespace.
	const namespaces = type === "mount" ? [{ type }] : [{ type: "mount" as const }, { type }];
	return isSupported({ linux: { namespaces, ...mapped } });
}

function takesMountOption(option: string): boolean {
	const mapped = option.endsWith("idmap") ? { uidMappings: mappings, gidMappings: mappings } : {};
	return isSupported({ mounts: [{ destination: "/m", source: "/m", options: ["bind", option], ...mapped }] });
}

type LinuxFeatures = NonNullable<Features["linux"]>;

function describeSeccomp(): NonNullable<LinuxFeatures["seccomp"]> {
	const flags = [...words["Seccomp.flags"]].sort();
	return {
		enabled: isSupported({ linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW" } } }),
		actions: words["SeccompRule.action"].filter(takesAction).sort(),
		operators: [...words["SeccompArg.op"]].sort(),
		archs: [...words["Seccomp.architectures"]].sort(),
		knownFlags: flags,
		supportedFlags: flags.filter((flag) =>
			isSupported({ linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", flags: [flag] } } }),
		),
	};
}

function takesAction(action: (typeof words)["SeccompRule.action"][number]): boolean {
	const syscalls = [{ names: ["mkdir"], action }];
	return isSupported({ linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/agent", syscalls } } });
}

function describeMemoryPolicy(): NonNullable<LinuxFeatures["memoryPolicy"]> {
	// Some take nodes, some none.
	const modes = words["MemoryPolicy.mode"].filter(
		(mode) =>
			isSupported({ linux: { memoryPolicy: { mode } } }) ||
			isSupported({ linux: { memoryPolicy: { mode, nodes: "0" } } }),
	);
	const flags = words["MemoryPolicy.flags"].filter((flag) =>
		isSupported({ linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: [flag] } } }),
	);
	return { modes: modes.sort(), flags: flags.sort() };
}
