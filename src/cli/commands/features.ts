/** `features`: what this runtime knows, as the specification's features document. Facts of the build, not of the host. */
import { CAPABILITIES } from "../../bundle/capabilities.js";
import type { Features } from "../../generated/features.js";
import type { Native } from "../../native/api.js";
import { mountOptionNames } from "../../plan/mount-options.js";
import type { Command } from "../session.js";
import { hooks, memoryPolicy, namespaces, seccomp } from "../supported.js";
import { readBuild, specVersion } from "../version.js";

export const features: Command<"features"> = async (_invocation, { native }) => {
	native.print({ fd: 1, text: `${JSON.stringify(await describeFeatures(native), null, 2)}\n` });
	return 0;
};

export async function describeFeatures(native: Native): Promise<Features> {
	const { version, commit } = await readBuild(native);
	return {
		ociVersionMin: "1.0.0",
		ociVersionMax: specVersion,
		hooks: [...hooks],
		mountOptions: mountOptionNames().sort(),
		linux: {
			namespaces: [...namespaces],
			capabilities: [...CAPABILITIES],
			cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
			seccomp: {
				enabled: true,
				actions: [...seccomp.actions],
				operators: [...seccomp.operators],
				archs: [...seccomp.architectures],
				knownFlags: [...seccomp.flags],
				supportedFlags: [...seccomp.flags],
			},
			apparmor: { enabled: true },
			selinux: { enabled: true },
			memoryPolicy: { modes: [...memoryPolicy.modes], flags: [...memoryPolicy.flags] },
			intelRdt: { enabled: true, schemata: true, monitoring: true },
			mountExtensions: { idmap: { enabled: true } },
			netDevices: { enabled: true },
		},
		annotations: {
			"io.github.seccomp.libseccomp.version": native.libseccompVersion,
			"org.opencontainers.runtime-ts.commit": commit,
			"org.opencontainers.runtime-ts.version": version,
		},
	};
}
