import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { failed, onNode, oursOnly, Runtime, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const { runtime } = space;

function sleeper(): Container {
	return space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
}

t.test("list: table, json, quiet", { skip: unlessPeer({ crun: "1.8 has columns of its own" }) }, async (t) => {
	const empty = runtime.command(["list", "--format", "json"]);
	t.match(empty.stdout.trim(), /^null$/);
	const [one, two] = [sleeper(), sleeper()];
	t.equal(one.create().status, 0);
	t.equal(two.create().status, 0);
	t.equal(two.start().status, 0);
	const table = runtime.command(["list"]).stdout.trimEnd().split("\n");
	t.match(table[0], /^(ID|NAME) +PID +STATUS +BUNDLE/);
	t.equal(table.length, 3);
	const row = table.find((line) => line.startsWith(two.id)) ?? "";
	t.match(row.split(/ {2,}|\t/), [two.id, `${two.state().pid}`, "running", two.bundle.path]);
	const ids = runtime.command(["list", "--quiet"]).stdout.trim().split("\n").sort();
	t.same(ids, [one.id, two.id].sort());
	const json = JSON.parse(runtime.command(["list", "--format=json"]).stdout) as {
		id: string;
		status: string;
		pid: number;
		bundle: string;
	}[];
	t.match(
		json.find(({ id }) => id === one.id),
		{ status: "created", pid: one.state().pid, bundle: one.bundle.path },
	);
	t.equal(one.delete("--force").status, 0);
	t.equal(two.delete("--force").status, 0);
});

t.test("json log: one object a line, appended, with a time; the last error is the message", async (t) => {
	const log = space.path("log.json");
	const globals = ["--log", log, "--log-format", "json"];
	for (let count = 1; count <= 2; count++) {
		const result = runtime.command(["start", `${space.token}-nobody`], { globals });
		t.ok(failed(result));
		const lines = readFileSync(log, "utf8").trim().split("\n");
		t.equal(lines.length, count, "appended, and nothing but the error");
		const record = JSON.parse(lines.at(-1) ?? "") as Record<string, string>;
		t.match(record, { level: "error", time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/ });
		t.match(result.stderr, record.msg ?? "nothing");
	}
});

t.test("text log", { skip: unlessPeer({ crun: "has a format of its own" }) }, async (t) => {
	const log = space.path("log.txt");
	t.ok(failed(runtime.command(["start", `${space.token}-nobody`], { globals: ["--log", log] })));
	t.match(readFileSync(log, "utf8"), /^time="[^"]+" level=error msg="container does not exist"[^\n]*\n$/);
});

t.test("success is silent", async (t) => {
	const container = sleeper();
	for (const result of [container.create(), container.start(), container.kill("KILL")]) {
		t.equal(result.status, 0);
		t.equal(result.stdout + result.stderr, "");
	}
	await container.stopped();
	const result = container.delete();
	t.equal(result.stdout + result.stderr, "");
	t.same(result.log, []);
});

t.test("an argument that is not UTF-8 is refused, not changed", { skip: oursOnly }, async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const bytes = String.raw`set -- "$@" "$(printf 'a\377b')";`;
	const refusal = /^argument \d+, "a\uFFFDb", is not UTF-8\nhint: /;
	for (const args of [["state"], ["exec", container.id, "echo"], ["create", "--bundle"]]) {
		t.match(runtime.command(args, { shell: bytes }), { status: 1, stdout: "", stderr: refusal }, args.join(" "));
	}
	t.match(runtime.command(["exec", container.id, "echo", "a\uFFFDb"]), { status: 0, stdout: "a\uFFFDb\n" });
	t.equal(container.delete("--force").status, 0);
});

t.test("version", async (t) => {
	const { stdout } = runtime.command(["--version"], { globals: [] });
	const lines = stdout.trim().split("\n");
	t.match(lines[0], new RegExp(`^${runtimeName} version \\d`));
	t.equal(lines.filter((line) => line.includes("version")).length, 1, "Docker reads the last line with this word");
	t.match(stdout, /^commit: /m);
	t.match(stdout, /^spec: \d/m);
});

