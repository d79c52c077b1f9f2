/** Podman as root: conmon between it and the runtime, networks by CNI. */
import { join } from "node:path";
import t from "tap";
import { containersConf } from "./containers-conf.js";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, criuFailure, runtime } from "./lane.js";
import { builds } from "./suites/build.js";
import { common } from "./suites/common.js";
import { podmanOnly } from "./suites/podman.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const directory = join(machine.directory, "podman");
const sections = { engine: [`tmp_dir = "${directory}/tmp"`] };
const env = await containersConf(machine, directory, { runtime, sections, cni: true });
// Health checks are timers, whose services don't have the lane's environment.
if (machine.systemd)
	await machine.sh(
		`systemctl set-environment ${Object.entries(env)
			.map((entry) => entry.join("="))
			.join(" ")}`,
	);
const engine = new Engine(
	"podman",
	machine,
	["podman"],
	{
		...(criu === undefined ? {} : { checkpoint: criu }),
		...(machine.systemd ? {} : { healthTimer: "podman leaves the timer to systemd" }),
		oomSeen: "podman 4.3 looks for conmon's file in another place than conmon 2.1.6 writes it to",
	},
	{ removeFlags: ["--time", "0"] },
	{ env },
);
await engine.ok("load", "--input", makeArchive(machine.directory));
// The first container makes the bridge and the chains of the address translation, and conmon's cgroup.
await engine.once(["--publish", "18081:80"], ["true"]);
machine.remember();

common(t, engine);
podmanOnly(t, engine);
userNamespaces(t, engine, ["--uidmap", "0:200000:65536", "--gidmap", "0:200000:65536"], 200_000);
builds(t, engine, { podman: { flags: ["--isolation", "oci"] } });

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	// A pod's cgroup in the hierarchies that Podman itself does not use.
	t.same(await machine.left([/^cgroup [^ ]*\/libpod_parent\/[0-9a-f]{64}$/]), []);
	t.same(await machine.halt(), [], "nor on the host");
});
