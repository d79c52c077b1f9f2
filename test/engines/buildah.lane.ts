/** Buildah with `--isolation oci`: it calls the runtime itself, without a monitor between. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Terminal } from "../support/terminal.js";
import { answers, script } from "../support/workspace.js";
import { image, makeArchive } from "./image.js";
import { bootMachine, runtime, usesCgroupV2 } from "./lane.js";
import type { Answer, RunOptions } from "./machine.js";

const machine = await bootMachine(t);
const directory = join(machine.directory, "buildah");
mkdirSync(join(directory, "context"), { recursive: true });
const files = await machine.sh("ulimit -Hn");
writeFileSync(
	join(directory, "containers.conf"),
	`[containers]
default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
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
const argv = ["buildah"];
const buildah = (args: string[], options: RunOptions = {}): Promise<Answer> =>
	machine.run([...argv, ...args], { ...options, env });
async function ok(...args: string[]): Promise<string> {
	const answer = await buildah(args);
	if (answer.status !== 0) {
		throw new Error(`buildah ${args.join(" ")}: status ${answer.status}: ${answer.stderr}${answer.stdout}`);
	}
	return answer.stdout.trim();
}
const oci = ["--isolation", "oci", "--runtime", runtime];

await ok("pull", `docker-archive:${makeArchive(machine.directory)}:${image}`);
const container = await ok("from", image);
const run = (flags: string[], command: string[], options: RunOptions = {}) =>
	buildah(["run", ...oci, ...flags, container, ...command], options);
async function inside<Key extends string>(
	flags: string[],
	questions: Record<Key, string>,
): Promise<Record<Key, string>> {
	const answer = await run(flags, ["/bin/sh", "-c", script(questions)]);
	if (answer.status !== 0) throw new Error(`buildah run ${flags.join(" ")}: ${answer.stderr}${answer.stdout}`);
	return answers(questions, answer.stdout);
}
// The first one makes the bridge and the chains of the address translation.
await run([], ["true"]);
machine.remember();

let builds = 0;
/** Builds a Containerfile; the answer, and the image's name. */
async function build(containerfile: string, flags: string[] = []): Promise<Answer & { name: string }> {
	const name = `localhost/built:${++builds}`;
	const file = join(directory, "context", `Containerfile.${builds}`);
	writeFileSync(file, containerfile);
	const words = [
		"build",
		...oci,
		...flags,
		"--layers=false",
		"--tag",
		name,
		"--file",
		file,
		join(directory, "context"),
	];
	return { ...(await buildah(words)), name };
}
/** What a file of an image has. */
async function fileOf(name: string, path: string): Promise<string> {
	const working = await ok("from", name);
	const answer = await ok("run", ...oci, working, "cat", path);
	await ok("rm", working);
	return answer;
}

t.test("run: output, standard error and input", async (t) => {
	const answer = await run([], ["/bin/sh", "-c", "cat; echo wrong >&2"], { input: "asked\n" });
	t.equal(answer.status, 0);
	t.equal(answer.stdout, "asked\n");
	t.match(answer.stderr, /^wrong\n/);
});

t.test("run: a megabyte of output", async (t) => {
	const { stdout } = await run([], ["/bin/sh", "-c", "dd if=/dev/zero bs=1k count=1024 2>/dev/null | tr '\\0' x"]);
	t.equal(stdout.length, 1024 * 1024);
});

t.test("run: exit status of the process", async (t) => {
	for (const status of [0, 1, 42]) t.equal((await run([], ["/bin/sh", "-c", `exit ${status}`])).status, status);
});

t.test("run: a program that is not there, one that cannot be executed", async (t) => {
	for (const [program, error] of [
		["no-such-program", /executable file not found in \$PATH/],
		["/etc/not-executable", /permission denied/],
	] as const) {
		const answer = await run([], [program]);
		t.not(answer.status, 0);
		t.match(answer.stderr, error);
	}
});