t.test("spec makes a bundle that runs, and never overwrites", async (t) => {
	const { bundle, id } = space.container();
	const path = join(bundle.path, "config.json");
	t.not(runtime.command(["spec"], { cwd: bundle.path }).status, 0, "there is one");
	const cgroups = bundle.config.linux.cgroupsPath;
	const other = space.path("spec");
	mkdirSync(other);
	t.equal(runtime.command(["spec"], { cwd: other }).status, 0);
	const spec = JSON.parse(readFileSync(join(other, "config.json"), "utf8"));
	t.match(spec, { ociVersion: /^1\./, process: { args: ["sh"], terminal: true }, root: { path: "rootfs" } });
	spec.process.terminal = false;
	spec.process.args = ["echo", "from spec"];
	spec.linux.cgroupsPath = cgroups;
	writeFileSync(path, JSON.stringify(spec));
	const result = runtime.command(["run", "--bundle", bundle.path, id]);
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, "from spec\n");
});

t.test("features is one JSON document", { skip: unlessPeer({ crun: "not in 1.8" }) }, async (t) => {
	const result = runtime.command(["features"], { globals: [] });
	t.equal(result.status, 0);
	t.match(JSON.parse(result.stdout), {
		ociVersionMin: /^1\./,
		ociVersionMax: /^1\./,
		hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
		linux: { seccomp: { enabled: true } },
	});
});

t.test("run BUNDLE: no id needed", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo from $0; exit 4", "the bundle"];
	});
	for (const [argument, cwd] of [
		[container.bundle.path, "/"],
		[".", container.bundle.path],
		["./", container.bundle.path],
		[container.bundle.path.split("/").at(-1) ?? "", space.directory],
	] as const) {
		const result = runtime.command(["run", argument], { cwd });
		t.equal(result.status, 4, `${argument} in ${cwd}: ${result.stderr}`);
		t.equal(result.stdout, "from the bundle\n");
	}
	t.same(runtime.command(["list", "-q"]).stdout, "", "and nothing stays");
});

t.test("explain touches nothing and needs no root", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.hooks = { createRuntime: [{ path: "/bin/touch", args: ["touch", space.path("hook-ran")] }] };
	});
	const before = statSync(container.bundle.rootfs).mtimeMs;
	const text = runtime.command(["explain", "--bundle", container.bundle.path]);
	t.equal(text.status, 0, text.stderr);
	t.match(text.stdout, /#\/mounts\/0/);
	const json = runtime.command(["explain", "--bundle", container.bundle.path, "--json"]);
	const plan = JSON.parse(json.stdout) as { version: number; init: { op: string }[] };
	t.equal(plan.version, 1);
	t.equal(plan.init.at(-1)?.op, "exec");
	t.equal(statSync(container.bundle.rootfs).mtimeMs, before);
	t.throws(() => statSync(space.path("hook-ran")));
	t.same(space.leaks(), []);
	const user = runtime.command(["explain", "--bundle", container.bundle.path], {
		shell: 'set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@";',
		globals: [],
	});
	t.equal(user.status, 0, user.stderr);
	t.match(user.stdout, /#\/mounts\/0/);
});

t.test("validate: status and every diagnostic", { skip: oursOnly }, async (t) => {
	const good = space.container();
	t.equal(runtime.command(["validate", good.bundle.path]).status, 0);
	const bad = space.container((config) => {
		config.process.cwd = "relative";
		config.linux.namespaces.push({ type: "flavour" });
	});
	const result = runtime.command(["validate", bad.bundle.path]);
	t.equal(result.status, 1);
	for (const pointer of ["/process/cwd", "/linux/namespaces/5"]) t.match(result.stdout + result.stderr, pointer);
	t.same(space.leaks(), []);
});

