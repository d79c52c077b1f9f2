/** Messages of the CRI, v1: the fields that the lane uses. https://github.com/kubernetes/cri-api, pkg/apis/runtime/v1 */
import type { Message } from "./protobuf.js";

const int64Value: Message = { value: [1, "int"] };
const metadata: Message = { name: [1, "string"], uid: [2, "string"], namespace: [3, "string"], attempt: [4, "int"] };
const namespaces: Message = { network: [1, "int"], pid: [2, "int"], ipc: [3, "int"], targetId: [4, "string"] };
/** Of NamespaceOption. */
export const namespace = { pod: 0, container: 1, node: 2, target: 3 };
const profile: Message = { type: [1, "int"], localhostRef: [2, "string"] };
/** Of SecurityProfile. */
export const profileType = { runtimeDefault: 0, unconfined: 1, localhost: 2 };
const resources: Message = {
	cpuPeriod: [1, "int"],
	cpuQuota: [2, "int"],
	cpuShares: [3, "int"],
	memoryLimit: [4, "int"],
	oomScoreAdj: [5, "int"],
	cpusetCpus: [6, "string"],
};
const sandboxConfig: Message = {
	metadata: [1, metadata],
	hostname: [2, "string"],
	logDirectory: [3, "string"],
	dns: [4, { servers: [1, "string", "repeated"], searches: [2, "string", "repeated"] }],
	ports: [5, { protocol: [1, "int"], containerPort: [2, "int"], hostPort: [3, "int"] }, "repeated"],
	labels: [6, "map"],
	annotations: [7, "map"],
	linux: [
		8,
		{
			cgroupParent: [1, "string"],
			securityContext: [2, { namespaces: [1, namespaces], privileged: [6, "bool"], seccomp: [9, profile] }],
			sysctls: [3, "map"],
		},
	],
};
const containerMetadata: Message = { name: [1, "string"], attempt: [2, "int"] };
const containerConfig: Message = {
	metadata: [1, containerMetadata],
	image: [2, { image: [1, "string"] }],
	command: [3, "string", "repeated"],
	args: [4, "string", "repeated"],
	workingDir: [5, "string"],
	envs: [6, { key: [1, "string"], value: [2, "string"] }, "repeated"],
	mounts: [
		7,
		{ containerPath: [1, "string"], hostPath: [2, "string"], readonly: [3, "bool"], propagation: [5, "int"] },
		"repeated",
	],
	devices: [8, { containerPath: [1, "string"], hostPath: [2, "string"], permissions: [3, "string"] }, "repeated"],
	logPath: [11, "string"],
	stdin: [12, "bool"],
	tty: [14, "bool"],
	linux: [
		15,
		{
			resources: [1, resources],
			securityContext: [
				2,
				{
					capabilities: [1, { add: [1, "string", "repeated"], drop: [2, "string", "repeated"] }],
					privileged: [2, "bool"],
					namespaces: [3, namespaces],
					runAsUser: [5, int64Value],
					runAsUsername: [6, "string"],
					readonlyRootfs: [7, "bool"],
					supplementalGroups: [8, "int", "repeated"],
					noNewPrivs: [11, "bool"],
					runAsGroup: [12, int64Value],
					maskedPaths: [13, "string", "repeated"],
					readonlyPaths: [14, "string", "repeated"],
					seccomp: [15, profile],
				},
			],
		},
	],
};
const cpuStats: Message = { timestamp: [1, "int"], nanoseconds: [2, int64Value] };
const memoryStats: Message = { timestamp: [1, "int"], workingSet: [2, int64Value] };
const attributes: Message = { id: [1, "string"] };
const containerStats: Message = { attributes: [1, attributes], cpu: [2, cpuStats], memory: [3, memoryStats] };
const sandboxStats: Message = {
	attributes: [1, attributes],
	linux: [2, { cpu: [1, cpuStats], memory: [2, memoryStats], process: [4, { count: [2, int64Value] }] }],
};
const containerId: Message = { containerId: [1, "string"] };
const sandboxId: Message = { sandboxId: [1, "string"] };
const url: Message = { url: [1, "string"] };

/** Request and answer of each method of the service. */
export const methods = {
	Version: [{}, { runtimeName: [2, "string"] }],
	RunPodSandbox: [{ config: [1, sandboxConfig], runtimeHandler: [2, "string"] }, sandboxId],
	StopPodSandbox: [sandboxId, {}],
	RemovePodSandbox: [sandboxId, {}],
	PodSandboxStatus: [
		sandboxId,
		{ status: [1, { state: [3, "int"], network: [5, { ip: [1, "string"] }], runtimeHandler: [9, "string"] }] },
	],
	ListPodSandbox: [{}, { items: [1, { id: [1, "string"] }, "repeated"] }],
	CreateContainer: [
		{ sandboxId: [1, "string"], config: [2, containerConfig], sandboxConfig: [3, sandboxConfig] },
		containerId,
	],
	StartContainer: [containerId, {}],
	StopContainer: [{ containerId: [1, "string"], timeout: [2, "int"] }, {}],
	RemoveContainer: [containerId, {}],
	ContainerStatus: [
		{ containerId: [1, "string"], verbose: [2, "bool"] },
		{
			status: [1, { state: [3, "int"], exitCode: [7, "int"], reason: [10, "string"], message: [11, "string"] }],
			info: [2, "map"],
		},
	],
	ListContainers: [{}, { containers: [1, { id: [1, "string"], state: [6, "int"] }, "repeated"] }],
	UpdateContainerResources: [{ containerId: [1, "string"], linux: [2, resources] }, {}],
	ExecSync: [
		{ containerId: [1, "string"], command: [2, "string", "repeated"], timeout: [3, "int"] },
		{ stdout: [1, "bytes"], stderr: [2, "bytes"], exitCode: [3, "int"] },
	],
	Exec: [
		{
			containerId: [1, "string"],
			command: [2, "string", "repeated"],
			tty: [3, "bool"],
			stdin: [4, "bool"],
			stdout: [5, "bool"],
			stderr: [6, "bool"],
		},
		url,
	],
	Attach: [
		{
			containerId: [1, "string"],
			stdin: [2, "bool"],
			tty: [3, "bool"],
			stdout: [4, "bool"],
			stderr: [5, "bool"],
		},
		url,
	],
	PortForward: [{ sandboxId: [1, "string"], ports: [2, "int", "repeated"] }, url],
	ContainerStats: [containerId, { stats: [1, containerStats] }],
	ListContainerStats: [{}, { stats: [1, containerStats, "repeated"] }],
	PodSandboxStats: [sandboxId, { stats: [1, sandboxStats] }],
	ListPodSandboxStats: [{}, { stats: [1, sandboxStats, "repeated"] }],
} as const satisfies Record<string, readonly [Message, Message]>;

export type Method = keyof typeof methods;
