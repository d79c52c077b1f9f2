/** containerd through ctr: the shim calls the runtime. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ctrCheckpoints } from "./containerd/checkpoint.js";
import { ctrOf } from "./containerd/ctr.js";
import { Containerd } from "./containerd/daemon.js";
import { ctrIsolation } from "./containerd/isolation.js";
import { ctrProcesses } from "./containerd/process.js";
import { ctrTasks } from "./containerd/tasks.js";
import { makeArchive } from "./image.js";
import { bootMachine, runtime } from "./lane.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "containerd");
mkdirSync(join(directory, "bin"), { recursive: true });
// `ctr run` names the runtime; what `ctr container create` makes takes the "runc" of containerd's PATH.
symlinkSync(runtime, join(directory, "bin/runc"));
const ctr = ctrOf(machine, directory);
const config = join(directory, "config.toml");
writeFileSync(
	config,
	`version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${ctr.socket}"
[ttrpc]
address = "${ctr.socket}.ttrpc"
`,
);
const daemon = new Containerd(machine, config, "containerd.log", join(directory, "bin"));
await daemon.start(ctr.ready);
await ctr.ok("image", "import", makeArchive(machine.directory));
await ctr.once([], ["true"]);
machine.remember();

ctrProcesses(t, ctr);
ctrTasks(t, ctr);
ctrIsolation(t, ctr);
ctrCheckpoints(t, ctr);

t.test("containerd restarts: its containers go on", async (t) => {
	const id = await ctr.sleeping();
	t.equal(await daemon.end(), 0);
	await daemon.start(ctr.ready);
	t.equal(await ctr.status(id), "RUNNING");
	t.equal((await ctr.exec(id, [], ["echo", "alive"])).stdout, "alive\n");
	await ctr.remove(id);
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await ctr.ok("container", "list", "--quiet"), "");
	const restarted = /^process \d+: containerd --config/;
	const roots = [join(ctr.root, "lane"), join(directory, "state/io.containerd.runtime.v2.task/lane")];
	t.same(await machine.left([restarted], roots), []);
});

t.test("containerd ends", async (t) => {
	t.equal(await daemon.end(), 0);
	t.same(await machine.halt(), [], "nothing is left on the host");
});
