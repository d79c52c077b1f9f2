/** Buildah with `--isolation oci`, as root. */
import { join } from "node:path";
import t from "tap";
import { buildahBuilds } from "./buildah/build.js";
import { Buildah } from "./buildah/buildah.js";
import { runs } from "./buildah/run.js";
import { containersConf } from "./containers-conf.js";
import { image, makeArchive } from "./image.js";
import { bootMachine, runtime, usesCgroupV2 } from "./lane.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "buildah");
const env = await containersConf(machine, directory, { cni: true });
const buildah = new Buildah(machine, { env, flags: ["--isolation", "oci", "--runtime", runtime], directory });
await buildah.ok("pull", `docker-archive:${makeArchive(machine.directory)}:${image}`);
buildah.container = await buildah.ok("from", image);
// The first one makes the bridge and the chains of the address translation.
await buildah.run([], ["true"]);
machine.remember();

runs(t, buildah);

t.test("run: namespaces, its own and the host's", async (t) => {
	const links = { links: "for type in pid net ipc uts mnt; do readlink /proc/self/ns/$type; done" };
	const host = (await machine.sh(links.links.replaceAll("self", "1"))).split("\n");
	const own = (await buildah.inside([], links)).links.split("\n");
	for (const [index, link] of own.entries()) t.not(link, host[index]);
	const flags = ["--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host"];
	const shared = (await buildah.inside(flags, links)).links.split("\n");
	t.same(shared.slice(0, 4), host.slice(0, 4));
});

t.test("run: a bridge network, and none", async (t) => {
	const { address } = await buildah.inside([], { address: "ip -4 addr show eth0" });
	t.match(address, /inet \d+\.\d+\.\d+\.\d+\/16/);
	t.equal((await buildah.inside(["--network", "none"], { devices: "ls /sys/class/net" })).devices, "lo");
});

t.test("run: options for the runtime", async (t) => {
	const log = join(directory, "runtime.log");
	const flags = ["--runtime-flag", "debug", "--runtime-flag", `log=${log}`, "--runtime-flag", "log-format=json"];
	t.equal((await buildah.run(flags, ["true"])).status, 0);
	t.match(machine.read(log), /^\{.*"level":/, "the runtime wrote its log there");
	await machine.sh(`rm ${log}`);
});

t.test("run: the runtime and the isolation from the environment", async (t) => {
	const variables = { BUILDAH_ISOLATION: "oci", BUILDAH_RUNTIME: runtime };
	const answer = await buildah.command(["run", buildah.container, "echo", "here"], { env: variables });
	t.same(answer, { status: 0, stdout: "here\n", stderr: "" });
	const wrong = { ...variables, BUILDAH_RUNTIME: "/no/such/runtime" };
	const failing = await buildah.command(["run", buildah.container, "true"], { env: wrong });
	t.match(failing.stderr, /no\/such\/runtime/, "it is the runtime that is asked");
});

buildahBuilds(t, buildah);

t.test("build: RUN --mount=type=cache, kept from build to build", async (t) => {
	const line = "RUN --mount=type=cache,target=/cache date +%N >>/cache/log; wc -l </cache/log >/made";
	t.equal(await buildah.built("/made", [line]), "1");
	t.equal(await buildah.built("/made", [line]), "2");
});

t.test("build: limits", async (t) => {
	const file = usesCgroupV2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
	const flags = ["--memory", "64m", "--ulimit", "nofile=512:1024", "--ulimit", "nproc=300:400"];
	const made = await buildah.built("/made", [`RUN cat ${file} >/made; ulimit -n >>/made`], flags);
	t.equal(made, `${64 << 20}\n512`);
});

t.test("build: a user namespace", async (t) => {
	const flags = ["--userns-uid-map", "0:100000:65536", "--userns-gid-map", "0:100000:65536"];
	const made = await buildah.built("/made", ["RUN cat /proc/self/uid_map >/made; id -u >>/made"], flags);
	t.match(made, /^0 +100000 +65536\n0$/);
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	await buildah.ok("rm", buildah.container);
	t.same(await machine.left(), []);
	t.same(await machine.halt(), [], "nor on the host");
});
