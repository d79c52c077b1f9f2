/**
 * Descriptors that the runtime holds when it looks up a path of the image (CVE-2024-21626): a program, an interpreter,
 * a hook. Close-on-exec is no help there, because the kernel walks the path before it closes anything.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
	chmodSync,
	closeSync,
	copyFileSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	symlinkSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle, Edit } from "../../support/bundle.js";
import { end, exec, sleeping } from "../../support/exec.js";
import { oursOnly } from "../../support/runtime.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);
const highest = 30;

/**
 * A service of the host that runs as root without capabilities: a process of the container may follow its
 * /proc/PID/root (ptrace(2), PTRACE_MODE_READ), once it has a procfs of the host to find it in.
 */
const service: ChildProcess = spawn(
	"setpriv",
	["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "sleep", "1000"],
	{ stdio: "ignore" },
);
t.teardown(() => service.kill("SIGKILL"));

const outside = space.path("outside");
mkdirSync(outside);
copyFileSync("/bin/busybox", join(outside, "busybox"));
chmodSync(join(outside, "busybox"), 0o755);

/** `/out/FD/echo`: busybox of the host, by way of a procfs of the host behind that descriptor. */
function leadOut({ rootfs }: Bundle): void {
	for (let fd = 3; fd <= highest; fd++) {
		const directory = join(rootfs, `out/${fd}`);
		mkdirSync(directory, { recursive: true });
		symlinkSync(`/proc/self/fd/${fd}/${service.pid}/root${outside}/busybox`, join(directory, "echo"));
		writeFileSync(join(directory, "script"), `#/out/${fd}/echo by an interpreter\n`.replace("#", "#!"), {
			mode: 0o755,
		});
	}
}

const sysctl: Edit = (config) => {
	config.linux.sysctl = { "kernel.msgmax": "8192" };
};

const inPlace: Edit = (config, bundle) => {
	sysctl(config, bundle);
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "mount");
	config.linux.maskedPaths = [];
	config.linux.readonlyPaths = [];
};

t.test("the attack works, given a procfs of the host", async (t) => {
	const container = space.container((config, bundle) => {
		leadOut(bundle);
		config.process.args = ["/out/3/echo", "out"];
	});
	const result = container.run(["--preserve-fds", "1"], { shell: "exec 3</proc;" });
	t.match(result.stdout, "out", "or the other tests show nothing");
});

t.test("the program of a container", async (t) => {
	for (const [what, edit] of [
		["plain", () => {}],
		["with a sysctl", sysctl],
		["without a mount namespace", inPlace],
	] as [string, Edit][]) {
		for (let fd = 3; fd <= highest; fd++) {
			const container = space.container((config, bundle) => {
				leadOut(bundle);
				edit(config, bundle);
				config.process.args = [fd % 2 ? `/out/${fd}/echo` : `/out/${fd}/script`, "out"];
			});
			const result = container.run();
			t.notMatch(result.stdout, "out", `${what}, descriptor ${fd}`);
			t.not(result.status, 0);
		}
	}
});

t.test("a hook that is looked up in the image", async (t) => {
	for (let fd = 3; fd <= highest; fd++) {
		const container = space.container((config, bundle) => {
			leadOut(bundle);
			sysctl(config, bundle);
			config.hooks = { startContainer: [{ path: `/out/${fd}/echo`, args: ["echo", "out"] }] };
			config.process.args = ["/bin/true"];
		});
		const result = container.run();
		t.not(result.status, 0, `descriptor ${fd}: ${result.stdout}`);
	}
});

t.test(
	"CVE-2019-5736: nobody writes to the program of the init, not even the host's root",
	{ skip: oursOnly },
	async (t) => {
		const container = space.container((config) => {
			config.process.args = ["/bin/sleep", "1000"];
		});
		t.equal(container.create().status, 0);
		const file = openSync(`/proc/${container.state().pid}/exe`, "r");
		t.equal(container.start().status, 0);
		// Nothing executes it any more, which would have been a reason of its own (ETXTBSY).
		const writable = openSync(`/proc/self/fd/${file}`, "r+");
		t.throws(() => writeSync(writable, "#!/bin/sh"), { code: "EPERM" });
		t.throws(() => ftruncateSync(writable, 0), { code: "EPERM" });
		for (const fd of [file, writable]) closeSync(fd);
		end(container);
	},
);

t.test("the program of exec", async (t) => {
	const container = sleeping(space, (_config, bundle) => leadOut(bundle));
	for (let fd = 3; fd <= highest; fd++) {
		for (const name of ["echo", "script"]) {
			const result = exec(container, "", [`/out/${fd}/${name}`, "out"]);
			t.notMatch(result.stdout, "out", `descriptor ${fd}, ${name}`);
			t.not(result.status, 0);
		}
	}
	end(container);
});

nothingLeft(t, space);
