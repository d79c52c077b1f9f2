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
import { podmanKube } from "./suites/podman-kube.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const directory = join(machine.directory, "podman");
// The range of `--userns auto`; /etc is the machine's own.
await machine.sh("echo containers:1000000:200000 | tee -a /etc/subuid >>/etc/subgid");
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
podmanKube(t, engine);
userNamespaces(t, engine, ["--uidmap", "0:200000:65536", "--gidmap", "0:200000:65536"], 200_000);
t.test("run --userns auto: each container gets ids that no other has", async (t) => {
	const [first, second] = [
		await engine.sleeping(["--userns", "auto"]),
		await engine.sleeping(["--userns", "auto:size=4096"]),
	];
	const map = async (name: string) =>
		(await engine.ok("exec", name, "cat", "/proc/self/uid_map")).trim().split(/\s+/).map(Number);
	const [one, two] = [await map(first), await map(second)];
	t.same([one[0], two[0], two[2]], [0, 0, 4096]);
	t.ok((one[1] ?? 0) >= 1_000_000 && (two[1] ?? 0) >= 1_000_000);
	t.ok((one[1] ?? 0) + (one[2] ?? 0) <= (two[1] ?? 0) || (two[1] ?? 0) + 4096 <= (one[1] ?? 0), "they don't overlap");
	t.equal(await engine.ok("exec", second, "/bin/sh", "-c", "stat -c %u /etc/passwd"), "0");
	await engine.remove(first, second);
});

builds(t, engine, { podman: { flags: ["--isolation", "oci"] } });

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	// A pod's cgroup in the hierarchies that Podman itself does not use.
	t.same(await machine.left([/^cgroup [^ ]*\/libpod_parent\/[0-9a-f]{64}$/]), []);
	t.same(await machine.halt(), [], "nor on the host");
});
