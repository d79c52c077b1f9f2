/** Docker: dockerd with the runtime as its default. */
import t from "tap";
import { Dockerd } from "./docker/daemon.js";
import { daemonRestarts } from "./docker/daemon-restarts.js";
import { bootMachine, criuFailure, hasAllCapabilities } from "./lane.js";
import { builds } from "./suites/build.js";
import { common } from "./suites/common.js";
import { userNamespaces } from "./suites/user-namespaces.js";

const criu = criuFailure();
const machine = await bootMachine(t);
const unable = {
	...(criu === undefined ? {} : { checkpoint: criu }),
	...(hasAllCapabilities
		? {}
		: { allCapabilities: "Docker asks for all capabilities, which root of this machine does not have" }),
};

async function start(name: string, config: object): Promise<Dockerd> {
	const daemon = new Dockerd(machine, name, config, unable);
	await daemon.start();
	await daemon.load();
	return daemon;
}

const daemon = await start("docker", {});
const { engine } = daemon;
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
	t.equal(await daemon.end(), 0);
	t.same(machine.processes(), []);
});

t.test("a daemon with live-restore", async (t) => {
	const restored = await start("docker-live-restore", { "live-restore": true });
	daemonRestarts(t, restored);
	t.test("it ends", async (t) => {
		t.equal(await restored.engine.ok("ps", "--all", "--quiet"), "");
		t.equal(await restored.end(), 0);
		t.same(await machine.left(own), []);
	});
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
