import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { compileDeviceProgram } from "../../src/cgroup/device-program.js";
import type { HostStep } from "../../src/plan/schema.js";
import { native, needsRoot, scratch } from "./addon.js";

const run = (steps: HostStep[], pid?: number) =>
	native.executeHostSteps({ steps: JSON.stringify(steps), ...(pid === undefined ? {} : { pid }) });

t.test("steps run in order, and the first failure stops them", async (t) => {
	const directory = scratch(t);
	const file = (name: string) => join(directory, name);
	writeFileSync(file("a"), "");
	writeFileSync(file("c"), "");
	const failure = run([
		{ op: "cgroup.write", path: file("a"), value: "1" },
		{ op: "cgroup.write", path: file("none"), value: "1", optional: true },
		{ op: "cgroup.write", path: file("none"), value: "1" },
		{ op: "cgroup.write", path: file("c"), value: "1" },
	]);
	t.same(failure, { step: 2, syscall: "open", errno: 2, code: "ENOENT", detail: file("none") });
	t.equal(readFileSync(file("a"), "utf8"), "1");
	t.equal(readFileSync(file("c"), "utf8"), "", "not run");
	t.equal(run([]), undefined);
	t.match(native.executeHostSteps({ steps: '[{"op":"no.such"}]' }), { step: 0, code: "ENOSYS", detail: "no.such" });
});

t.test("cgroup.create makes parents and takes what is there", async (t) => {
	const path = join(scratch(t), "a/b/c");
	t.equal(
		run([
			{ op: "cgroup.create", path },
			{ op: "cgroup.create", path },
		]),
		undefined,
	);
	t.ok(existsSync(path));
	writeFileSync(join(path, "file"), "");
	t.match(run([{ op: "cgroup.create", path: join(path, "file/d") }]), { code: "ENOTDIR" });
});

t.test("cgroup.inherit fills the empty ones, from the top", async (t) => {
	const root = scratch(t);
	const path = join(root, "a/b");
	mkdirSync(path, { recursive: true });
	const cpus = (directory: string) => join(directory, "cpuset.cpus");
	writeFileSync(cpus(root), "0-3\n");
	writeFileSync(cpus(join(root, "a")), "\n");
	writeFileSync(cpus(path), "\n");
	const step = { op: "cgroup.inherit", path, file: "cpuset.cpus", root } as const;
	t.equal(run([step]), undefined);
	t.equal(readFileSync(cpus(join(root, "a")), "utf8"), "0-3\n");
	t.equal(readFileSync(cpus(path), "utf8"), "0-3\n");
	writeFileSync(cpus(path), "1\n");
	t.equal(run([step]), undefined);
	t.equal(readFileSync(cpus(path), "utf8"), "1\n", "a value that is there stays");
});

t.test("cgroup.removeParents takes back the parents that were made, where nothing is in them", async (t) => {
	t.equal(run([{ op: "cgroup.removeParents" }]), undefined, "those of other tests");
	const root = scratch(t);
	const remove = () => run([{ op: "cgroup.removeParents" }]);
	mkdirSync(join(root, "there"));
	t.equal(
		run([
			{ op: "cgroup.create", path: join(root, "there/made/one/leaf") },
			{ op: "cgroup.create", path: join(root, "there/made/two/leaf") },
		]),
		undefined,
	);
	rmdirSync(join(root, "there/made/one/leaf"));
	t.equal(remove(), undefined);
	t.same(readdirSync(join(root, "there/made")), ["two"], "somebody is in the other one");
	rmdirSync(join(root, "there/made/two/leaf"));
	t.equal(remove(), undefined);
	t.ok(existsSync(join(root, "there/made/two")), "once is all");

	t.equal(run([{ op: "cgroup.create", path: join(root, "there/again/leaf") }]), undefined);
	rmdirSync(join(root, "there/again/leaf"));
	t.equal(remove(), undefined);
	t.notOk(existsSync(join(root, "there/again")));
	t.ok(existsSync(join(root, "there")), "it was not made");
});

