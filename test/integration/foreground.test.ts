import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import t from "tap";
import { finished, runtimeName, unlessPeer } from "../support/runtime.js";
import { type Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

function sh(script: string): Container {
	return space.container((config) => {
		config.process.args = ["/bin/sh", "-c", script];
	});
}

t.test("the exit status of run is the process's, 128 and the signal when one ended it", async (t) => {
	for (const [script, status] of [
		["exit 0", 0],
		["exit 1", 1],
		["exit 42", 42],
		["exit 126", 126],
		["exit 127", 127],
		["exit 255", 255],
		["sh -c 'kill -9 $$'; exit $?", 137],
		["sh -c 'kill -SEGV $$'; exit $?", 139],
		["no-such-command", 127],
	] as const) {
		t.equal(sh(script).run().status, status, script);
	}
});

t.test("a process killed from outside gives 128 and the signal", async (t) => {
	for (const signal of ["SIGKILL", "SIGABRT"] as const) {
		const container = space.container((config) => {
			// Of a pid namespace's first process the kernel keeps away every signal without a handler but SIGKILL.
			if (signal !== "SIGKILL") config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
			config.process.args = ["/bin/sh", "-c", "echo ready; exec sleep 1000"];
		});
		const child = container.runtime.spawn(["run", "--bundle", container.bundle.path, container.id], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		await new Promise((resolve) => child.stdout?.once("data", resolve));
		process.kill(container.state().pid, signal);
		t.equal(await finished(child), 128 + constants.signals[signal], signal);
		t.equal(container.runtime.command(["state", container.id]).status, 1, "run removes its container");
	}
});

t.test("signals are forwarded to the container's process", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/probe", "signals"];
	});
	const child = container.runtime.spawn(["run", "--bundle", container.bundle.path, container.id], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let output = "";
	child.stdout?.on("data", (data: Buffer) => {
		output += data;
	});
	await eventually(() => output.includes("ready"), "the container is ready");
	const names = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGALRM", "SIGTSTP"] as const;
	// runc keeps SIGWINCH for a terminal, even when there is none.
	for (const name of runtimeName === "runc" ? names : [...names, "SIGWINCH" as const]) {
		child.kill(name);
		const line = `signal ${constants.signals[name]}\n`;
		await eventually(() => output.includes(line), `${name} arrives`);
		t.match(output, line, name);
	}
	child.kill("SIGTERM");
	t.equal(await finished(child), 42, "what the process made of SIGTERM");
});

t.test("standard input, output and error are the caller's", async (t) => {
	const container = sh("cat; echo to stderr >&2; readlink /proc/self/fd/0");
	const result = container.run([], { input: "line one\nline two\n" });
	t.equal(result.status, 0);
	t.match(result.stdout, /^line one\nline two\n/);
	t.equal(result.stderr, "to stderr\n");
});

