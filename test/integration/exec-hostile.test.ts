/** exec in a container whose root, or whose processes, are against it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, end, exec, sleeping } from "../support/exec.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("CVE-2024-21626: no working directory outside, by whatever descriptor", async (t) => {
	const container = sleeping(space);
	for (let fd = 0; fd <= 20; fd++) {
		for (const path of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../../..`]) {
			const result = exec(container, ["--cwd", path], ["/bin/sh", "-c", "pwd; ls /work /boot"]);
			t.equal(result.status, 255, `${path}: ${result.stdout}`);
		}
	}
	end(container);
});

t.test("CVE-2024-21626: nor by a symlink of the image", async (t) => {
	const container = sleeping(space, (_config, { rootfs }) => {
		for (let fd = 3; fd <= 12; fd++) symlinkSync(`/proc/self/fd/${fd}`, join(rootfs, `out${fd}`));
		symlinkSync("/proc/1/root/../..", join(rootfs, "root"));
		symlinkSync("../../../../../etc", join(rootfs, "up"));
	});
	for (let fd = 3; fd <= 12; fd++) t.equal(exec(container, `--cwd /out${fd}`, "/bin/true").status, 255);
	t.equal(ask(container, "pwd; cat passwd | head -n1", "--cwd /up"), "/etc\nroot:x:0:0:root:/:/bin/sh");
	end(container);
});

t.test("a working directory that is missing is not made", { skip: unlessPeer({ crun: "1.8 makes it" }) }, async (t) => {
	const container = sleeping(space, (config) => {
		config.root.readonly = false;
	});
	t.equal(exec(container, "--cwd /made", "/bin/true").status, 255);
	t.equal(ask(container, "ls -d /made || echo none"), "none");
	end(container);
});

t.test("the /proc of the container may be anything", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config, bundle) => {
		config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
		config.linux.maskedPaths = [];
		config.linux.readonlyPaths = [];
		const fake = join(bundle.rootfs, "proc/self");
		mkdirSync(join(fake, "attr"), { recursive: true });
		mkdirSync(join(fake, "fd"));
		writeFileSync(join(fake, "uid_map"), "0 0 1\n");
		writeFileSync(join(fake, "oom_score_adj"), "0\n");
	});
	const file = space.path("hostile.json");
	const process = { args: ["/bin/echo", "in"], cwd: "/", oomScoreAdj: 500, user: { uid: 1000, gid: 1000 } };
	writeFileSync(file, JSON.stringify(process));
	t.equal(exec(container, ["--process", file], "").stdout, "in\n");
	t.equal(readFileSync(join(container.bundle.rootfs, "proc/self/oom_score_adj"), "utf8"), "0\n");
	end(container);
});

function makeEmpty(path: string): string {
	writeFileSync(path, "");
	return path;
}

t.test("/etc/passwd that blocks, leads out, or lies", async (t) => {
	const homes: [string, (passwd: string) => void, string][] = [
		["a FIFO", (passwd) => execFileSync("mkfifo", [passwd]), "/"],
		["a symlink to the host's", (passwd) => symlinkSync("/../../../../../etc/passwd", passwd), "/"],
		["a symlink by a descriptor", (passwd) => symlinkSync("/proc/self/fd/5", passwd), "/"],
		["a directory", (passwd) => mkdirSync(passwd), "/"],
		["a user whose name is the number", (passwd) => writeFileSync(passwd, "1000:x:0:0::/wrong:/bin/sh\n"), "/"],
		["as long as a file can be", (passwd) => truncateSync(makeEmpty(passwd), 2 ** 43), "/"],
		["endless", (passwd) => symlinkSync("/dev/zero", passwd), "/"],
		[
			"a line too long",
			(passwd) => writeFileSync(passwd, `${"x".repeat(100_000)}\nu:x:1000:0::/right:/bin/sh`),
			"/right",
		],
	];
	for (const [what, make, home] of homes) {
		if (what === "a symlink to the host's" && readFileSync("/etc/passwd", "utf8").includes(":1000:")) continue;
		const container = sleeping(space, (config, { rootfs }) => {
			config.process.env = ["PATH=/bin"];
			rmSync(join(rootfs, "etc/passwd"));
			make(join(rootfs, "etc/passwd"));
		});
		t.equal(ask(container, "echo $HOME", "--user 1000"), home, what);
		end(container);
	}
});

t.test(
	"CVE-2019-5736: the program that enters can't be written through /proc/PID/exe",
	{ skip: oursOnly },
	async (t) => {
		const container = sleeping(space, (config) => {
			config.root.readonly = false;
			config.process.capabilities = undefined as never;
		});
		// The image's program is the one that runs it: #!/proc/self/exe.
		writeFileSync(join(container.bundle.rootfs, "bin/evil"), "#!/proc/self/exe\n", { mode: 0o755 });
		const result = exec(container, "", "/bin/evil");
		t.not(result.status, 0);
		end(container);
	},
);

t.test("CVE-2016-9962: who is inside can't look into the process that enters", { skip: oursOnly }, async (t) => {
	const script = `
		while :; do
			for p in /proc/[0-9]*; do
				test $p = /proc/1 && continue
				grep -q '^Name:.runtime-ts-init' $p/status 2>/dev/null || continue
				echo seen
				ls $p/fd/ >/dev/null 2>&1 && grep -q '^Name:.runtime-ts-init' $p/status 2>/dev/null && echo leaked
			done
		done`;
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", script];
		const everything = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_KILL"];
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
		config.process.capabilities = { bounding: everything, effective: everything, permitted: everything };
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	for (let round = 0; round < 60 && !container.output.includes("seen"); round++) exec(container, "", "/bin/true");
	t.notMatch(container.output, "leaked");
	t.comment(container.output.includes("seen") ? "it was seen" : "it was too quick to be seen");
	end(container);
});

t.test("the first process dies meanwhile", { skip: oursOnly }, async (t) => {
	for (let round = 0; round < 15; round++) {
		const container = sleeping(space);
		const { pid } = container.state();
		const child = container.runtime.spawn(["exec", container.id, "sleep", "1000"], {
			stdio: ["ignore", "ignore", "pipe"],
		});
		let said = "";
		child.stderr?.on("data", (data: Buffer) => {
			said += data.toString();
		});
		await new Promise((resolve) => setTimeout(resolve, round * 2));
		process.kill(pid, "SIGKILL");
		const status = await new Promise((resolve) => child.once("exit", resolve));
		// Before it could start, or as a process of the container.
		t.ok(status === 137 || status === 255, `${status}: ${said}`);
		if (status === 255) t.match(said, "exec failed: cannot exec in a stopped container");
		end(container);
	}
});

t.test("a pid that was given to another process", { skip: oursOnly }, async (t) => {
	const container = sleeping(space);
	const file = join(space.root, container.id, "state.json");
	const text = readFileSync(file, "utf8");
	writeFileSync(file, text.replace(/"init_process_start":(\d+)/, '"init_process_start":$11'));
	const result = exec(container, "", "/bin/true");
	t.equal(result.status, 255);
	t.equal(result.error, "exec failed: cannot exec in a stopped container");
	writeFileSync(file, text);
	end(container);
});

t.test("a container that is being created is not entered: it may still see the host", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		const hook = join(bundle.path, "hook");
		writeFileSync(hook, "#!/bin/sh\ntouch $0.reached; while ! test -e $0.go; do sleep 0.05; done\n", { mode: 0o755 });
		config.hooks = { createRuntime: [{ path: hook }] };
		config.process.args = ["/bin/sleep", "1000"];
	});
	const { path } = container.bundle;
	const child = container.runtime.spawn(["create", "--bundle", path, container.id], { stdio: "ignore" });
	await eventually(() => {
		try {
			return readFileSync(join(path, "hook.reached")).length === 0;
		} catch {
			return false;
		}
	}, "the hook runs");
	const result = exec(container, "", "/bin/true");
	t.equal(result.status, 255);
	t.equal(result.error, "exec failed: cannot exec in a container in the creating state");
	writeFileSync(join(path, "hook.go"), "");
	await new Promise((resolve) => child.once("exit", resolve));
	t.equal(ask(container, "echo in"), "in");
	end(container);
});

t.test("interrupted while it waits in a frozen container, it leaves nothing", { skip: oursOnly }, async (t) => {
	const container = sleeping(space);
	t.equal(container.runtime.command(["pause", container.id]).status, 0);
	t.equal(
		exec(container, "", "true").error,
		"exec failed: cannot exec in a paused container (use --ignore-paused to override)",
	);
	const waiting = container.runtime.spawn(["exec", "--ignore-paused", container.id, "echo", "ran"], {
		stdio: ["ignore", "pipe", "ignore"],
	});
	let output = "";
	waiting.stdout?.on("data", (data: Buffer) => {
		output += data.toString();
	});
	const given = container.runtime.spawn(["exec", "--ignore-paused", container.id, "sleep", "1000"], {
		stdio: "ignore",
	});
	await new Promise((resolve) => setTimeout(resolve, 300));
	t.equal(waiting.exitCode, null);
	given.kill("SIGTERM");
	t.equal(await new Promise((resolve) => given.once("exit", resolve)), 143);
	t.equal(container.runtime.command(["resume", container.id]).status, 0);
	t.equal(await new Promise((resolve) => waiting.once("exit", resolve)), 0);
	t.equal(output, "ran\n");
	await eventually(
		() => ask(container, "ps | grep -c '[s]leep 1000'") === "1",
		"only the container's own process is left",
	);
	end(container);
});

t.test("a hundred at a time", async (t) => {
	const container = sleeping(space);
	const children = Array.from({ length: 100 }, (_, index) =>
		container.runtime.spawn(["exec", container.id, "sh", "-c", `exit ${index}`], { stdio: "ignore" }),
	);
	const statuses = await Promise.all(
		children.map((child) => new Promise<number | null>((resolve) => child.once("exit", resolve))),
	);
	t.same(
		statuses,
		children.map((_, index) => index),
	);
	t.equal(ask(container, 'ps | grep -c "[e]xit" || true'), "0", "none is left");
	end(container);
});

nothingLeft(t, space);