t.test("cgroup.write takes the other file where the first is missing, and only there", async (t) => {
	const directory = scratch(t);
	const [first, second] = [join(directory, "io.bfq.weight"), join(directory, "io.weight")];
	const step: HostStep = { op: "cgroup.write", path: first, value: "5", instead: { path: second, value: "50" } };
	t.match(run([step]), { code: "ENOENT", detail: second });
	writeFileSync(second, "");
	t.equal(run([step]), undefined);
	t.equal(readFileSync(second, "utf8"), "50");
	writeFileSync(first, "");
	writeFileSync(second, "");
	t.equal(run([step]), undefined);
	t.same([readFileSync(first, "utf8"), readFileSync(second, "utf8")], ["5", ""]);
	mkdirSync(join(directory, "d"));
	t.match(run([{ ...step, path: join(directory, "d") }]), { code: "EISDIR" }, "another failure is one");
});

t.test(
	"cgroup.delegate gives away the directory and the files that the kernel lists",
	{ skip: needsRoot },
	async (t) => {
		const path = scratch(t);
		const listed = readFileSync("/sys/kernel/cgroup/delegate", "utf8").trim().split("\n");
		for (const file of [...listed.slice(1), "memory.max"]) writeFileSync(join(path, file), "");
		t.equal(run([{ op: "cgroup.delegate", path, uid: 4242 }]), undefined, "a file that is missing is none of its own");
		const owner = (file: string) => statSync(join(path, file)).uid;
		t.equal(owner("."), 4242);
		for (const file of listed.slice(1)) t.equal(owner(file), 4242, file);
		t.equal(owner("memory.max"), 0);
		t.match(run([{ op: "cgroup.delegate", path: join(path, "none"), uid: 1 }]), { syscall: "chown", code: "ENOENT" });
	},
);

t.test("cgroup.check compares numbers", async (t) => {
	const path = join(scratch(t), "memory.usage_in_bytes");
	const check = (atMost: string) => run([{ op: "cgroup.check", path, atMost }]);
	t.match(check("1"), { code: "ENOENT" });
	writeFileSync(path, "9007199254740993\n");
	t.equal(check("9007199254740993"), undefined);
	t.match(check("9007199254740992"), { code: "EBUSY", syscall: "check", step: 0 });
	t.equal(check("18446744073709551615"), undefined);
});

const unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) =>
	existsSync(join(path, "cgroup.controllers")),
);
const needsUnified = needsRoot || (unified === undefined ? "needs a cgroup v2 mount" : false);

