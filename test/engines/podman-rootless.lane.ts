/** Podman of an ordinary user, who has a range of subordinate ids: a user namespace around all containers. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { containersConf } from "./containers-conf.js";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, usesCgroupV2 } from "./lane.js";
import { ordinaryUser } from "./ordinary-user.js";
import { builds } from "./suites/build.js";
import { common } from "./suites/common.js";
import { podmanOnly } from "./suites/podman.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const machine = await bootMachine(t);
const user = await ordinaryUser(machine);
const tun = await machine.run([...user.become, "test", "-w", "/dev/net/tun"]);
const conf = await containersConf(machine, user.home, {
	runtime: user.runtime,
	runRoot: join(user.runtimeDirectory, "storage"),
	sections: tun.status === 0 ? {} : { containers: ['netns = "none"'] },
});
const archive = makeArchive(machine.directory);
await user.own();
await machine.sh(`chmod 644 ${archive}`);

const noLimits = usesCgroupV2 ? undefined : "an ordinary user has no cgroup of v1";
const noNetwork = "slirp4netns needs /dev/net/tun, which only root may open on this machine";
const engine = new Engine(
	"podman-rootless",
	machine,
	[...user.become, "podman"],
	{
		checkpoint: "criu takes root",
		healthTimer: "podman leaves the timer to systemd, whose services don't have this lane's environment",
		oomSeen: "podman 4.3 looks for conmon's file in another place than conmon 2.1.6 writes it to",
		bridge: "an ordinary user gets slirp4netns in place of a bridge",
		devices: "an ordinary user can't bind a device that only root may open",
		...(existsSync("/dev/mqueue") ? {} : { hostIpc: "podman binds /dev/mqueue, which this machine has not" }),
		...(noLimits === undefined ? {} : { limits: noLimits, pause: noLimits }),
		...(tun.status === 0 ? {} : { publish: noNetwork }),
	},
	{ removeFlags: ["--time", "0"] },
	{
		env: { ...user.env, ...conf },
		cwd: "/",
	},
);
await engine.ok("load", "--input", archive);
await engine.once([], ["true"]);
machine.remember();

common(t, engine);
podmanOnly(t, engine);
userNamespaces(t, engine, [], user.uid);
builds(t, engine, {
	podman: { flags: ["--isolation", "oci", "--network", "host"] },
	"podman rootless": { flags: ["--isolation", "rootless", "--network", "host"] },
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	const states = ["runtime-ts", "runc", "crun"].map((name) => join(user.runtimeDirectory, name));
	t.same(await machine.left([], states), []);
	t.same(await machine.halt(), [], "nor on the host");
});
