/** Fake files where the runtime expects /proc, and descriptors of the host that a container could reach. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import t from "tap";
import { failed, runtimeName, unlessPeer } from "../../support/runtime.js";
import { Terminal } from "../../support/terminal.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);

t.test(
	"CVE-2019-16884: mounts inside of /proc are refused",
	{ skip: unlessPeer({ runc: "1.1 lets some pass", crun: "1.8 lets all pass" }) },
	async (t) => {
		for (const destination of ["/proc/self", "/proc/self/attr", "/proc/sys", "/proc/1"]) {
			const container = space.container((config) => {
				config.mounts.push({ destination, type: "tmpfs", source: "tmpfs" });
			});
			const result = container.create();
			t.equal(result.status, 1, destination);
		}
	},
);

t.test("CVE-2025-52881: a /proc that is no procfs does not take sysctls", async (t) => {
	const container = space.container((config, bundle) => {
		config.root.readonly = false;
		mkdirSync(join(bundle.path, "fake/sys/net/ipv4"), { recursive: true });
		writeFileSync(join(bundle.path, "fake/sys/net/ipv4/ip_forward"), "untouched");
		config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
		config.mounts.unshift({ destination: "/proc", source: "fake", options: ["rbind"] });
		config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
		config.process.args = ["/bin/true"];
	});
	const result = container.run();
	const fake = readFileSync(join(container.bundle.path, "fake/sys/net/ipv4/ip_forward"), "utf8");
	t.equal(fake, "untouched", `nothing was written to the fake file (status ${result.status})`);
});

t.test(
	"CVE-2025-31133, CVE-2025-62161, CVE-2026-88265: /dev/null of the image is not what masks",
	{ skip: unlessPeer({ runc: "1.1 is vulnerable", crun: "1.8 is vulnerable" }) },
	async (t) => {
		for (const prepare of ["symlink", "file"] as const) {
			const container = space.container((config, bundle) => {
				config.root.readonly = false;
				config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
				const place = join(bundle.rootfs, "dev/null");
				if (prepare === "symlink") symlinkSync("/proc/sys/kernel/core_pattern", place);
				else writeFileSync(place, "not a device\n");
				config.linux.maskedPaths = ["/proc/keys", "/etc/passwd"];
				config.linux.readonlyPaths = [];
				config.process.args = ["/bin/sh", "-c", "cat /proc/keys /etc/passwd; stat -c '%F %t:%T' /proc/keys"];
			});
			const result = container.run();
			if (result.status === 0) t.equal(result.stdout, "character special file 1:3\n", prepare);
			else t.ok(failed(result), `refused: ${result.stderr}`);
		}
	},
);

t.test(
	"CVE-2025-52565, CVE-2026-88264: console and pts as symlinks, with a terminal",
	{ skip: unlessPeer({ runc: "1.1 is vulnerable", crun: "1.8 is vulnerable" }) },
	async (t) => {
		const host = space.path("console-victim");
		writeFileSync(host, "of the host\n");
		for (const [name, target] of [
			["dev/console", host],
			["dev/console", "/proc/self/comm"],
			["dev/pts", "/tmp"],
			["dev/ptmx", host],
		] as const) {
			const container = space.container((config, bundle) => {
				config.root.readonly = false;
				config.mounts = config.mounts.filter(
					({ destination }) => destination !== "/dev" && !(name === "dev/pts" && destination === "/dev/pts"),
				);
				rmSync(join(bundle.rootfs, name), { recursive: true, force: true });
				symlinkSync(target, join(bundle.rootfs, name));
				config.process.terminal = true;
				config.process.args = ["/bin/sh", "-c", "echo written > /dev/console; cat /proc/self/mountinfo"];
			});
			const { runtime, bundle, id } = container;
			const terminal = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
			const { status } = await terminal.ended();
			t.equal(readFileSync(host, "utf8"), "of the host\n", `${name} -> ${target}`);
			if (status === 0) t.notMatch(terminal.output, / \/proc\/.* - devpts /, "nothing is mounted on the target");
		}
	},
);

t.test("CVE-2024-21626: a working directory through a descriptor of the runtime", async (t) => {
	for (let fd = 3; fd <= 30; fd++) {
		const container = space.container((config) => {
			config.process.cwd = `/proc/self/fd/${fd}`;
			config.process.args = ["/bin/sh", "-c", "pwd; ls ../../../../../etc/debian_version"];
		});
		const result = container.run();
		t.notMatch(result.stdout, /debian_version/, `fd ${fd}`);
		t.not(result.status, 0, `fd ${fd}`);
	}
});

t.test("CVE-2024-21626: nor through a symlink of the image, nor with preserved descriptors", async (t) => {
	for (const target of ["/proc/self/fd/3", "/proc/self/fd/7", "/proc/1/cwd", "/proc/self/cwd/../../.."]) {
		const container = space.container((config, bundle) => {
			symlinkSync(target, join(bundle.rootfs, "link"));
			config.process.cwd = "/link";
			config.process.args = ["/bin/sh", "-c", "ls /proc/self/cwd/etc/debian_version ../../../etc/debian_version"];
		});
		t.notMatch(container.run().stdout, /debian_version/, target);
	}
	const preserved = space.container((config) => {
		config.process.cwd = "/proc/self/fd/3";
		config.process.args = ["/bin/true"];
	});
	const result = preserved.run(["--preserve-fds", "1"], { shell: "exec 3</etc;" });
	if (runtimeName !== "crun") t.not(result.status, 0);
	t.equal(result.stdout, "");
});

t.test("CVE-2019-5736: no way to the host's binary through /proc/self/exe", async (t) => {
	const binaries: string[] = (process.env.RUNTIME ?? "build/runtime-ts")
		.split(" ")
		.map((word) => resolve(word))
		.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
	const digest = () => binaries.map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
	const before = digest();
	// The image's program is a link to /proc/self/exe: what is executed is the init itself.
	for (const args of [["/proc/self/exe"], ["/bin/self"], ["/bin/script"]]) {
		const container = space.container((config, bundle) => {
			symlinkSync("/proc/self/exe", join(bundle.rootfs, "bin/self"));
			writeFileSync(join(bundle.rootfs, "bin/script"), "#!/proc/self/exe\n", { mode: 0o755 });
			config.process.args = args;
		});
		const result = container.run([], { timeoutMs: 5000 });
		t.not(result.status, null, `${args}: no hang`);
		container.delete("--force");
	}
	// From a second process of a shared pid namespace, while the first one still waits for start.
	const created = space.container();
	t.equal(created.create().status, 0);
	const { pid } = created.state();
	const seen = space.inside(
		(config) => {
			config.linux.namespaces = config.linux.namespaces.map((namespace) =>
				namespace.type === "pid" ? { type: "pid", path: `/proc/${pid}/ns/pid` } : namespace,
			);
			config.process.capabilities = {
				bounding: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
				effective: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
				permitted: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
			};
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
		},
		{ write: "probe open-write /proc/1/exe" },
	);
	t.notMatch(seen.write, /^ok/, "neither the binary nor the init's memory can be opened for writing");
	t.equal(created.delete("--force").status, 0);
	t.same(digest(), before);
});

t.test("CVE-2016-9962: the waiting init holds no directory of the host open", async (t) => {
	const created = space.container();
	t.equal(created.create().status, 0);
	const { pid } = created.state();
	const own = new Set(readFileSync(`/proc/${pid}/mountinfo`, "utf8").match(/^\d+/gm));
	for (const fd of readdirSync(`/proc/${pid}/fd`)) {
		if (!statSync(`/proc/${pid}/fd/${fd}`).isDirectory()) continue;
		const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
		t.ok(own.has(mount ?? ""), `directory ${fd} is on a mount of the container's own`);
	}
	t.ok(own.size > 0);
	t.equal(created.delete("--force").status, 0);
});

t.test("CVE-2022-29162, CVE-2022-27650, CVE-2025-27612: nothing is inheritable unless asked", async (t) => {
	const seen = space.inside(() => {}, { sets: "grep -E '^Cap(Inh|Amb)' /proc/self/status" });
	t.match(seen.sets, /CapInh:\t0{16}/);
	t.match(seen.sets, /CapAmb:\t0{16}/);
});

t.test("CVE-2023-25809: without a cgroup namespace /sys/fs/cgroup is as read-only as configured", async (t) => {
	const seen = space.inside(() => {}, {
		write:
			"for d in /sys/fs/cgroup/*; do mkdir $d/escape && echo made $d; done; echo 1 > /sys/fs/cgroup/pids/cgroup.procs",
	});
	t.notMatch(seen.write, /^made/m);
	t.match(seen.write, /Read-only/);
});

nothingLeft(t, space);