t.test("cgroup.devices attaches a program that the kernel obeys", { skip: needsUnified }, async (t) => {
	const path = join(unified ?? "", `runtime-ts-test-${process.pid}`);
	const program = compileDeviceProgram([
		{ allow: false, type: "a", access: "rwm" },
		{ allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
		{ allow: true, type: "c", major: 1, minor: 5, access: "r" },
	]);
	const steps: HostStep[] = [
		{ op: "cgroup.create", path, v2: true },
		{ op: "cgroup.devices", path, program, rules: [] },
	];
	t.teardown(() => existsSync(path) && rmdirSync(path));
	t.equal(run(steps), undefined);
	const attempt = (command: string) =>
		spawnSync("/bin/sh", ["-c", `echo $$ > ${path}/cgroup.procs && ${command}`], { encoding: "utf8" });
	t.equal(attempt("echo > /dev/null").status, 0);
	t.equal(attempt("head -c1 /dev/zero").status, 0);
	t.match(attempt("echo > /dev/zero").stderr, /not permitted/i);
	t.match(attempt("head -c1 /dev/urandom").stderr, /not permitted/i);
	t.match(run([{ op: "cgroup.devices", path, program: [0, 0], rules: [] }]), { syscall: "bpf", step: 0 });
	t.match(run([{ op: "cgroup.devices", path, program: [0], rules: [] }]), { code: "EINVAL" }, "half an instruction");

	const others = compileDeviceProgram([{ allow: true, type: "a", access: "rwm" }]);
	t.equal(run([{ op: "cgroup.devices", path, program: others, rules: [] }]), undefined, "beside the first");
	t.match(attempt("head -c1 /dev/urandom").stderr, /not permitted/i, "all of them have to agree");
	rmdirSync(path);
	t.equal(run(steps), undefined);
	t.equal(run([{ op: "cgroup.devices", path, program: others, rules: [], replace: true }]), undefined);
	t.equal(attempt("head -c1 /dev/urandom").status, 0, "in place of the first");
	t.equal(run([{ op: "cgroup.devices", path, program, rules: [], replace: true }]), undefined);
	t.match(attempt("head -c1 /dev/urandom").stderr, /not permitted/i);
	rmdirSync(path);
	t.equal(run([{ op: "cgroup.create", path, v2: true }]), undefined);
	t.equal(
		run([{ op: "cgroup.devices", path, program, rules: [], replace: true }]),
		undefined,
		"there is none to replace",
	);
	t.match(attempt("head -c1 /dev/urandom").stderr, /not permitted/i);
});

t.test("idmap.write", { skip: needsRoot }, async (t) => {
	const child = spawn("unshare", ["--user", "sh", "-c", "echo ready; read _"], { stdio: ["pipe", "pipe", "inherit"] });
	await once(child.stdout, "data");
	const pid = child.pid ?? 0;
	const step: HostStep = {
		op: "idmap.write",
		uid: [
			[0, 100_000, 1000],
			[1000, 0, 1],
		],
		gid: [[0, 100_000, 65_536]],
		denySetgroups: true,
	};
	t.equal(run([step], pid), undefined);
	const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8").trim().split(/\s+/).join(" ");
	t.equal(read("uid_map"), "0 100000 1000 1000 0 1");
	t.equal(read("gid_map"), "0 100000 65536");
	t.equal(read("setgroups"), "deny");
	t.match(run([{ ...step, denySetgroups: false }], pid), {
		step: 0,
		syscall: "write",
		code: "EPERM",
		detail: `/proc/${pid}/gid_map`,
	});
	t.match(run([step]), { code: "ESRCH" });
	child.stdin.end();
	await once(child, "exit");
	t.same(readdirSync("/proc").includes(String(pid)), false);
});

t.test("resctrl: groups, schemata, processes, and what the kernel said", async (t) => {
	const root = scratch(t);
	const path = join(root, "gold");
	const create: HostStep = { op: "resctrl.create", root, path };
	t.equal(run([create]), undefined);
	t.match(run([create]), { syscall: "mkdir", code: "EEXIST", detail: path }, "a group is made, never taken over");
	writeFileSync(join(path, "schemata"), "");
	writeFileSync(join(path, "tasks"), "");
	const schemata: HostStep = { op: "resctrl.schemata", root, path, value: "L3:0=f\nMB:0=50\n" };
	t.equal(run([schemata, { op: "resctrl.join", root, path }], 77), undefined);
	t.equal(readFileSync(join(path, "schemata"), "utf8"), "L3:0=f\nMB:0=50\n");
	t.equal(readFileSync(join(path, "tasks"), "utf8"), "77");
	t.match(run([{ op: "resctrl.join", root, path }]), { code: "ESRCH" });
	mkdirSync(join(root, "info"));
	writeFileSync(join(root, "info/last_cmd_status"), "Mask out of range\n");
	t.match(run([{ ...schemata, path: join(root, "none") }]), { code: "ENOENT", detail: "Mask out of range" });
	writeFileSync(join(root, "info/last_cmd_status"), "ok\n");
	t.match(run([{ ...schemata, path: join(root, "none") }]), { code: "ENOENT", detail: join(root, "none/schemata") });
});

t.test("netDevice.move: what is refused before anything moves", { skip: needsRoot }, async (t) => {
	const move = (rest: object = {}): HostStep => ({ op: "netDevice.move", device: "none0", ...rest });
	t.match(run([move({ namespace: "/no/such" })]), { syscall: "open", code: "ENOENT", detail: "/no/such" });
	t.match(run([move()], process.pid), { code: "EXDEV" }, "our own namespace");
	t.match(run([move({ namespace: "/proc/self/ns/uts" })]), { syscall: "setns", code: "EINVAL" });
	const child = spawn("unshare", ["--net", "sh", "-c", "echo ready; read _"], { stdio: ["pipe", "pipe", "inherit"] });
	await once(child.stdout, "data");
	t.match(run([move()], child.pid), { syscall: "rtnetlink", code: "ENODEV", detail: /none0|No such/ });
	t.match(run([move({ device: "lo" })], child.pid), { code: "EEXIST", detail: "lo" });
	t.equal(run([{ op: "netDevices.return" }, { op: "netDevices.keep" }]), undefined, "nothing has moved");
	child.stdin.end();
	await once(child, "exit");
});
