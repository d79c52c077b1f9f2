/** exec on the unified hierarchy, and under AppArmor: what test/vm's guest has and many hosts have not. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { ask, end, exec, sleeping } from "../support/exec.js";
import { hostMounts } from "../support/leaks.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const root = hostMounts().find(({ type }) => type === "cgroup2")?.point ?? "";
const controllers = root === "" ? [] : readFileSync(`${root}/cgroup.controllers`, "utf8").trim().split(" ");
const lacking = ["cpu", "cpuset", "memory", "pids"].filter((name) => !controllers.includes(name));
if (lacking.length > 0) {
	t.plan(0, `cgroup v2 of this host lacks controllers (${lacking.join(" ")}): run make test-vm`);
	process.exit(0);
}

const space = workspace(t);
const own = "cat /proc/self/cgroup";

function withNamespace(config: Config): void {
	config.linux.namespaces.push({ type: "cgroup" });
}

function mapped(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65536 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65536 }];
	chownSync(bundle.rootfs, 100_000, 100_000);
	for (const name of readdirSync(bundle.rootfs)) chownSync(join(bundle.rootfs, name), 100_000, 100_000);
}

t.test("the process is born in the container's cgroup", async (t) => {
	const container = sleeping(space);
	t.equal(ask(container, own), `0::/${container.id}`);
	end(container);
});

t.test("and in its cgroup namespace, which it enters from inside", async (t) => {
	const container = sleeping(space, withNamespace);
	t.equal(ask(container, own), "0::/");
	t.equal(ask(container, "readlink /proc/self/ns/cgroup"), ask(container, "readlink /proc/1/ns/cgroup"));
	end(container);
});

t.test("in a user namespace, too", async (t) => {
	const container = sleeping(space, (config, bundle) => {
		mapped(config, bundle);
		withNamespace(config);
	});
	t.equal(ask(container, `${own}; id -u`), "0::/\n0");
	end(container);
});

t.test("in a user namespace whose root owns the cgroup, because it may write to it", async (t) => {
	const container = sleeping(space, (config, bundle) => {
		mapped(config, bundle);
		withNamespace(config);
		for (const mount of config.mounts)
			if (mount.type === "cgroup") mount.options = ["nosuid", "noexec", "nodev", "relatime"];
	});
	t.equal(statSync(`${root}/${container.id}/cgroup.procs`).uid, 100_000);
	t.equal(statSync(`${root}/${container.id}/cgroup.procs`).gid, 0);
	t.equal(ask(container, `${own}; id -u`), "0::/\n0");
	t.equal(ask(container, "cat /sys/fs/cgroup/cgroup.procs | wc -l"), "4", "the first, the shell, cat and wc");
	const move = "mkdir /sys/fs/cgroup/below; for pid in $(cat /sys/fs/cgroup/cgroup.procs); do";
	const share = "echo +pids >/sys/fs/cgroup/cgroup.subtree_control";
	ask(container, `${move} echo $pid >/sys/fs/cgroup/below/cgroup.procs 2>/dev/null; done; ${share}`);
	t.equal(ask(container, own), "0::/below", "where its first process is, since its own takes no process any more");
	end(container);
});

t.test("created, with a user and a cgroup namespace", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		mapped(config, bundle);
		withNamespace(config);
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	t.equal(ask(container, own), "0::/");
	end(container);
});

t.test("limits of the container hold for it", async (t) => {
	const container = sleeping(space, (config) => {
		config.linux.resources = { pids: { limit: 3 } };
	});
	t.match(
		exec(container, "", ["sh", "-c", "(sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait) 2>&1"]).stdout,
		/can't fork/,
	);
	end(container);
});

t.test("--cgroup", { skip: unlessPeer({ runc: "1.1 has none of v2 alone", crun: "1.8 has another" }) }, async (t) => {
	const container = sleeping(space);
	mkdirSync(`${root}/${container.id}/sub`);
	t.equal(ask(container, own, "--cgroup sub"), `0::/${container.id}/sub`);
	t.equal(ask(container, own, "--cgroup /sub/"), `0::/${container.id}/sub`);
	t.equal(exec(container, "--cgroup nosuch", "true").status, 255);
	end(container);
});

/** What systemd does in a container: its processes go into a cgroup of their own, the controllers to all of them. */
function delegate(id: string): void {
	mkdirSync(`${root}/${id}/init.scope`);
	writeFileSync(`${root}/${id}/init.scope/cgroup.procs`, readFileSync(`${root}/${id}/cgroup.procs`, "utf8").trim());
	writeFileSync(`${root}/${id}/cgroup.subtree_control`, "+memory +pids");
}

t.test("a cgroup that takes no process: where the first process is", { skip: unlessPeer({}) }, async (t) => {
	const container = sleeping(space, withNamespace);
	delegate(container.id);
	t.equal(ask(container, own), "0::/init.scope");
	t.equal(exec(container, "", ["sh", "-c", "exit 3"]).status, 3);
	t.equal(exec(container, "", "nosuch").status, 255);
	t.equal(exec(container, "--cgroup /", "true").status, 255, "but not against somebody's will");
	end(container);
});

t.test("frozen: refused, or waits", { skip: oursOnly }, async (t) => {
	const container = sleeping(space);
	writeFileSync(`${root}/${container.id}/cgroup.freeze`, "1");
	t.match(exec(container, "", "true").error, /cannot exec in a paused container/);
	const child = container.runtime.spawn(["exec", "--ignore-paused", container.id, "true"], { stdio: "ignore" });
	await new Promise((resolve) => setTimeout(resolve, 300));
	t.equal(child.exitCode, null);
	writeFileSync(`${root}/${container.id}/cgroup.freeze`, "0");
	t.equal(await new Promise((resolve) => child.once("exit", resolve)), 0);
	end(container);
});

const parameter = "/sys/module/apparmor/parameters/enabled";
const apparmor = existsSync(parameter) && readFileSync(parameter, "utf8").startsWith("Y");

t.test("AppArmor", { skip: apparmor ? false : "the kernel has no AppArmor, or it is off" }, async (t) => {
	const profiles = [`${space.token}-one`, `${space.token}-two`];
	const text = profiles.map(
		(name) => `profile ${name} flags=(attach_disconnected) { file, signal, ptrace, capability, }\n`,
	);
	execFileSync("apparmor_parser", ["--add"], { input: text.join("") });
	t.teardown(() => execFileSync("apparmor_parser", ["--remove"], { input: text.join("") }));
	const container = sleeping(space, (config) => {
		config.process.apparmorProfile = profiles[0] as string;
	});
	t.match(ask(container, "cat /proc/self/attr/current"), profiles[0]);
	t.match(ask(container, "cat /proc/self/attr/current", ["--apparmor", profiles[1] as string]), profiles[1]);
	const file = space.path("apparmor.json");
	writeFileSync(file, JSON.stringify({ args: ["/bin/cat", "/proc/self/attr/current"], cwd: "/" }));
	t.match(
		exec(container, ["--process", file], "").stdout,
		profiles[0],
		"a process.json without one keeps the container's",
	);
	const missing = exec(container, ["--apparmor", "nosuch"], "true");
	t.equal(missing.status, 255);
	t.match(missing.error, /unable to apply apparmor profile: .*\(--apparmor\)/);
	end(container);
});

nothingLeft(t, space);
