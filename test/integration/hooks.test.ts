import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Config } from "../support/config.js";
import { runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, type State, workspace } from "../support/workspace.js";

const space = workspace(t);
const kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;
type Kind = (typeof kinds)[number];

/** A hook that keeps its standard input in a file, and in a log its name, mount namespace, arguments and variables. */
function recorder(kind: Kind, index: number, directory: string) {
	const script = [
		`cat > ${directory}/${kind}${index}.json`,
		`echo "${kind}${index} $(readlink /proc/self/ns/mnt) $0 $1 $VARIABLE" >> ${directory}/log`,
	].join("; ");
	return { path: "/bin/sh", args: ["sh", "-c", script, "zero", "one"], env: [`VARIABLE=of-${kind}`, "PATH=/bin"] };
}

const early = unlessPeer({ runc: "1.1 runs poststart at create", crun: "1.8 does not wait for startContainer hooks" });
const hostNamespace = readlinkSync("/proc/self/ns/mnt");

t.test("six kinds: order, namespaces, arguments, environment, state on standard input", { skip: early }, async (t) => {
	const log = space.path("log");
	mkdirSync(log);
	const container = space.container((config) => {
		config.annotations = { "com.example.key": "value" };
		config.mounts.push({ destination: "/tmp", source: log, options: ["bind"] });
		config.hooks = Object.fromEntries(
			kinds.map((kind) => {
				const directory = kind === "startContainer" ? "/tmp" : log;
				return [kind, [recorder(kind, 0, directory), recorder(kind, 1, directory)]];
			}),
		);
		config.process.args = [
			"/bin/sh",
			"-c",
			"until [ -s /tmp/poststart1.json ]; do usleep 1000; done; readlink /proc/self/ns/mnt",
		];
	});
	const lines = () => readFileSync(join(log, "log"), "utf8").trim().split("\n");
	const names = () => lines().map((line) => line.split(" ")[0]);
	const both = (...of: Kind[]) => of.flatMap((kind) => [`${kind}0`, `${kind}1`]);

	t.equal(container.create().status, 0);
	const { pid } = container.state();
	t.same(names(), both("prestart", "createRuntime", "createContainer"), "at create");
	t.equal(container.start().status, 0);
	t.same(names(), both("prestart", "createRuntime", "createContainer", "startContainer", "poststart"), "at start");
	await container.stopped();
	t.equal(container.delete().status, 0);
	t.same(names(), both(...kinds), "at delete");

	const inner = container.output.trim();
	for (const line of lines()) {
		const [name = "", namespace, zero, one, variable] = line.split(" ");
		const kind = name.slice(0, -1);
		const inContainer = kind === "createContainer" || kind === "startContainer";
		t.equal(namespace, inContainer ? inner : hostNamespace, `mount namespace of ${name}`);
		t.same([zero, one, variable], ["zero", "one", `of-${kind}`], name);
	}
	const expected: Record<Kind, Partial<State>> = {
		prestart: { status: runtimeName === "runc" ? "creating" : "created", pid },
		createRuntime: { status: "creating", pid },
		createContainer: { status: "creating", pid: 1 },
		startContainer: { status: "created", pid: 1 },
		poststart: { status: "running", pid },
		poststop: { status: "stopped" },
	};
	for (const kind of kinds) {
		for (const index of [0, 1]) {
			const state = JSON.parse(readFileSync(join(log, `${kind}${index}.json`), "utf8")) as State;
			t.equal(state.id, container.id, kind);
			t.equal(state.bundle, container.bundle.path, kind);
			t.equal(state.annotations?.["com.example.key"], "value", kind);
			t.match(state.ociVersion, /^1\./, kind);
			t.match(state, expected[kind], kind);
		}
	}
});

t.test("run has them all too", async (t) => {
	const log = space.path("run-log");
	mkdirSync(log);
	const container = space.container((config) => {
		config.mounts.push({ destination: "/tmp", source: log, options: ["bind"] });
		config.hooks = Object.fromEntries(
			kinds.map((kind) => [kind, [recorder(kind, 0, kind === "startContainer" ? "/tmp" : log)]]),
		);
		config.process.args = ["/bin/sleep", "0.1"];
	});
	t.equal(container.run().status, 0);
	const names = readFileSync(join(log, "log"), "utf8").match(/^\w+/gm);
	const expected = kinds.map((kind) => `${kind}0`);
	// runc 1.1 runs poststart before startContainer, crun 1.8 at the same time.
	if (runtimeName !== "runtime-ts") t.same(names?.sort(), expected.sort());
	else t.same(names, expected);
});

