/** Podman of an ordinary user, who has a range of subordinate ids: a user namespace around all containers. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, runtime, usesCgroupV2 } from "./lane.js";
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

const machine = await bootMachine(t);
const uid = 4711;
const id = String(uid);
const become = ["setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"];
const home = join(machine.directory, "user");
const runtimeDirectory = `/run/user/${uid}`;
mkdirSync(home);
// The repository may lie where the user can't go.
const program = join(machine.directory, basename(runtime));
copyFileSync(runtime, program);
// /etc is the machine's own.
await machine.sh(
	`echo lane:x:${uid}:${uid}::${home}:/bin/sh >>/etc/passwd; echo lane:x:${uid}: >>/etc/group;
	echo lane:100000:65536 >/etc/subuid; echo lane:100000:65536 >/etc/subgid;
	install -d -m 700 -o ${uid} -g ${uid} ${runtimeDirectory}`,
);
const tun = await machine.run([...become, "test", "-w", "/dev/net/tun"]);
const files = await machine.sh("ulimit -Hn");
writeFileSync(
	join(home, "containers.conf"),
	`[containers]
default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]
init_path = "/usr/bin/tini-static"
${tun.status === 0 ? "" : 'netns = "none"'}
[engine]
runtime = "lane"
runtime_supports_json = ["lane"]
runtime_supports_nocgroup = ["lane"]
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
lane = ["${program}"]
`,
);
writeFileSync(
	join(home, "storage.conf"),
	`[storage]\ndriver = "overlay"\ngraphroot = "${home}/storage"\nrunroot = "${runtimeDirectory}/storage"\n`,
);
const archive = makeArchive(machine.directory);
await machine.sh(`chown -R ${uid}:${uid} ${home}; chmod 644 ${archive}`);

const noLimits = usesCgroupV2 ? undefined : "an ordinary user has no cgroup of v1";
const noNetwork = "slirp4netns needs /dev/net/tun, which only root may open on this machine";
const engine = new Engine(
	"podman-rootless",
	machine,
	[...become, "podman"],
	{
		checkpoint: "criu takes root",
		healthTimer: "podman leaves the timer to systemd",
		oomSeen: "podman 4.3 looks for conmon's file in another place than conmon 2.1.6 writes it to",
		bridge: "an ordinary user gets slirp4netns in place of a bridge",
		devices: "an ordinary user can't bind a device that only root may open",
		...(existsSync("/dev/mqueue") ? {} : { hostIpc: "podman binds /dev/mqueue, which this machine has not" }),
		...(noLimits === undefined ? {} : { limits: noLimits, pause: noLimits }),
		...(tun.status === 0 ? {} : { publish: noNetwork }),
	},
	{ removeFlags: ["--time", "0"] },
	{
		env: {
			HOME: home,
			XDG_RUNTIME_DIR: runtimeDirectory,
			CONTAINERS_CONF: join(home, "containers.conf"),
			CONTAINERS_STORAGE_CONF: join(home, "storage.conf"),
		},
		cwd: "/",
	},
);
await engine.ok("load", "--input", archive);
await engine.once([], ["true"]);
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
userNamespaces(t, engine, [], uid);
builds(t, engine, {
	podman: { flags: ["--isolation", "oci", "--network", "host"] },
	"podman rootless": { flags: ["--isolation", "rootless", "--network", "host"] },
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	const states = ["runtime-ts", "runc", "crun"].map((name) => join(runtimeDirectory, name));
	t.same(await machine.left([], states), []);
	t.same(await machine.halt(), [], "nor on the host");
});
