/** start.wait and exec: what is waited for, what is left when somebody dies, what the program inherits. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import { scene } from "./engine.js";
import { script, steps } from "./plan.js";

const { ENOENT, EACCES, EISDIR, ECONNREFUSED } = constants.errno;
const space = scene(t);

t.test("through the channel: ready, then the program, then end of file", async (t) => {
	const result = await space.run(script(space, "echo started; exit 7"));
	t.equal(result.status, 7);
	t.equal(result.stdout, "started\n");
	t.same(
		result.events.map((event) => event.event),
		["pid", "ready", "closed", "end"],
	);
});

t.test("through the socket: strangers do not start it, and a second start finds nobody", async (t) => {
	const result = await space.run(script(space, "echo started", { via: "socket" }), ["--listen", space.path("start")]);
	t.equal(result.stdout, "started\n", result.stderr);
	t.match(
		result.events.map((event) => event.event),
		["pid", "ready", "closed", "started", "refused", "end"],
	);
	t.equal(result.events.find((event) => event.event === "refused")?.errno, ECONNREFUSED);
});

t.test("an exec that fails after start is reported to whoever started", async (t) => {
	const file = join(space.rootfs, "bin/script");
	writeFileSync(file, "#!/no/such/interpreter\n", { mode: 0o755 });
	for (const via of ["channel", "socket"] as const) {
		const options = via === "socket" ? ["--listen", space.path("start")] : [];
		const result = await space.run(steps(space, { args: ["script"], via }), options);
		t.match(result.failure, { op: "exec", syscall: "execve", errno: ENOENT, detail: "/bin/script" }, via);
	}
});

t.test("an engine that dies leaves no init behind", async (t) => {
	const plan = space.path("dies.json");
	writeFileSync(plan, JSON.stringify({ version: 1, id: "x", init: steps(space) }));
	const engine = spawn(space.engine, [space.init, plan, "--hold"], { stdio: ["pipe", "ignore", "pipe"] });
	let text = "";
	const pid = await new Promise<number>((resolve) => {
		engine.stderr.on("data", (data) => {
			text += data;
			if (text.includes('"event":"ready"')) resolve(Number(/"pid":(\d+)/.exec(text)?.[1]));
		});
	});
	t.ok(existsSync(`/proc/${pid}`), "it waits");
	engine.kill("SIGKILL");
	for (let tries = 0; tries < 200 && alive(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
	t.notOk(alive(pid), "it is gone");
});

t.test("the waiting init is small", async (t) => {
	let memory = "";
	await space.run(steps(space), [], (pid) => {
		memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
	});
	t.ok(Number(/Private_Dirty:\s+(\d+)/.exec(memory)?.[1]) < 128, memory);
});

t.test(
	"it starts below a memory limit of 512 KiB",
	{ skip: memoryHierarchy() === undefined && "needs the v1 memory controller" },
	async (t) => {
		const cgroup = join(memoryHierarchy() ?? "", `rti-${process.pid}`);
		mkdirSync(cgroup);
		t.teardown(() => rmdirSync(cgroup));
		writeFileSync(join(cgroup, "memory.limit_in_bytes"), "524288");
		const plan = script(space, "echo started", { mounts: [{ op: "cgroup.join" }] });
		const result = await space.run(plan, ["--cgroup", cgroup]);
		t.equal(result.stdout, "started\n", result.stderr);
	},
);

t.test("only the preserved descriptors reach the program", async (t) => {
	const plan = script(space, "ls /proc/self/fd | wc -l; cat <&3; cat <&4", { preserveFds: 2 });
	writeFileSync(space.path("three"), "three\n");
	writeFileSync(space.path("four"), "four\n");
	const file = space.path("preserved.json");
	writeFileSync(file, JSON.stringify({ version: 1, id: "x", init: plan }));
	const command = `exec ${space.engine} ${space.init} ${file} --preserve 2 3<${space.path("three")} 4<${space.path("four")}`;
	const output = execFileSync("sh", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
	// 0 to 4, and the one that ls reads the directory with.
	t.equal(output, "6\nthree\nfour\n");
});

t.test("a program is looked up as Go does it, and the failure says how far that came", async (t) => {
	writeFileSync(join(space.rootfs, "bin/plain"), "");
	const of = async (file: string) => (await space.run(steps(space, { args: [file] }))).failure;
	t.match(await of("absent"), { op: "process.lookup", syscall: "lookup", errno: ENOENT, detail: "absent" });
	t.match(await of("plain"), { op: "process.lookup", syscall: "lookup", errno: ENOENT, detail: "plain" });
	t.match(await of("/absent"), { op: "process.lookup", syscall: "stat", errno: ENOENT, detail: "/absent" });
	t.match(await of("/etc"), { op: "process.lookup", syscall: "stat", errno: EISDIR, detail: "/etc" });
	t.match(await of("/bin/plain"), { op: "process.lookup", syscall: "access", errno: EACCES, detail: "/bin/plain" });
	t.match(await of(""), { op: "process.lookup", syscall: "lookup", errno: ENOENT });
});

t.test("environment and signal dispositions are the plan's and the default", async (t) => {
	// Without a shell, which has signal dispositions of its own.
	const args = ["grep", "-h", "-E", "SigIgn|SigBlk|ONE", "/proc/self/status", "/proc/self/environ"];
	const result = await space.run(steps(space, { args, env: ["ONE=1"] }));
	t.equal(result.stdout, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nONE=1\0\n");
});

t.test("each step is timed when the plan asks for it", async (t) => {
	const plan = steps(space);
	const result = await space.run(plan, [], undefined, { trace: true });
	const times = result.events.find((event) => event.event === "trace")?.microseconds ?? [];
	const begun = plan.findIndex(({ op }) => op === "start.wait") + 1;
	t.equal(times.length, begun, "up to the wait");
	t.ok((times[0] ?? 0) > 0, "the clone took some time");
});

t.test("an unknown step is a failure", async (t) => {
	const plan = steps(space, { mounts: [{ op: "mount.magic" } as never] });
	t.match((await space.run(plan)).failure, { op: "mount.magic", syscall: "plan", detail: "mount.magic" });
});

function alive(pid: number): boolean {
	try {
		return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
}

function memoryHierarchy(): string | undefined {
	const line = readFileSync("/proc/self/mountinfo", "utf8")
		.split("\n")
		.find((text) => / - cgroup .*\bmemory\b/.test(text));
	return line?.split(" ")[4];
}