t.test("createContainer sees the container's mounts and the host's root; prestart can enter by the pid", async (t) => {
	const log = space.path("views");
	mkdirSync(log);
	const container = space.container((config, bundle) => {
		const hook = (script: string) => ({ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] });
		config.hooks = {
			createRuntime: [
				hook(`pid=$(grep -o '"pid": *[0-9]*' | grep -o '[0-9]*'); readlink /proc/$pid/ns/net > ${log}/net`),
			],
			createContainer: [
				hook(
					`grep -c ' ${bundle.rootfs}/dev/shm ' /proc/self/mountinfo > ${log}/shm; ls -d ${bundle.path} >> ${log}/shm`,
				),
			],
		};
		config.process.args = ["/bin/readlink", "/proc/self/ns/net"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.equal(readFileSync(join(log, "net"), "utf8"), result.stdout, "the network namespace is there before the hook");
	t.equal(readFileSync(join(log, "shm"), "utf8"), `1\n${container.bundle.path}\n`);
});

t.test(
	"a startContainer hook runs in the container's root, as root, before the process",
	{ skip: unlessPeer({ crun: "1.8 has pid 0 there" }) },
	async (t) => {
		const container = space.container((config) => {
			config.root.readonly = false;
			config.process.user = { uid: 1000, gid: 1000 };
			config.hooks = {
				startContainer: [
					{
						path: "/bin/sh",
						args: ["sh", "-c", "cat > /tmp/state; id -u > /tmp/id; chmod 644 /tmp/*"],
						env: ["PATH=/bin"],
					},
				],
			};
			config.process.args = ["/bin/sh", "-c", "cat /tmp/state; echo; cat /tmp/id"];
		});
		const result = container.run();
		t.equal(result.status, 0, result.stderr);
		const lines = result.stdout.trim().split("\n");
		t.match(lines.at(-1), /^(0|1000)$/);
		t.match(JSON.parse(lines.slice(0, -1).join("\n")), { id: container.id, status: "created", pid: 1 });
	},
);

t.test("without args a hook gets its path as args[0], without env the runtime's own", async (t) => {
	const file = space.path("hook-environment");
	const container = space.container((config, bundle) => {
		config.hooks = { createRuntime: [{ path: join(bundle.path, "hook") }] };
		writeHook(join(bundle.path, "hook"), `tr '\\0' '\\n' < /proc/self/environ > ${file}; echo "args=$0 $#" >> ${file}`);
	});
	t.equal(container.run().status, 0);
	const seen = readFileSync(file, "utf8");
	t.match(seen, `args=${container.bundle.path}/hook 0`);
	t.match(seen, /^HOME=\/root$/m);
});

t.test("hooks do not get stray descriptors, and none of those that are the program's", async (t) => {
	const directory = space.path("hook-fds");
	mkdirSync(directory);
	const container = space.container((config: Config) => {
		config.mounts.push({ destination: "/tmp", source: directory, options: ["bind"] });
		config.hooks = Object.fromEntries(
			kinds.map((kind) => {
				const place = kind === "startContainer" ? "/tmp" : directory;
				const script = `exec ls -l /proc/self/fd > ${place}/${kind}`;
				return [kind, [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }]];
			}),
		);
	});
	const result = container.run(["--preserve-fds", "2"], { shell: "exec 3</etc/hostname 4</etc 5</etc;" });
	t.equal(result.status, 0, result.stderr);
	for (const kind of kinds) {
		const targets = readFileSync(join(directory, kind), "utf8").match(/\d+ -> .*/g) ?? [];
		// ls itself reads the directory.
		const others = targets.filter((line) => !/ \/proc\/\d+\/fd$/.test(line));
		t.same(
			others.map((line) => line.split(" ")[0]),
			["0", "1", "2"],
			kind,
		);
	}
});

function writeHook(path: string, script: string): void {
	writeFileSync(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
	chmodSync(path, 0o755);
}

nothingLeft(t, space);
