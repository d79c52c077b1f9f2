/** What the program is: users, capabilities, limits, namespaces, filters, and hooks before it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { InitStep } from "../../src/plan/schema.js";
import { scene } from "./engine.js";
import { filesystem, script, steps } from "./plan.js";

const { ENOENT, ETIMEDOUT, EPROTO } = constants.errno;
const space = scene(t);

function capabilities(names: string[], ambient: string[] = []): InitStep[] {
	return [
		{ op: "capabilities.bound", keep: names },
		{
			op: "process.user",
			uid: 1000,
			gid: 1001,
			additionalGids: [7, 8],
			umask: 0o27,
			setgroups: true,
			keepCapabilities: true,
		},
		{ op: "capabilities.apply", effective: names, permitted: names, inheritable: ambient, ambient },
	];
}

t.test("user, groups, umask", async (t) => {
	const result = await space.run(script(space, "id; umask", { inside: capabilities([]) }));
	t.equal(result.stdout, "uid=1000 gid=1001 groups=7,8\n0027\n", result.stderr);
});

t.test("the five sets of capabilities; an unknown one has no bit", async (t) => {
	const names = ["CAP_KILL", "CAP_NET_RAW", "CAP_CHECKPOINT_RESTORE", "CAP_FUTURE"];
	const bits = (1n << 5n) | (1n << 13n) | (1n << 40n);
	const result = await space.run(
		script(space, "grep Cap /proc/self/status", {
			inside: capabilities(names, ["CAP_KILL"]),
			last: [{ op: "process.noNewPrivileges" }],
		}),
	);
	const set = (name: string) => BigInt(`0x${new RegExp(`Cap${name}:\\s+(\\w+)`).exec(result.stdout)?.[1] ?? "0"}`);
	t.equal(set("Bnd"), bits);
	t.equal(set("Inh"), 1n << 5n);
	t.equal(set("Amb"), 1n << 5n);
	// Not root: the exec leaves what is ambient.
	t.equal(set("Prm"), 1n << 5n);
});

t.test("limits to the last bit", async (t) => {
	const result = await space.run(
		script(space, "cat /proc/self/limits", {
			inside: [
				{ op: "process.rlimit", type: "RLIMIT_NOFILE", soft: "100", hard: "200" },
				{ op: "process.rlimit", type: "RLIMIT_CORE", soft: "18446744073709551615", hard: "18446744073709551615" },
				{ op: "process.rlimit", type: "RLIMIT_FSIZE", soft: "9007199254740993", hard: "9007199254740993" },
			],
		}),
	);
	t.match(result.stdout, /Max open files +100 +200/);
	t.match(result.stdout, /Max core file size +unlimited +unlimited/);
	t.match(result.stdout, /Max file size +9007199254740993 +9007199254740993/);
});

t.test("a user namespace: maps are asked for, and everything is done as its root", async (t) => {
	const result = await space.run(
		script(space, "id; cat /proc/self/uid_map; touch /tmp/mine; echo x > /proc/sys/net/ipv4/ip_forward", {
			namespaces: ["user", "mount", "pid", "network", "ipc", "uts"],
			first: [{ op: "idmap.wait" }],
			mounts: [filesystem("tmpfs", "/tmp")],
		}),
		["--map", "0", "65536"],
	);
	t.match(result.stdout, /^uid=0 gid=0\n\s+0\s+0\s+65536\n/, result.stderr);
	t.ok(result.events.some((event) => event.event === "idmap"));
});

t.test("namespaces by path are joined, those of another type refused", async (t) => {
	const join_ = (type: "uts" | "network", path: string): InitStep => ({
		op: "namespace.join",
		namespaces: [{ type, path }],
	});
	const own = script(space, "readlink /proc/self/ns/uts", { namespaces: ["mount", "pid"] });
	const result = await space.run([join_("uts", "/proc/self/ns/uts"), ...own]);
	t.equal(result.stdout.trim(), readlinkSync("/proc/self/ns/uts"));
	const wrong = await space.run([join_("network", "/proc/self/ns/uts"), ...own]);
	t.match(wrong.failure, { op: "namespace.join", syscall: "setns", detail: "/proc/self/ns/uts" });
	const missing = await space.run([join_("network", "/no/such")]);
	t.match(missing.failure, { op: "namespace.join", syscall: "open", errno: ENOENT, detail: "/no/such" });
});

t.test("names, keyring, loopback and the OOM score", async (t) => {
	const plan = script(
		space,
		"cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/self/oom_score_adj; cat /proc/net/if_inet6",
		{
			first: [
				{ op: "keyring.join", name: "_ses.test" },
				{ op: "network.up", device: "lo" },
			],
			inside: [
				{ op: "uts.hostname", name: "box" },
				{ op: "uts.domainname", name: "example" },
			],
		},
	);
	const result = await space.run([{ op: "process.oomScoreAdj", value: 321 }, ...plan]);
	t.match(result.stdout, /^box\nexample\n321\n/, result.stderr);
	t.match(result.stdout, /lo$/m, "the interface is up and has an address");
});

t.test("a filter, and an empty one", async (t) => {
	// BPF_RET of SECCOMP_RET_ALLOW.
	const allow = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);
	writeFileSync(space.path("filter"), allow);
	const plan = script(space, "grep Seccomp: /proc/self/status", {
		last: [{ op: "process.noNewPrivileges" }, { op: "seccomp.load", flags: [] }],
	});
	t.equal((await space.run(plan, ["--seccomp", space.path("filter")])).stdout, "Seccomp:\t2\n");
	writeFileSync(space.path("filter"), allow.subarray(0, 5));
	t.match((await space.run(plan, ["--seccomp", space.path("filter")])).failure, {
		op: "seccomp.load",
		syscall: "seccomp",
	});
});

t.test("after the filter is loaded the init calls execve and nothing else", async (t) => {
	const instruction = (code: number, jt: number, jf: number, k: number): Buffer => {
		const bytes = Buffer.alloc(8);
		bytes.writeUInt16LE(code, 0);
		bytes.writeUInt8(jt, 2);
		bytes.writeUInt8(jf, 3);
		bytes.writeUInt32LE(k, 4);
		return bytes;
	};
	const [execve, exit] = process.arch === "arm64" ? [221, 94] : [59, 231];
	// Load the number; execve and exit_group go on, all else kills the process.
	const program = [
		instruction(0x20, 0, 0, 0),
		instruction(0x15, 1, 0, execve),
		instruction(0x15, 0, 1, exit),
		instruction(0x06, 0, 0, 0x7fff0000),
		instruction(0x06, 0, 0, 0x80000000),
	];
	writeFileSync(space.path("strict"), Buffer.concat(program));
	// A program that does nothing but exit: its one call is allowed, so it can only be the init that gets killed.
	const source = space.path("exit.c");
	writeFileSync(
		source,
		process.arch === "arm64"
			? 'void _start(void) { __asm__("mov x8, #94; mov x0, #7; svc #0"); __builtin_unreachable(); }'
			: 'void _start(void) { __asm__("syscall" : : "a"(231), "D"(7)); __builtin_unreachable(); }',
	);
	execFileSync("cc", ["-static", "-nostdlib", "-O1", "-o", join(space.rootfs, "bin/exit7"), source]);
	const plan = steps(space, {
		args: ["exit7"],
		last: [{ op: "process.noNewPrivileges" }, { op: "seccomp.load", flags: [] }],
	});
	const result = await space.run(plan, ["--seccomp", space.path("strict")]);
	t.equal(result.status, 7, JSON.stringify(result.failure));
});

const hook = (text: string, rest: Partial<Extract<InitStep, { op: "hook.run" }>> = {}): InitStep => ({
	op: "hook.run",
	stage: "createContainer",
	index: 0,
	path: "/bin/sh",
	args: ["sh", "-c", text],
	env: [],
	state: { ociVersion: "1.3.0", id: "x", status: "creating", annotations: { a: 'quote " and \u00e9' } },
	...rest,
});

t.test("hooks get the state with the pid in the container", async (t) => {
	const output = space.path("state");
	await space.run(
		steps(space, { mounts: [hook(`cat > ${output}; echo $FD >> ${output}`, { env: ["FD=x", "PATH=/bin"] })] }),
	);
	const [state, variable] = readFileSync(output, "utf8").split("\n")[0]?.split("}x") ?? [];
	t.equal(variable, "");
	t.same(JSON.parse(`${state}}`), {
		ociVersion: "1.3.0",
		id: "x",
		status: "creating",
		annotations: { a: 'quote " and é' },
		pid: 1,
	});
});

t.test("a hook that ignores a large state does no harm", async (t) => {
	const state = { annotations: { big: "x".repeat(200_000) } };
	t.equal((await space.run(steps(space, { mounts: [hook("exit 0", { state })] }))).status, 0);
});

t.test("hooks that fail say how, with what they wrote", async (t) => {
	const of = async (step: InitStep) => (await space.run(steps(space, { mounts: [step] }))).failure;
	t.match(await of(hook("echo out; echo err >&2; exit 3")), {
		op: "hook.run",
		syscall: "hook",
		errno: 0,
		detail: "exit status 3: out\nerr",
	});
	t.match(await of(hook("kill -9 $$")), { errno: 0, detail: "signal 9: " });
	t.match(await of(hook("", { path: "/no/such" })), { errno: ENOENT, detail: "/no/such" });
	const noisy = await of(hook("i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done; echo why; exit 1"));
	t.ok((noisy?.detail.length ?? 0) > 4000 && (noisy?.detail.length ?? 0) < 4200, "4 KiB of 33");
	t.match(noisy?.detail, /^exit status 1: [0-9\n]+why$/, "the last ones");
});

t.test("a hook that hangs is ended with all it started, and one that leaves a daemon is not waited for", async (t) => {
	const begin = Date.now();
	const hangs = await space.run(steps(space, { mounts: [hook("sleep 100 & sleep 100", { timeout: 1 })] }));
	t.match(hangs.failure, { op: "hook.run", errno: ETIMEDOUT });
	t.equal((await space.run(steps(space, { mounts: [hook("sleep 3 & exit 0")] }))).status, 0);
	t.ok(Date.now() - begin < 3000);
});

t.test("the runtime's hooks are waited for", async (t) => {
	const result = await space.run(steps(space, { mounts: [{ op: "hooks.sync" }] }));
	t.ok(result.events.some((event) => event.event === "hooks"));
});

t.test("a missing working directory is made", async (t) => {
	const result = await space.run(
		script(space, "pwd; cat /proc/1/comm", { inside: [{ op: "process.cwd", path: "/srv/new/work" }] }),
	);
	t.match(result.stdout, /^\/srv\/new\/work\n/);
	t.equal(statSync(join(space.rootfs, "srv/new/work")).mode & 0o777, 0o755);
});

t.test("a plan that is none", async (t) => {
	mkdirSync(space.path("empty"));
	t.match((await space.run([])).failure, { syscall: "plan", errno: EPROTO, detail: "no exec step" });
});
