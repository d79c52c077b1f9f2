/** Podman as root: conmon between it and the runtime, networks by CNI. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, criuFailure, runtime } from "./lane.js";
import { builds } from "./suites/build.js";
import { checkpoints } from "./suites/checkpoint.js";
import { execs } from "./suites/exec.js";
import { lifecycle } from "./suites/lifecycle.js";
import { namespaces } from "./suites/namespaces.js";
import { network } from "./suites/network.js";
import { podmanOnly } from "./suites/podman.js";
import { processes } from "./suites/process.js";
import { resources } from "./suites/resources.js";
import { security } from "./suites/security.js";
import { storage } from "./suites/storage.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const directory = join(machine.directory, "podman");
mkdirSync(join(directory, "net"), { recursive: true });
const files = await machine.sh("ulimit -Hn");
writeFileSync(
	join(directory, "containers.conf"),
	`[containers]
# Podman's own default is more than root may have on this machine.
default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]
init_path = "/usr/bin/tini-static"
[engine]
runtime = "lane"
# Without this Podman doesn't read the runtime's log, and shows its standard error.
runtime_supports_json = ["lane"]
runtime_supports_nocgroup = ["lane"]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${directory}/tmp"
[engine.runtimes]
lane = ["${runtime}"]
[network]
network_backend = "cni"
cni_plugin_dirs = ["/usr/lib/cni"]
network_config_dir = "${directory}/net"
`,
);
writeFileSync(
	join(directory, "storage.conf"),
	`[storage]\ndriver = "overlay"\ngraphroot = "${directory}/storage"\nrunroot = "${directory}/run"\n`,
);
const env = {
	CONTAINERS_CONF: join(directory, "containers.conf"),
	CONTAINERS_STORAGE_CONF: join(directory, "storage.conf"),
};
const engine = new Engine(
	"podman",
	machine,
	["podman"],
	{
		...(criu === undefined ? {} : { checkpoint: criu }),
		healthTimer: "podman leaves the timer to systemd",
		oomSeen: "podman 4.3 looks for conmon's file in another place than conmon 2.1.6 writes it to",
	},
	{ removeFlags: ["--time", "0"] },
	{ env },
);
await engine.ok("load", "--input", makeArchive(machine.directory));
// The first container makes the bridge and the chains of the address translation, and conmon's cgroup.
await engine.once(["--publish", "18081:80"], ["true"]);
machine.remember();

processes(t, engine);
execs(t, engine);
lifecycle(t, engine);
resources(t, engine);
security(t, engine);
storage(t, engine);
namespaces(t, engine);
network(t, engine);
checkpoints(t, engine);
podmanOnly(t, engine);
userNamespaces(t, engine, ["--uidmap", "0:200000:65536", "--gidmap", "0:200000:65536"], 200_000);
builds(t, engine, { podman: { flags: ["--isolation", "oci"] } });

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	// A pod's cgroup in the hierarchies that Podman itself does not use.
	t.same(await machine.left([/^cgroup [^ ]*\/libpod_parent\/[0-9a-f]{64}$/]), []);
	t.same(await machine.halt(), [], "nor on the host");
});