t.test("the caller's environment does not steer the runtime", { skip: onNode }, async (t) => {
	const marker = space.path("injected");
	const script = space.path("inject.js");
	writeFileSync(script, `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "")\n`);
	const cwd = space.path("steered-here");
	mkdirSync(cwd);
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "env | grep -cE 'NODE_|BUN_|LD_'"];
	});
	const steer = (name: string, env: Record<string, string>) => {
		const result = runtime.command(["run", "--bundle", container.bundle.path, container.id], { env, cwd });
		t.equal(result.stdout, "0\n", name);
		t.equal(result.stderr, "", name);
		t.equal(result.status, 1, `${name}: grep's status`);
		t.throws(() => statSync(marker), `${name}: nothing was loaded`);
		t.same(readdirSync(cwd), [], `${name}: nothing was written`);
	};
	// What each does to a bun that heeds it: loads code, is bun itself, fails, prints, crashes, reads a descriptor.
	for (const [name, value] of Object.entries({
		NODE_OPTIONS: `--require ${script}`,
		BUN_OPTIONS: `--preload ${script}`,
		BUN_BE_BUN: "1",
		BUN_INSPECT: "127.0.0.1:0",
		BUN_INSPECT_PRELOAD: script,
		BUN_CONFIG_VERBOSE_FETCH: "1",
		BUN_JSC_noSuchOption: "1",
		BUN_JSC_dumpOptions: "2",
		JSC_dumpOptions: "2",
		JSC_SIGNAL_FOR_GC: "9",
		WTF_numberOfProcessorCores: "none",
		MIMALLOC_VERBOSE: "1",
		mimalloc_show_stats: "1",
		SIMDUTF_FORCE_IMPLEMENTATION: "none",
		NODE_CHANNEL_FD: "0",
		NODE_EXTRA_CA_CERTS: "/no/such/file",
		NODE_DEBUG: "fs",
	})) {
		steer(name, { [name]: value });
	}
	// And every name that stands in the binary and could be one, so that a new bun brings no new way in.
	const binary = readFileSync(runtime.argv([], [])[0], "latin1");
	const names = new Set(
		binary.match(/\b(?:BUN|JSC|WTF|NODE|ICU|UV|SSL|SQLITE|Malloc|WebKit|JavaScriptCore)_?[A-Za-z]\w+/g),
	);
	t.ok(names.has("BUN_GC_TIMER_INTERVAL") && names.size > 500, `${names.size} names found`);
	for (const value of ["1", cwd.concat("/file"), "none"]) {
		const env: Record<string, string> = {};
		for (const name of names) env[name] = env[`BUN_${name}`] = value;
		steer(`everything ${value}`, env);
	}
});

t.test("the environment is the caller's where it is meant to be: in hooks without one of their own", async (t) => {
	const seen = space.path("environment");
	const container = space.container((config) => {
		config.process.args = ["/bin/true"];
		config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `env > ${seen}`] }] };
	});
	const result = container.run([], { env: { FROM_CALLER: "ünï→ = x", BUN_OPTIONS: "--smol", EMPTY: "" } });
	t.equal(result.status, 0, result.stderr);
	const lines = readFileSync(seen, "utf8").split("\n");
	for (const line of ["FROM_CALLER=ünï→ = x", "BUN_OPTIONS=--smol", "EMPTY="]) t.ok(lines.includes(line), line);
});

t.test("files of the bundle directory do not steer the runtime", async (t) => {
	const marker = space.path("steered");
	const container = space.container((config, bundle) => {
		const inject = join(bundle.path, "inject.ts");
		writeFileSync(inject, `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "")\n`);
		writeFileSync(join(bundle.path, "bunfig.toml"), `preload = [${JSON.stringify(inject)}]\n`);
		writeFileSync(join(bundle.path, ".env"), "NOTIFY_SOCKET=/from/dotenv\nLISTEN_FDS=3\n");
		writeFileSync(join(bundle.path, "package.json"), '{"type":"commonjs"}');
		writeFileSync(join(bundle.path, "tsconfig.json"), "no JSON at all");
		config.process.args = ["/bin/sh", "-c", "env | grep -cE 'NOTIFY|LISTEN'"];
	});
	const result = runtime.command(["run", container.id], { cwd: container.bundle.path });
	t.equal(result.stdout, "0\n", result.stderr);
	t.throws(() => statSync(marker), "nothing was loaded");
});

t.test("no environment at all", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/echo", "works"];
	});
	const [file, ...args] = runtime.argv(["run", "--bundle", container.bundle.path, container.id], []);
	const result = spawnSync("env", ["-i", `PATH=${Runtime.environment().PATH}`, "XDG_RUNTIME_DIR=", file, ...args], {
		encoding: "utf8",
	});
	t.equal(result.stdout, "works\n", result.stderr);
});

nothingLeft(t, space);
