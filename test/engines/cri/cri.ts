/** The CRI as the kubelet uses it: pods, their containers, and what the tests ask of them. */
import { join } from "node:path";
import { image } from "../image.js";
import { until } from "../lane.js";
import type { Machine } from "../machine.js";
import { CriClient } from "./client.js";
import { type Method, namespace } from "./messages.js";
import type { Value } from "./protobuf.js";

export interface Pod {
	id: string;
	config: Value;
}

/** Name of the runtime under test in the configuration; the default of pods is another one, which does not exist. */
export const handler = "lane";

export type Cri = ReturnType<typeof criOf>;

/** `directory`: has containerd's socket; the containers' logs go there too. */
export function criOf(machine: Machine, directory: string) {
	const socket = join(directory, "containerd.sock");
	let client: CriClient;
	async function connected(): Promise<void> {
		await until(async () => {
			client = new CriClient(socket);
			return client.call("Version").then(
				() => true,
				() => false,
			);
		}, "containerd answers");
	}
	const call = (method: Method, request: Value = {}) => client.call(method, request);

	let count = 0;

	interface PodOptions {
		/** In the node's network the host name is the node's: none. */
		hostname?: boolean;
		/** Fields of its configuration beside `linux`. */
		config?: Value;
	}

	async function pod(
		security: Value = {},
		linux: Value = {},
		{ hostname = true, config: more = {} }: PodOptions = {},
	): Promise<Pod> {
		const name = `pod${++count}`;
		const config = {
			metadata: { name, uid: name, namespace: "lane", attempt: 0 },
			...(hostname ? { hostname: name } : {}),
			logDirectory: join(directory, "logs"),
			...more,
			linux: {
				// Of the kubelet's drivers the one makes slices.
				cgroupParent: machine.systemd ? `/lane.slice/lane-${name}.slice` : `/lane-pods/${name}`,
				securityContext: { namespaces: { pid: namespace.container }, ...security },
				...linux,
			},
		};
		const { sandboxId } = await call("RunPodSandbox", { config, runtimeHandler: handler });
		return { id: sandboxId as string, config };
	}

	async function removePod({ id }: Pod): Promise<void> {
		await call("StopPodSandbox", { sandboxId: id });
		await call("RemovePodSandbox", { sandboxId: id });
	}

	async function created(pod: Pod, command: string[], config: Value = {}): Promise<string> {
		const name = `container${++count}`;
		// As Kubernetes has it: each container with a pid namespace of its own, unless the pod says otherwise.
		const linux = { securityContext: { namespaces: { pid: namespace.container } }, ...(config["linux"] as Value) };
		const { containerId } = await call("CreateContainer", {
			sandboxId: pod.id,
			sandboxConfig: pod.config,
			config: { metadata: { name, attempt: 0 }, image: { image }, command, logPath: `${name}.log`, ...config, linux },
		});
		logs.set(containerId as string, join(directory, "logs", `${name}.log`));
		return containerId as string;
	}
	const logs = new Map<string, string>();
	/** The text without the time, the stream and the tag that are in front of each line. */
	const log = (id: string) => machine.read(logs.get(id) ?? "").replace(/^\S+ (stdout|stderr) \S /gm, "");

	async function container(pod: Pod, command: string[], config: Value = {}): Promise<string> {
		const containerId = await created(pod, command, config);
		await call("StartContainer", { containerId });
		return containerId;
	}
	const sleeping = (pod: Pod, config: Value = {}) => container(pod, ["/bin/sleep", "1000"], config);
	const security = (context: Value): Value => ({
		linux: { securityContext: { namespaces: { pid: namespace.container }, ...context } },
	});

	async function exec(
		containerId: string,
		...command: string[]
	): Promise<{ stdout: string; stderr: string; status: number }> {
		const { stdout, stderr, exitCode } = await call("ExecSync", { containerId, command, timeout: 20 });
		return {
			stdout: (stdout as Buffer).toString().trim(),
			stderr: (stderr as Buffer).toString().trim(),
			status: exitCode as number,
		};
	}
	const sh = async (id: string, script: string) => (await exec(id, "/bin/sh", "-c", `{ ${script}\n} 2>&1`)).stdout;
	const status = async (containerId: string) => (await call("ContainerStatus", { containerId }))["status"] as Value;
	const exited = 2;
	async function ended(id: string): Promise<Value> {
		await until(async () => (await status(id))["state"] === exited, "the container ends");
		return status(id);
	}
	async function remove(...ids: string[]): Promise<void> {
		for (const containerId of ids) await call("RemoveContainer", { containerId });
	}
	async function rejected(promise: Promise<unknown>): Promise<string> {
		return promise.then(
			() => "no error",
			(error: Error) => error.message,
		);
	}

	return {
		machine,
		directory,
		socket,
		connected,
		close: () => client.close(),
		call,
		pod,
		removePod,
		created,
		logs,
		log,
		container,
		sleeping,
		security,
		exec,
		sh,
		status,
		ended,
		remove,
		rejected,
	};
}
