/** containerd's CRI plugin, which the kubelet uses: pods over gRPC, with a handler as a RuntimeClass names it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Containerd } from "./containerd/daemon.js";
import { criOf, handler } from "./cri/cri.js";
import { criExec } from "./cri/exec.js";
import { criLifecycle } from "./cri/lifecycle.js";
import { pods } from "./cri/pods.js";
import { criResources } from "./cri/resources.js";
import { criSecurity } from "./cri/security.js";
import { criStreams } from "./cri/streams.js";
import { criVolumes } from "./cri/volumes.js";
import { makeArchive, pauseImage } from "./image.js";
import { bootMachine, hasAllCapabilities, runtime } from "./lane.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "cri");
const cri = criOf(machine, directory);
const root = join(directory, "runtime-root");
for (const name of ["net", "logs"]) mkdirSync(join(directory, name), { recursive: true });
writeFileSync(
	join(directory, "config.toml"),
	`version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
address = "${cri.socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
# What a pod's sandbox asks for, -998, is not everybody's to give.
restrict_oom_score_adj = ${!hasAllCapabilities}
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${directory}/net"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "absent"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.absent]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.absent.options]
BinaryName = "/no/such/runtime"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler}]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler}.options]
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
const daemon = new Containerd(machine, join(directory, "config.toml"), "cri.log");
await daemon.start(cri.connected);
t.teardown(() => cri.close());
const imported = await machine.run([
	"ctr",
	"--address",
	cri.socket,
	"-n",
	"k8s.io",
	"image",
	"import",
	makeArchive(machine.directory),
]);
if (imported.status !== 0) throw new Error(imported.stderr);
// The first pod makes the bridge and the chains of the address translation.
const ports = [{ protocol: 0, containerPort: 80, hostPort: 18089 }];
await cri.removePod(await cri.pod({}, {}, { config: { ports } }));
machine.remember();

pods(t, cri);

t.test("in one pod", async (t) => {
	const shared = await cri.pod({}, { sysctls: { "net.ipv4.ip_unprivileged_port_start": "77" } });
	t.teardown(() => cri.removePod(shared));
	criExec(t, cri, shared);
	criStreams(t, cri, shared);
	criResources(t, cri, shared);
	criLifecycle(t, cri, shared);
	criSecurity(t, cri, shared);
	criVolumes(t, cri, shared);
});

t.test("containerd restarts: its pods go on", async (t) => {
	const shared = await cri.pod();
	const id = await cri.sleeping(shared);
	cri.close();
	t.equal(await daemon.end(), 0);
	await daemon.start(cri.connected);
	t.equal(await cri.sh(id, "echo alive"), "alive");
	await cri.removePod(shared);
});

t.test("all pods are removed: nothing of them is left", async (t) => {
	t.same((await cri.call("ListPodSandbox"))["items"], []);
	const roots = [join(root, "k8s.io"), join(directory, "state/io.containerd.runtime.v2.task/k8s.io")];
	// The kubelet removes what is above its containers.
	const above = machine.systemd
		? /^(cgroup|unit) [^ ]*\blane(-pod\d+)?\.slice$/
		: /^cgroup [^ ]*\/lane-pods(\/pod\d+)?$/;
	t.same(await machine.left([/^process \d+: containerd --config/, above], roots), []);
});

t.test("containerd ends", async (t) => {
	cri.close();
	t.equal(await daemon.end(), 0);
	t.same(await machine.halt(), [], "nothing is left on the host");
});