t.test("run --tty", async (t) => {
	const words = [machine.enter, ...argv, "run", ...oci, "--tty", container, "/bin/sh"];
	const terminal = new Terminal(["run", ...words], machine.environment(env));
	t.teardown(() => terminal.close());
	await terminal.shows(/[#$] /);
	terminal.write("tty; exit 7\n");
	await terminal.shows(/\/dev\/pts\/0/);
	t.equal((await terminal.ended()).status, 7);
});

t.test("run: environment, working directory, user, host name", async (t) => {
	const flags = ["--env", "A=b c", "--workingdir", "/etc", "--user", "1000:1000", "--hostname", "box"];
	const result = await inside(flags, {
		env: "echo $A $IMAGE",
		directory: "pwd",
		user: "id -u; id -g",
		name: "hostname",
	});
	t.same(result, { env: "b c lane", directory: "/etc", user: "1000\n1000", name: "box" });
});

t.test("run: namespaces, its own and the host's", async (t) => {
	const links = { links: "for type in pid net ipc uts mnt; do readlink /proc/self/ns/$type; done" };
	const host = (await machine.sh(links.links.replaceAll("self", "1"))).split("\n");
	const own = (await inside([], links)).links.split("\n");
	for (const [index, link] of own.entries()) t.not(link, host[index]);
	const flags = ["--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host"];
	const shared = (await inside(flags, links)).links.split("\n");
	t.same(shared.slice(0, 4), host.slice(0, 4));
});

t.test("run: a bridge network, and none", async (t) => {
	const { address } = await inside([], { address: "ip -4 addr show eth0" });
	t.match(address, /inet \d+\.\d+\.\d+\.\d+\/16/);
	t.equal((await inside(["--network", "none"], { devices: "ls /sys/class/net" })).devices, "lo");
});

t.test("run: capabilities, seccomp, volumes", async (t) => {
	writeFileSync(join(directory, "file"), "of the host\n");
	const result = await inside(["--cap-add", "CAP_NET_ADMIN", "--volume", `${directory}:/here:ro`], {
		status: "cat /proc/self/status",
		file: "cat /here/file; touch /here/no",
	});
	const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(result.status)?.[1]}`);
	t.ok(effective & (1n << 12n));
	t.match(result.status, /^Seccomp:\t2$/m);
	t.match(result.file, /^of the host\n.*Read-only file system/);
});

t.test("run: options for the runtime", async (t) => {
	const log = join(directory, "runtime.log");
	const flags = ["--runtime-flag", "debug", "--runtime-flag", `log=${log}`, "--runtime-flag", "log-format=json"];
	t.equal((await run(flags, ["true"])).status, 0);
	t.match(machine.read(log), /^\{.*"level":/, "the runtime wrote its log there");
	await machine.sh(`rm ${log}`);
});

t.test("run: the runtime and the isolation from the environment", async (t) => {
	const variables = { ...env, BUILDAH_ISOLATION: "oci", BUILDAH_RUNTIME: runtime };
	const answer = await machine.run(["buildah", "run", container, "echo", "here"], { env: variables });
	t.same(answer, { status: 0, stdout: "here\n", stderr: "" });
	const wrong = { ...variables, BUILDAH_RUNTIME: "/no/such/runtime" };
	const failing = await machine.run(["buildah", "run", container, "true"], { env: wrong });
	t.match(failing.stderr, /no\/such\/runtime/, "it is the runtime that is asked");
});

t.test("build: RUN, COPY, USER, ENV, WORKDIR", async (t) => {
	writeFileSync(join(directory, "context/copied"), "of the context\n");
	const { status, stderr, name } = await build(
		[
			`FROM ${image}`,
			"COPY copied /copied",
			"ENV A=b",
			"WORKDIR /work",
			"RUN echo $A >made && cat /copied >>made && pwd >>made",
			"USER 1000",
			"RUN id -u >/tmp/user",
			"USER root",
			"RUN cat /tmp/user >>made",
		].join("\n"),
	);
	t.equal(status, 0, stderr);
	t.equal(await fileOf(name, "/work/made"), "b\nof the context\n/work\n1000");
	await ok("rmi", name);
});

t.test("build: a step that fails gives its status", async (t) => {
	const { status, stderr } = await build(`FROM ${image}\nRUN exit 9\n`);
	t.equal(status, 9);
	t.match(stderr, /exit status 9/);
});

t.test("build: limits", async (t) => {
	const file = usesCgroupV2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
	const containerfile = `FROM ${image}\nRUN cat ${file} >/made; ulimit -n >>/made\n`;
	const flags = ["--memory", "64m", "--ulimit", "nofile=512:1024", "--ulimit", "nproc=300:400"];
	const { status, stderr, name } = await build(containerfile, flags);
	t.equal(status, 0, stderr);
	t.equal(await fileOf(name, "/made"), `${64 << 20}\n512`);
	await ok("rmi", name);
});

t.test("build: a user namespace", async (t) => {
	const flags = ["--userns-uid-map", "0:100000:65536", "--userns-gid-map", "0:100000:65536"];
	const { status, stderr, name } = await build(
		`FROM ${image}\nRUN cat /proc/self/uid_map >/made; id -u >>/made\n`,
		flags,
	);
	t.equal(status, 0, stderr);
	t.match(await fileOf(name, "/made"), /^0 +100000 +65536\n0$/);
	await ok("rmi", name);
});

t.test("four at a time", async (t) => {
	const working = await Promise.all([1, 2, 3, 4].map(() => ok("from", image)));
	const all = working.map((name, index) =>
		buildah(["run", ...oci, name, "/bin/sh", "-c", `echo ${index}; exit ${index}`]),
	);
	for (const [index, answer] of (await Promise.all(all)).entries()) {
		t.equal(answer.status, index);
		t.equal(answer.stdout, `${index}\n`);
	}
	await ok("rm", ...working);
});

t.test("all containers are removed: nothing of them is left", async (t) => {
	await ok("rm", container);
	t.same(await machine.left(), []);
	t.same(await machine.halt(), [], "nor on the host");
});
