/** A system container: systemd as PID 1 of a whole Debian, which is this machine's own root under an overlay. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { mountAt } from "../support/config.js";
import { hostMounts } from "../support/leaks.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const unified = hostMounts().find(({ type, point }) => type === "cgroup2" && point === "/sys/fs/cgroup");
if (!existsSync("/run/systemd/system") || unified === undefined) {
	t.plan(
		0,
		"systemd is not PID 1 here, with cgroup v2, so there is no system to put into a container: run make test-vm",
	);
	process.exit(0);
}

const space = workspace(t);

/** What systemd's container interface (systemd.io/CONTAINER_INTERFACE) asks of the one who starts it. */
const container = space.container((config, bundle) => {
	const layers = space.path("layers");
	mkdirSync(layers);
	execFileSync("mount", ["-t", "tmpfs", space.token, layers]);
	for (const name of ["upper", "work"]) mkdirSync(join(layers, name));
	const options = `lowerdir=/,upperdir=${layers}/upper,workdir=${layers}/work`;
	execFileSync("mount", ["-t", "overlay", "-o", options, space.token, bundle.rootfs]);

	const units = join(bundle.rootfs, "etc/systemd/system");
	// What starts these tests, and the session that is always there.
	rmSync(join(units, "multi-user.target.wants/tests.service"), { force: true });
	rmSync(join(bundle.rootfs, "var/lib/systemd/linger"), { recursive: true, force: true });
	writeFileSync(join(bundle.rootfs, "etc/machine-id"), "");
	const unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nMemoryMax=64M\nTasksMax=7\nPrivateTmp=yes\n";
	writeFileSync(join(units, "greeting.service"), `${unit}ExecStart=/bin/sh -c 'cp /proc/self/cgroup /run/greeting'\n`);
	symlinkSync("../greeting.service", join(units, "multi-user.target.wants/greeting.service"));

	config.process.args = ["/lib/systemd/systemd"];
	config.process.env.push("container=oci");
	config.process.noNewPrivileges = false;
	const capabilities = ["CAP_AUDIT_WRITE", "CAP_FSETID", "CAP_SETFCAP", "CAP_SYS_ADMIN"];
	for (const set of ["bounding", "effective", "permitted"] as const)
		config.process.capabilities?.[set]?.push(...capabilities);
	config.root.readonly = false;
	config.linux.namespaces.push({ type: "cgroup" });
	mountAt(config, "/sys/fs/cgroup").options = ["nosuid", "noexec", "nodev", "relatime", "rw"];
	for (const destination of ["/run", "/tmp"])
		config.mounts.push({ destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"] });
	config.linux.resources = {
		devices: [{ allow: false, access: "rwm" }],
		memory: { limit: 512 << 20 },
		pids: { limit: 500 },
	};
});

/** In all namespaces of the container. */
function inside(...command: string[]): string {
	const { pid } = container.state();
	return execFileSync("nsenter", ["-t", `${pid}`, "-a", ...command], { encoding: "utf8" }).trim();
}

t.test("it boots, and every unit of it comes up", async (t) => {
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	t.equal(container.start().status, 0);
	await eventually(() => existsSync(`/proc/${container.state().pid}/root/run/systemd/private`), "systemd listens");
	let state = "";
	try {
		state = inside("systemctl", "is-system-running", "--wait");
	} catch (error) {
		state = String((error as { stdout?: string }).stdout);
	}
	t.equal(state, "running", inside("systemctl", "--failed", "--no-pager"));
	t.equal(inside("systemd-detect-virt", "--container"), "container-other", "what it makes of container=oci");
	t.equal(inside("cat", "/proc/1/comm"), "systemd");
});

t.test("its units are cgroups below the container's, with their limits", async (t) => {
	t.equal(inside("cat", "/run/greeting"), "0::/system.slice/greeting.service");
	t.equal(inside("cat", "/proc/1/cgroup"), "0::/init.scope");
	const unit = `/sys/fs/cgroup/${container.id}/system.slice`;
	t.ok(existsSync(unit), "the host sees them there");
	t.equal(inside("systemctl", "show", "-P", "MemoryMax", "greeting.service"), `${64 << 20}`);
	t.equal(readFileSync(`/sys/fs/cgroup/${container.id}/memory.max`, "utf8").trim(), `${512 << 20}`);
});

t.test("a service starts and stops when it is asked to", async (t) => {
	inside("systemd-run", "--unit=asked", "sleep", "1000");
	t.equal(inside("systemctl", "is-active", "asked.service"), "active");
	const cgroup = `/sys/fs/cgroup/${container.id}/system.slice/asked.service`;
	t.match(readFileSync(`${cgroup}/cgroup.procs`, "utf8"), /^\d+$/m);
	inside("systemctl", "stop", "asked.service");
	t.notOk(existsSync(cgroup));
});

t.test("its own signal shuts it down, and delete takes the whole tree away", async (t) => {
	t.equal(container.kill("SIGRTMIN+3").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	t.notOk(existsSync(`/sys/fs/cgroup/${container.id}`));
	for (const point of [container.bundle.rootfs, space.path("layers")]) execFileSync("umount", [point]);
});

nothingLeft(t, space);
