/** containerd's CRI plugin, which the kubelet uses: pods over gRPC, with a handler as a RuntimeClass names it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { CriClient } from "./cri/client.js";
import { type Method, namespace, profileType } from "./cri/messages.js";
import type { Value } from "./cri/protobuf.js";
import { Stream } from "./cri/stream.js";
import { image, makeArchive, pauseImage } from "./image.js";
import { bootMachine, hasAllCapabilities, runtime, until, usesCgroupV2 } from "./lane.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "cri");
const socket = join(directory, "containerd.sock");
const root = join(directory, "runtime-root");
for (const name of ["net", "logs"]) mkdirSync(join(directory, name), { recursive: true });
writeFileSync(
	join(directory, "config.toml"),
	`version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
# What a pod's sandbox asks for, -998, is not everybody's to give.
restrict_oom_score_adj = ${!hasAllCapabilities}
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${directory}/net"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "lane"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.lane]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.lane.options]
BinaryName = "${runtime}"
Root = "${root}"
SystemdCgroup = ${machine.systemd}
`,
);
writeFileSync(
	join(directory, "net/10-lane.conflist"),
	JSON.stringify({
		cniVersion: "0.4.0",
		name: "lane",
		plugins: [
			{
				type: "bridge",
				bridge: "lane0",
				isGateway: true,
				ipMasq: true,
				ipam: { type: "host-local", ranges: [[{ subnet: "10.88.7.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
			},
			{ type: "portmap", capabilities: { portMappings: true } },
		],
	}),
);
const start = () =>
	machine.spawn(["containerd", "--config", join(directory, "config.toml")], {
		log: "cri.log",
	});
let daemon = start();
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
await connected();
t.teardown(() => client.close());
const call = (method: Method, request: Value = {}) => client.call(method, request);
const imported = await machine.run([
	"ctr",
	"--address",
	socket,
	"-n",
	"k8s.io",
	"image",
	"import",
	makeArchive(machine.directory),
]);
if (imported.status !== 0) throw new Error(imported.stderr);

let count = 0;
interface Pod {
	id: string;
	config: Value;
}

async function pod(security: Value = {}, linux: Value = {}, hostname = true): Promise<Pod> {
	const name = `pod${++count}`;
	const config = {
		metadata: { name, uid: name, namespace: "lane", attempt: 0 },
		// In the node's network the host name is the node's.
		...(hostname ? { hostname: name } : {}),
		logDirectory: join(directory, "logs"),
		linux: {
			// Of the kubelet's drivers the one makes slices.
			cgroupParent: machine.systemd ? `/lane.slice/lane-${name}.slice` : `/lane-pods/${name}`,
			securityContext: { namespaces: { pid: namespace.container }, ...security },
			...linux,
		},
	};
	const { sandboxId } = await call("RunPodSandbox", { config, runtimeHandler: "lane" });
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

// The first pod makes the bridge and the chains of the address translation.
await removePod(await pod());
machine.remember();

t.test("a pod with two containers: network, IPC and host name are shared, processes are not", async (t) => {
	const shared = await pod();
	const { status: sandbox } = (await call("PodSandboxStatus", { sandboxId: shared.id })) as { status: Value };
	t.equal(sandbox["runtimeHandler"], "lane");
	const { ip } = sandbox["network"] as { ip: string };
	t.match(ip, /^10\.88\.7\.\d+$/);
	const server = await container(shared, ["httpd", "-f", "-p", "80", "-h", "/www"]);
	const other = await sleeping(shared);
	t.match(await sh(other, "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 80"), /served/);
	t.equal(await machine.sh(`curl --silent --max-time 3 http://${ip}/`), "served", "from the node");
	for (const type of ["net", "ipc", "uts"]) {
		const link = `readlink /proc/self/ns/${type}`;
		t.equal(await sh(server, link), await sh(other, link), type);
	}
	t.not(await sh(server, "readlink /proc/self/ns/pid"), await sh(other, "readlink /proc/self/ns/pid"));
	t.equal(await sh(other, "hostname"), (shared.config as { hostname: string }).hostname);
	await sh(server, "echo of the pod >/dev/shm/file");
	t.equal(await sh(other, "cat /dev/shm/file"), "of the pod");
	await removePod(shared);
	t.same((await call("ListContainers"))["containers"], [], "its containers go with it");
});

t.test("a pod with one pid namespace", async (t) => {
	const mode = { namespaces: { pid: namespace.pod } };
	const shared = await pod(mode);
	const first = await sleeping(shared, { linux: { securityContext: mode } });
	const second = await sleeping(shared, { linux: { securityContext: mode } });
	t.match(await sh(first, "ps"), /sleep 2147483647[\s\S]*sleep 1000[\s\S]*sleep 1000/);
	await call("StopContainer", { containerId: first, timeout: 0 });
	t.equal((await status(first))["exitCode"], 137);
	t.equal(await sh(second, "echo alive"), "alive");
	await removePod(shared);
});

t.test("host namespaces: the pod's first process ends, nothing of it stays", async (t) => {
	// Not IPC: containerd then binds /dev/mqueue, which not every machine has.
	const mode = { namespaces: { network: namespace.node, pid: namespace.node } };
	const shared = await pod(mode, {}, false);
	const id = await container(shared, ["/bin/sh", "-c", "setsid sleep 1003 & exec sleep 1002"], {
		linux: { securityContext: mode },
	});
	const left = () => machine.processes().filter((line) => /sleep 100[23]/.test(line));
	await until(() => left().length === 2, "both run");
	t.equal(await sh(id, "readlink /proc/self/ns/net"), await machine.sh("readlink /proc/1/ns/net"));
	await call("StopContainer", { containerId: id, timeout: 1 });
	await until(() => left().length === 0, "both are gone");
	await removePod(shared);
});

t.test("in one pod", async (t) => {
	const shared = await pod({}, { sysctls: { "net.ipv4.ip_unprivileged_port_start": "77" } });
	t.teardown(() => removePod(shared));

	t.test("ExecSync: output, exit status, time limit", async (t) => {
		const id = await sleeping(shared, { envs: [{ key: "FROM", value: "the pod" }], workingDir: "/tmp" });
		t.same(await exec(id, "/bin/sh", "-c", "echo $FROM; pwd; echo wrong >&2; exit 3"), {
			stdout: "the pod\n/tmp",
			stderr: "wrong",
			status: 3,
		});
		t.equal((await exec(id, "/bin/sh", "-c", "kill -KILL $$")).status, 137);
		t.match(await rejected(exec(id, "no-such-program")), /executable file not found in \$PATH/);
		const late = call("ExecSync", { containerId: id, command: ["sleep", "30"], timeout: 1 });
		t.match(await rejected(late), /timeout|deadline/i);
		t.equal(await sh(id, "echo alive"), "alive");
		await remove(id);
	});

	t.test("a hundred ExecSync, as probes do", async (t) => {
		const id = await sleeping(shared);
		for (let round = 0; round < 100; round++) t.equal((await exec(id, "true")).status, 0);
		t.equal(Number(await sh(id, "ls -d /proc/[0-9]* | wc -l")) <= 4, true, "no process stays");
		await remove(id);
	});

	t.test("Exec: streams, exit status", async (t) => {
		const id = await sleeping(shared);
		const command = ["/bin/sh", "-c", "read line; echo got $line; echo wrong >&2; exit 3"];
		const { url } = await call("Exec", { containerId: id, command, stdin: true, stdout: true, stderr: true });
		const stream = new Stream(machine, url as string);
		t.teardown(() => stream.close());
		stream.write("asked\n");
		const { status, details } = await stream.ended();
		t.equal(stream.output, "got asked\n");
		t.equal(stream.errors, "wrong\n");
		t.equal(status, "Failure");
		t.match(details?.causes, [{ reason: "ExitCode", message: "3" }]);
		await remove(id);
	});

	t.test("Exec with a terminal, and resize", async (t) => {
		const id = await sleeping(shared);
		const { url } = await call("Exec", { containerId: id, command: ["/bin/sh"], tty: true, stdin: true, stdout: true });
		const stream = new Stream(machine, url as string);
		t.teardown(() => stream.close());
		await stream.shows(/[#$] /);
		stream.resize(44, 111);
		stream.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; tty\n");
		await stream.shows(/\/dev\/pts\/\d/);
		stream.write("exit\n");
		t.equal((await stream.ended()).status, "Success");
		await remove(id);
	});

	t.test("ContainerStats", async (t) => {
		const id = await container(shared, [
			"/bin/sh",
			"-c",
			"i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000",
		]);
		const stats = async () =>
			((await call("ContainerStats", { containerId: id }))["stats"] ?? {}) as { [key: string]: Value };
		const used = async (what: string, unit: string) => Number(((await stats())[what]?.[unit] as Value)?.["value"]);
		await until(async () => (await used("cpu", "nanoseconds")) > 0, "it used CPU time");
		t.ok((await used("memory", "workingSet")) > 0);
		await remove(id);
	});

	t.test("UpdateContainerResources: memory and CPU, up and down", async (t) => {
		const id = await sleeping(shared, {
			linux: { resources: { memoryLimit: 64 << 20, cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000 } },
		});
		// The files of the node: a container of the CRI sees its own too, but where differs.
		const { info } = (await call("ContainerStatus", { containerId: id, verbose: true })) as { info: { info: string } };
		const { pid } = JSON.parse(info.info) as { pid: number };
		const file = (controller: string, v1: string, v2: string) => {
			const lines = machine.read(`/proc/${pid}/cgroup`).split("\n");
			const line = lines.find((line) => (usesCgroupV2 ? line.startsWith("0::") : line.split(":")[1] === controller));
			// Read from outside, it begins at the host's root.
			const path = (line?.split(":")[2] ?? "").replace(`/${machine.token}`, "") + (usesCgroupV2 ? `/${v2}` : `/${v1}`);
			return machine.read(`/sys/fs/cgroup/${usesCgroupV2 ? "" : controller}${path}`).trim();
		};
		const memory = () => file("memory", "memory.limit_in_bytes", "memory.max");
		const quota = () => file("cpu", "cpu.cfs_quota_us", "cpu.max");
		t.equal(memory(), String(64 << 20));
		t.equal(quota(), usesCgroupV2 ? "50000 100000" : "50000");
		for (const megabytes of [128, 32]) {
			await call("UpdateContainerResources", { containerId: id, linux: { memoryLimit: megabytes << 20 } });
			t.equal(memory(), String(megabytes << 20));
		}
		await call("UpdateContainerResources", {
			containerId: id,
			linux: { cpuQuota: 25_000, cpuPeriod: 100_000, cpuShares: 256 },
		});
		t.equal(quota(), usesCgroupV2 ? "25000 100000" : "25000");
		if (!usesCgroupV2) t.equal(file("cpu", "cpu.shares", ""), "256");
		t.equal(memory(), String(32 << 20), "the rest stays");
		t.equal(await sh(id, "head -c 1 /dev/zero | wc -c"), "1", "devices are as before");
		await remove(id);
	});

	t.test("StopContainer: the signal that it handles, then SIGKILL", async (t) => {
		const polite = await container(shared, [
			"/bin/sh",
			"-c",
			"trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done",
		]);
		await until(() => log(polite) === "ready\n", "it is ready");
		await call("StopContainer", { containerId: polite, timeout: 10 });
		t.equal((await status(polite))["exitCode"], 5);
		const deaf = await sleeping(shared);
		await call("StopContainer", { containerId: deaf, timeout: 1 });
		t.equal((await status(deaf))["exitCode"], 137);
		await call("StopContainer", { containerId: deaf, timeout: 1 }); // again, as the kubelet does
		await remove(polite, deaf);
	});

	t.test("logs, exit status, a program that is not there", async (t) => {
		const id = await container(shared, ["/bin/sh", "-c", "echo out; echo err >&2; exit 9"]);
		t.equal((await ended(id))["exitCode"], 9);
		t.match(machine.read(logs.get(id) ?? ""), / stdout F out\n/);
		t.match(machine.read(logs.get(id) ?? ""), / stderr F err\n/);
		const missing = await created(shared, ["no-such-program"]);
		t.match(await rejected(call("StartContainer", { containerId: missing })), /executable file not found in \$PATH/);
		await remove(id, missing);
	});

	t.test("the memory limit kills, and the status tells", async (t) => {
		const command = ["/bin/sh", "-c", "sleep 1; a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"];
		const id = await container(shared, command, { linux: { resources: { memoryLimit: 16 << 20 } } });
		const { reason, exitCode } = await ended(id);
		t.same({ reason, exitCode }, { reason: "OOMKilled", exitCode: 137 });
		await remove(id);
	});

	t.test("security context: user, groups, capabilities, read-only root, no new privileges", async (t) => {
		const id = await sleeping(
			shared,
			security({
				runAsUser: { value: 1000 },
				runAsGroup: { value: 1001 },
				supplementalGroups: [7, 8],
				capabilities: { drop: ["ALL"] },
				readonlyRootfs: true,
				noNewPrivs: true,
			}),
		);
		t.equal(await sh(id, "id -u; id -g; id -G"), "1000\n1001\n1001 7 8");
		const text = await sh(id, "cat /proc/1/status");
		t.match(text, /^CapBnd:\t0+$/m);
		t.match(text, /^NoNewPrivs:\t1$/m);
		t.match(await sh(id, "touch /tmp/file"), /Read-only file system/);
		t.equal(await sh(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "77", "the pod's sysctl");
		await remove(id);
	});

	t.test("masked and read-only paths", async (t) => {
		const id = await sleeping(
			shared,
			security({ maskedPaths: ["/etc/passwd", "/data"], readonlyPaths: ["/proc/sys"] }),
		);
		t.equal(await sh(id, "wc -c </etc/passwd; ls /data | wc -l"), "0\n0");
		t.match(await sh(id, "echo 1 >/proc/sys/kernel/panic"), /Read-only file system/);
		await remove(id);
	});

	t.test("seccomp: the default, unconfined, a profile of the node", async (t) => {
		const profile = join(directory, "seccomp.json");
		const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }];
		writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
		const mode = async (seccomp: Value, script: string) => {
			const id = await sleeping(shared, security({ seccomp }));
			const text = await sh(id, script);
			await remove(id);
			return text;
		};
		t.match(await mode({ type: profileType.runtimeDefault }, "grep ^Seccomp: /proc/1/status"), /\t2$/);
		t.match(await mode({ type: profileType.unconfined }, "grep ^Seccomp: /proc/1/status"), /\t0$/);
		t.match(await mode({ type: profileType.localhost, localhostRef: profile }, "mkdir /tmp/new"), /not supported/i);
	});

	t.test("mounts with propagation, a device", async (t) => {
		const mount = (containerPath: string, rest: Value) => ({
			containerPath,
			hostPath: join(directory, "net"),
			...rest,
		});
		const id = await sleeping(shared, {
			mounts: [
				mount("/one", { readonly: true }),
				mount("/two", { propagation: 1 }),
				mount("/three", { propagation: 2 }),
			],
			devices: [{ containerPath: "/dev/here", hostPath: "/dev/fuse", permissions: "rw" }],
		});
		t.match(await sh(id, "touch /one/no"), /Read-only file system/);
		const table = await sh(id, "cat /proc/self/mountinfo");
		t.match(table, / \/two .* master:\d+ /);
		t.match(table, / \/three .* shared:\d+ /);
		t.equal(await sh(id, "exec 3<>/dev/here && echo opened"), "opened");
		await remove(id);
	});

	t.test("a terminal", async (t) => {
		const id = await container(shared, ["/bin/sh", "-c", "tty; exec sleep 1000"], { tty: true, stdin: true });
		await until(() => /\/dev\/pts\/0/.test(log(id)), "it has one");
		t.equal(await sh(id, "readlink /proc/1/fd/0"), "/dev/pts/0");
		await remove(id);
	});
});

t.test("a privileged pod", async (t) => {
	const shared = await pod({ privileged: true });
	const id = await sleeping(shared, security({ privileged: true }));
	t.match(await sh(id, "grep CapEff /proc/1/status"), /000001f/);
	t.equal(await sh(id, "mount -t tmpfs none /tmp && echo mounted"), "mounted");
	t.ok(Number(await sh(id, "ls /dev | wc -l")) > 20);
	await removePod(shared);
});

t.test("containerd restarts: its pods go on", async (t) => {
	const shared = await pod();
	const id = await sleeping(shared);
	client.close();
	t.equal(await end(), 0);
	daemon = start();
	await connected();
	t.equal(await sh(id, "echo alive"), "alive");
	await removePod(shared);
});

t.test("all pods are removed: nothing of them is left", async (t) => {
	t.same((await call("ListPodSandbox"))["items"], []);
	const roots = [join(root, "k8s.io"), join(directory, "state/io.containerd.runtime.v2.task/k8s.io")];
	// The kubelet removes what is above its containers.
	const pods = machine.systemd
		? /^(cgroup|unit) [^ ]*\blane(-pod\d+)?\.slice$/
		: /^cgroup [^ ]*\/lane-pods(\/pod\d+)?$/;
	t.same(await machine.left([/^process \d+: containerd --config/, pods], roots), []);
});

async function end(): Promise<number | null> {
	const exit = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
	await machine.sh("kill $(pidof containerd)");
	return exit;
}

t.test("containerd ends", async (t) => {
	client.close();
	t.equal(await end(), 0);
	t.same(await machine.halt(), [], "nothing is left on the host");
});