t.test("much input and output pass through pipes", async (t) => {
	const container = sh("wc -c; head -c 3000000 /dev/zero");
	const child = container.runtime.spawn(["run", "--bundle", container.bundle.path, container.id], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	let size = 0;
	let first = "";
	child.stdout?.on("data", (data: Buffer) => {
		if (size === 0) first = data.toString().split("\n")[0] ?? "";
		size += data.length;
	});
	child.stdin?.end("x".repeat(2_000_000));
	t.equal(await finished(child), 0);
	t.equal(first, "2000000");
	await eventually(() => size >= 3_000_000, "all of it is read");
	t.equal(size, 3_000_000 + "2000000\n".length);
});

t.test("a reader that goes away is SIGPIPE for the process, not for the runtime", async (t) => {
	const container = sh("trap 'exit 9' PIPE; while echo y; do :; done 2>/dev/null; exit 9");
	const child = container.runtime.spawn(["run", "--bundle", container.bundle.path, container.id], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	child.stdout?.once("data", () => child.stdout?.destroy());
	t.equal(await finished(child), 9);
});

t.test("a closed standard input does not become another file", async (t) => {
	const container = sh("for fd in /proc/self/fd/*; do echo $(basename $fd) $(readlink $fd); done; cat");
	const result = container.run([], { closedInput: true });
	t.equal(result.status, 0, result.stderr);
	t.notMatch(result.stdout, /^0 .*(rootfs|state|memfd|socket:)/m);
});

t.test("stray descriptors of the caller do not reach the container", async (t) => {
	const container = sh("ls /proc/self/fd");
	const result = container.run([], { shell: "exec 3</etc/hostname 4</etc 5</ 9</etc/passwd;" });
	t.equal(result.status, 0, result.stderr);
	t.same(result.stdout.match(/^\d+/gm), ["0", "1", "2", "3"], "3 is the directory that ls reads");
});

t.test("--preserve-fds passes so many, and no more", async (t) => {
	const shell = "exec 3</etc/hostname 4</etc/passwd 5</etc/group;";
	const container = sh("readlink /proc/self/fd/3; readlink /proc/self/fd/4; ls /proc/self/fd; head -c 5 <&4");
	const result = container.run(["--preserve-fds", "2"], { shell });
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, /^\/etc\/hostname\n\/etc\/passwd\n0\n1\n2\n3\n4\n5\nroot:/);
	if (runtimeName === "crun") return; // takes any number
	const missing = sh("true").run(["--preserve-fds", "50"], { shell: "exec 3</etc/hostname;" });
	t.equal(missing.status, 1);
	t.match(missing.error, /unable to stat preserved-fd \d+ \(of 50\)/);
});

t.test(
	"LISTEN_FDS: descriptors and both variables",
	{ skip: unlessPeer({ crun: "1.8 does not set LISTEN_FDS itself" }) },
	async (t) => {
		const container = sh(
			"echo $LISTEN_FDS $LISTEN_PID $$; readlink /proc/self/fd/3; readlink /proc/self/fd/4; ls /proc/self/fd | wc -l",
		);
		const result = container.run([], {
			shell: "exec 3</etc/hostname 4</etc/passwd; export LISTEN_FDS=2 LISTEN_PID=$$;",
		});
		t.equal(result.status, 0, result.stderr);
		t.equal(result.stdout, "2 1 1\n/etc/hostname\n/etc/passwd\n6\n");
	},
);

t.test("no other descriptor of the caller reaches the container, nor the init that waits", async (t) => {
	const files = ["/etc/hostname", "/etc/passwd", "/etc/group", "/etc/fstab", "/etc/profile"];
	const container = sh("ls -l /proc/self/fd | grep -c /etc/; sleep 1000");
	const result = container.create(["--preserve-fds", "2"], {
		shell: `exec 3<${files[0]} 4<${files[1]} 5<${files[2]} 6<${files[3]} 9<${files[4]}; export LISTEN_FDS=1 LISTEN_PID=$$;`,
	});
	t.equal(result.status, 0, result.stderr);
	const output = container.runtime.lastOutput;
	const { pid } = container.state();
	const held = () => readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
	t.same(
		held()
			.filter((file) => file.startsWith("/etc/"))
			.sort(),
		files.slice(0, 3).sort(),
		"LISTEN_FDS and 2 more",
	);
	t.equal(container.start().status, 0);
	await eventually(() => readFileSync(output, "utf8") !== "", "the container has looked");
	t.equal(readFileSync(output, "utf8"), "3\n");
	t.same(
		held()
			.filter((file) => file.startsWith("/etc/"))
			.sort(),
		files.slice(0, 3).sort(),
	);
	t.equal(container.delete("--force").status, 0);
});

t.test("without LISTEN_FDS neither variable is there", async (t) => {
	const result = sh("env | grep -c LISTEN").run();
	t.equal(result.stdout, "0\n");
});

t.test("orphans of the container end with it", async (t) => {
	const result = sh("sleep 1000 & sleep 1000 & exit 5").run();
	t.equal(result.status, 5);
});

t.test(
	"run without a pid namespace leaves no process either",
	{ skip: unlessPeer({ crun: "1.8 waits for the orphan" }) },
	async (t) => {
		const container = space.container((config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
			config.process.args = ["/bin/sh", "-c", "setsid sleep 1000 & exit 5"];
		});
		t.equal(container.run().status, 5);
	},
);

t.test("a script whose interpreter is missing", { skip: unlessPeer({ crun: "has words of its own" }) }, async (t) => {
	const container = space.container((config, bundle) => {
		writeFileSync(`${bundle.rootfs}/run.sh`, "#!/no/such/interpreter\n", { mode: 0o755 });
		config.process.args = ["/run.sh"];
	});
	const result = container.run();
	t.not(result.status, 0);
	t.match(result.stderr, /exec \/run\.sh: no such file or directory/);
});

nothingLeft(t, space);
