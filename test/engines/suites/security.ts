/** What a container may: capabilities, system calls, devices, kernel settings, a read-only root. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Engine } from "../engine.js";

const chown = 1n << 0n;
const netAdmin = 1n << 12n;
const sysTime = 1n << 25n;

function capabilities(status: string): bigint {
	return BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1]}`);
}

export function security(t: Test, engine: Engine): void {
	t.test("capabilities: the default, --cap-add, --cap-drop", async (t) => {
		const of = async (...flags: string[]) =>
			capabilities((await engine.inside(flags, { status: "cat /proc/self/status" })).status);
		const standard = await of();
		t.ok(standard & chown);
		t.notOk(standard & netAdmin);
		t.equal(await of("--cap-add", "NET_ADMIN"), standard | netAdmin);
		t.equal(await of("--cap-drop", "CHOWN"), standard & ~chown);
		t.equal(await of("--cap-drop", "ALL"), 0n);
		t.equal(await of("--cap-drop", "ALL", "--cap-add", "SYS_TIME"), sysTime);
	});

	t.test("a user has no capability", async (t) => {
		const { status } = await engine.inside(["--user", "1000"], { status: "cat /proc/self/status" });
		t.equal(capabilities(status), 0n);
	});

	t.test("run --privileged", { skip: engine.unable.allCapabilities ?? false }, async (t) => {
		const { status, devices, proc, mount } = await engine.inside(["--privileged"], {
			status: "cat /proc/self/status",
			devices: "ls /dev | wc -l",
			proc: "grep -c ' /proc/' /proc/self/mountinfo",
			mount: "mount -t tmpfs none /tmp && echo mounted",
		});
		t.ok(capabilities(status) & netAdmin);
		t.match(status, /^Seccomp:\t0$/m);
		t.ok(Number(devices) > 20, `the host's devices: ${devices}`);
		t.equal(proc, "0", "nothing of /proc is masked");
		t.equal(mount, "mounted");
	});

	t.test("seccomp: the engine's profile, and unconfined", async (t) => {
		const questions = { mode: "grep ^Seccomp: /proc/self/status" };
		const standard = await engine.inside([], questions);
		t.match(standard.mode, /\t2$/);
		const unconfined = await engine.inside(["--security-opt", "seccomp=unconfined"], questions);
		t.match(unconfined.mode, /\t0$/);
	});

	t.test("seccomp: a profile of one's own", async (t) => {
		const profile = join(engine.machine.directory, "seccomp.json");
		const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }];
		writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }), { mode: 0o644 });
		const answers = await engine.inside(["--security-opt", `seccomp=${profile}`], {
			directory: "mkdir /tmp/new",
			file: "echo yes >/tmp/file && cat /tmp/file",
		});
		t.match(answers.directory, /Operation not supported|Not supported/);
		t.equal(answers.file, "yes");
	});

	t.test("run --security-opt no-new-privileges", async (t) => {
		const of = async (...flags: string[]) =>
			(await engine.inside(flags, { line: "grep ^NoNewPrivs: /proc/self/status" })).line;
		t.match(await of(), /\t0$/);
		t.match(await of("--security-opt", "no-new-privileges"), /\t1$/);
	});

	t.test("run --read-only", async (t) => {
		const answers = await engine.inside(["--read-only"], {
			root: "touch /file",
			etc: "touch /etc/passwd",
			shm: "touch /dev/shm/file && echo written",
		});
		t.match(answers.root, /Read-only file system/);
		t.match(answers.etc, /Read-only file system/);
		t.equal(answers.shm, "written");
	});

	t.test("devices: the standard ones; others cannot be made or opened", async (t) => {
		const answers = await engine.inside(["--cap-add", "MKNOD"], {
			zero: "head -c 3 /dev/zero | od -An -tx1",
			random: "head -c 3 /dev/urandom | wc -c",
			null: "echo gone >/dev/null && echo written",
			kmsg: "mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg",
		});
		t.equal(answers.zero, "00 00 00");
		t.equal(answers.random, "3");
		t.equal(answers.null, "written");
		t.match(answers.kmsg, /Operation not permitted/);
	});

	t.test("run --device", { skip: engine.unable.devices ?? false }, async (t) => {
		const { node, opened } = await engine.inside(["--device", "/dev/fuse:/dev/here:r"], {
			node: "stat -c '%t:%T' /dev/here",
			opened: "exec 3</dev/here && echo opened; (exec 3>/dev/here) 2>&1",
		});
		t.equal(node, "a:e5");
		t.match(opened, /^opened\n[\s\S]*Operation not permitted/, "for reading only");
	});

	t.test("run --sysctl", async (t) => {
		const flags = ["--sysctl", "kernel.msgmax=12345", "--sysctl", "net.ipv4.ip_unprivileged_port_start=77"];
		const { ipc, net } = await engine.inside(flags, {
			ipc: "cat /proc/sys/kernel/msgmax",
			net: "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
		});
		t.equal(ipc, "12345");
		t.equal(net, "77");
	});

	t.test("what the host must not lose is masked or read-only", async (t) => {
		const answers = await engine.inside([], {
			// Which of them there are is the kernel's matter. AppArmor's profiles of the engines refuse one of them besides.
			files:
				"{ cat $(ls -d /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats 2>/dev/null) </dev/null; } 2>/dev/null | wc -c",
			masked: "grep -c -E ' /proc/(keys|timer_list|kcore) ' /proc/self/mountinfo",
			sys: "echo 1 >/proc/sys/kernel/panic",
			firmware: "ls /sys/firmware | wc -l",
			sysfs: "if [ -d /sys/fs/cgroup/pids ]; then mkdir /sys/fs/cgroup/pids/x; else mkdir /sys/fs/cgroup/x; fi",
		});
		t.equal(answers.files, "0");
		t.ok(Number(answers.masked) > 0);
		t.match(answers.sys, /Read-only file system/);
		t.equal(answers.firmware, "0");
		t.match(answers.sysfs, /Read-only file system/);
	});
}
