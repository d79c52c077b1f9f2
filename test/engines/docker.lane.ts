/** Docker: dockerd with the runtime as its default. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Engine } from "./engine.js";
import { makeArchive } from "./image.js";
import { bootMachine, criuFailure, hasAllCapabilities, runtime, until } from "./lane.js";
import { builds } from "./suites/build.js";
import { common } from "./suites/common.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const archive = makeArchive(machine.directory);
// BuildKit within dockerd knows nothing of the daemon's runtimes: it runs the "runc" of the PATH.
mkdirSync(join(machine.directory, "bin"));
symlinkSync(runtime, join(machine.directory, "bin/runc"));

interface Daemon {
	engine: Engine;
	end(): Promise<number | null>;
}

async function start(name: string, config: object): Promise<Daemon> {
	const directory = join(machine.directory, name);
	mkdirSync(directory);
	const socket = `unix://${directory}/docker.sock`;
	const common = {
		runtimes: { lane: { path: runtime } },
		"default-runtime": "lane",
		"data-root": join(directory, "data"),
		"exec-root": join(directory, "exec"),
		pidfile: join(directory, "docker.pid"),
		hosts: [socket],
		"init-path": "/usr/bin/tini-static",
		// Docker calls checkpoints experimental.
		experimental: true,
		// Docker's own choice too, where systemd has booted with cgroup v2.
		"exec-opts": [`native.cgroupdriver=${machine.systemd ? "systemd" : "cgroupfs"}`],
	};
	writeFileSync(join(directory, "daemon.json"), JSON.stringify({ ...common, ...config }));
	const daemon = machine.spawn(["dockerd", "--config-file", join(directory, "daemon.json")], {
		log: `${name}.log`,
		env: { PATH: `${machine.directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
	});
	// Debian's own: another one in the PATH may be of another version.
	const cli = existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
	const unable = {
		...(criu === undefined ? {} : { checkpoint: criu }),
		...(hasAllCapabilities
			? {}
			: { allCapabilities: "Docker asks for all capabilities, which root of this machine does not have" }),
	};
	const engine = new Engine("docker", machine, [cli, "--host", socket], unable, { execNotFound: 126 });
	await until(async () => (await engine.run(["version"])).status === 0, "dockerd answers", 30);
	await engine.ok("load", "--input", archive);
	return {
		engine,
		async end() {
			const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
			await machine.sh(`kill $(cat ${directory}/docker.pid)`);
			return ended;
		},
	};
}

const { engine, end } = await start("docker", {});
machine.remember();

common(t, engine);
builds(t, engine, {
	"the classic builder": { env: { DOCKER_BUILDKIT: "0" }, flags: ["--force-rm"] },
	BuildKit: { env: { DOCKER_BUILDKIT: "1" } },
});

/** Docker's own: the parent of its containers' cgroups, and the network namespace of `--network host`. */
const own = [/^cgroup [^ ]*\/docker(\/buildkit)?$/, /^mount [^ ]*\/netns\/default /];

t.test("all containers are removed: nothing of them is left", async (t) => {
	t.equal(await engine.ok("ps", "--all", "--quiet"), "");
	t.same(await machine.left(own), []);
});

t.test("dockerd ends", async (t) => {
	t.equal(await end(), 0);
	t.same(machine.processes(), []);
});

t.test("a daemon with userns-remap", async (t) => {
	// /etc is the machine's own.
	await machine.sh(
		"echo lane:x:4711:4711::/:/bin/sh >>/etc/passwd; echo lane:x:4711: >>/etc/group;" +
			"echo lane:300000:65536 >>/etc/subuid; echo lane:300000:65536 >>/etc/subgid",
	);
	const remapped = await start("docker-userns", { "userns-remap": "lane" });
	userNamespaces(t, remapped.engine, [], 300_000);
	t.test("it ends", async (t) => {
		t.equal(await remapped.engine.ok("ps", "--all", "--quiet"), "");
		t.equal(await remapped.end(), 0);
		t.same(await machine.left(own), []);
		t.same(await machine.halt(), [], "nor on the host");
	});
});
