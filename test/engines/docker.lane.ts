/** Docker: dockerd with the runtime as its default. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, criuFailure, hasAllCapabilities, runtime, until } from "./lane.js";
import { checkpoints } from "./suites/checkpoint.js";
import { execs } from "./suites/exec.js";
import { lifecycle } from "./suites/lifecycle.js";
import { namespaces } from "./suites/namespaces.js";
import { network } from "./suites/network.js";
import { processes } from "./suites/process.js";
import { resources } from "./suites/resources.js";
import { security } from "./suites/security.js";
import { storage } from "./suites/storage.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const directory = join(machine.directory, "docker");
mkdirSync(directory);
const socket = `unix://${directory}/docker.sock`;
writeFileSync(
	join(directory, "daemon.json"),
	JSON.stringify({
		runtimes: { lane: { path: runtime } },
		"default-runtime": "lane",
		"data-root": join(directory, "data"),
		"exec-root": join(directory, "exec"),
		pidfile: join(directory, "docker.pid"),
		hosts: [socket],
		"init-path": "/usr/bin/tini-static",
		// Docker calls checkpoints experimental.
		experimental: true,
	}),
);
const daemon = machine.spawn(["dockerd", "--config-file", join(directory, "daemon.json")], {
	log: "dockerd.log",
});
// Debian's own: another one in the PATH may be of another version.
const cli = existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
const engine = new Engine(
	"docker",
	machine,
	[cli, "--host", socket],
	{
		...(criu === undefined ? {} : { checkpoint: criu }),
		...(hasAllCapabilities
			? {}
			: { allCapabilities: "Docker asks for all capabilities, which root of this machine does not have" }),
	},
	{ execNotFound: 126 },
);
await until(async () => (await engine.run(["version"])).status === 0, "dockerd answers", 30);
await engine.ok("load", "--input", makeArchive(machine.directory));
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

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	t.same(await machine.left([/^cgroup [^ ]*\/docker$/, /^mount [^ ]*\/netns\/default /]), []);
});

t.test("dockerd ends", async (t) => {
	const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
	await machine.sh(`kill $(cat ${directory}/docker.pid)`);
	t.equal(await ended, 0);
});
