/** exec into every kind of container: whatever it shares, owns, joins, or is called by. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import { Caller, withRange } from "../support/caller.js";
import { capabilityBits } from "../support/capabilities.js";
import type { Config } from "../support/config.js";
import { ask, end, exec, sleeping, start } from "../support/exec.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const base = 100_000;
const kinds = ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time"];
const links = `for n in ${kinds.join(" ")}; do readlink /proc/self/ns/$n; done`;

const without = (config: Config, ...types: string[]): void => {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !types.includes(type));
};

function mapped(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	chownSync(bundle.rootfs, base, base);
	for (const name of readdirSync(bundle.rootfs)) chownSync(join(bundle.rootfs, name), base, base);
}

/** Namespaces of a process, seen from the host. */
const namespacesOf = (pid: number): string[] =>
	kinds.map((kind) => execFileSync("readlink", [`/proc/${pid}/ns/${kind}`], { encoding: "utf8" }).trim());

t.test("the host's pid namespace", async (t) => {
	const container = sleeping(space, (config) => without(config, "pid"));
	const { pid } = container.state();
	t.same(ask(container, links).split("\n"), namespacesOf(pid));
	t.match(ask(container, "echo $$"), /^\d{2,}$/);
	end(container);
});

t.test("no namespace but mount", async (t) => {
	const container = sleeping(space, (config) => {
		without(config, "pid", "network", "ipc", "uts", "cgroup");
		delete (config as { hostname?: string }).hostname;
	});
	t.same(ask(container, links).split("\n"), namespacesOf(container.state().pid));
	end(container);
});

t.test("namespaces of another container, joined by path", async (t) => {
	const first = sleeping(space);
	const { pid } = first.state();
	const second = sleeping(space, (config) => {
		for (const namespace of config.linux.namespaces) {
			const file: Record<string, string> = { network: "net", ipc: "ipc", uts: "uts", pid: "pid" };
			const name = file[namespace.type];
			if (name) namespace.path = `/proc/${pid}/ns/${name}`;
		}
	});
	t.same(ask(second, links).split("\n"), namespacesOf(second.state().pid));
	t.match(ask(second, "ps"), /sleep 1000[\s\S]*sleep 1000/, "the first one's processes");
	end(second);
	end(first);
});

t.test("a cgroup namespace", async (t) => {
	const container = sleeping(space, (config) => {
		config.linux.namespaces.push({ type: "cgroup" });
	});
	t.same(ask(container, links).split("\n"), namespacesOf(container.state().pid));
	t.match(ask(container, "grep memory: /proc/self/cgroup || echo :/"), /:\/$/, "its root is the container's cgroup");
	end(container);
});

t.test("a time namespace", { skip: unlessPeer({ runc: "1.1 has none", crun: "1.8 does not enter it" }) }, async (t) => {
	const container = sleeping(space, (config) => {
		config.linux.namespaces.push({ type: "time" });
		config.linux.timeOffsets = { boottime: { secs: 1_000_000, nanosecs: 0 } };
	});
	t.same(ask(container, links).split("\n"), namespacesOf(container.state().pid));
	t.ok(Number(ask(container, "cut -d. -f1 /proc/uptime")) > 1_000_000);
	end(container);
});

t.test("a user namespace", async (t) => {
	const container = sleeping(space, (config, bundle) => {
		mapped(config, bundle);
		config.root.readonly = false;
	});
	const { pid } = container.state();
	t.same(ask(container, links).split("\n"), namespacesOf(pid));
	t.equal(ask(container, "id -u; id -g; id -G"), "0\n0\n0");
	t.equal(ask(container, "id -u; id -g; id -G", "-u 7:8 -g 9"), "7\n8\n8 9");
	const [own, theirs] = ask(container, "cat /proc/self/status; echo @; cat /proc/1/status").split("@");
	t.equal(capabilityBits(own ?? "", "Eff"), capabilityBits(theirs ?? "", "Eff"));
	t.equal(ask(container, "touch /tmp/made && stat -c %u /tmp/made"), "0");
	t.match(exec(container, "-u 70000", "true").stderr, /unable to setup user: .*invalid argument/);
	t.match(ask(container, "cat /proc/self/cgroup"), container.id);
	end(container);
});

t.test("a user namespace without a root", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config, bundle) => {
		mapped(config, bundle);
		config.linux.uidMappings = [{ containerID: 1000, hostID: base, size: 1 }];
		config.linux.gidMappings = [{ containerID: 1000, hostID: base, size: 1 }];
		config.process.user = { uid: 1000, gid: 1000 };
		config.mounts = config.mounts.filter(({ type }) => type === "proc" || type === "tmpfs");
	});
	t.equal(ask(container, "id -u; id -g"), "1000\n1000");
	end(container);
});

t.test("limits, priorities and scores in a user namespace: the engine's rights", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, mapped);
	const file = space.path("priorities.json");
	const process = {
		args: ["/bin/sh", "-c", "ulimit -Hn; cut -d' ' -f41 /proc/self/stat; cut -d' ' -f19 /proc/self/stat"],
		cwd: "/",
		env: ["PATH=/bin"],
		rlimits: [{ type: "RLIMIT_NOFILE", soft: 50, hard: 60 }],
		scheduler: { policy: "SCHED_OTHER", nice: -5 },
	};
	writeFileSync(file, JSON.stringify(process));
	t.equal(exec(container, ["--process", file], "").stdout, "60\n0\n-5\n");
	end(container);
});

t.test("a user namespace, created but not started", { skip: oursOnly }, async (t) => {
	const container = space.container((config, bundle) => {
		mapped(config, bundle);
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	t.equal(ask(container, "id -u"), "0");
	end(container);
});

t.test("no mount namespace: its root is the rootfs all the same", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config) => {
		without(config, "mount");
		config.mounts = [];
		config.root.readonly = false;
		config.linux.maskedPaths = [];
		config.linux.readonlyPaths = [];
		config.linux.devices = [];
	});
	t.equal(ask(container, "pwd; cat /etc/passwd | head -n1"), "/\nroot:x:0:0:root:/:/bin/sh");
	t.match(
		exec(container, "--cwd /../../..", ["/bin/sh", "-c", "pwd; ls -d /work /root 2>&1"]).stdout,
		/^\/\n.*No such/s,
	);
	end(container);
});

t.test("no mount namespace, but mounts", { skip: oursOnly }, async (t) => {
	const container = sleeping(space, (config) => {
		without(config, "mount");
		config.linux.maskedPaths = [];
		config.linux.readonlyPaths = [];
	});
	t.match(ask(container, "pwd; cat /proc/self/cmdline | tr '\\0' ' '"), /^\/\ncat/);
	t.match(ask(container, "stat -c %t:%T /dev/null"), "1:3");
	end(container);
});

t.test("--no-pivot", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.run(["--detach", "--no-pivot"]).status, 0);
	t.match(ask(container, "head -n1 /etc/passwd; pwd"), "root:x:0:0:root:/:/bin/sh\n/");
	end(container);
});

t.test("started by run", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.run(["--detach"]).status, 0);
	t.equal(ask(container, "echo in"), "in");
	end(container);
});

t.test("a session keyring that is nobody's", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
		config.linux.maskedPaths = [];
	});
	t.equal(container.create(["--no-new-keyring"]).status, 0);
	t.notMatch(ask(container, "cat /proc/keys"), `_ses.${container.id}`);
	end(container);
});

const v1 = existsSync("/sys/fs/cgroup/memory/tasks") ? unlessPeer({ crun: "1.8 has another option" }) : "no cgroup v1";

t.test("--cgroup: below the container's", { skip: v1 }, async (t) => {
	const container = sleeping(space);
	const line = /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${container.state().pid}/cgroup`, "utf8"))?.[1];
	const sub = `/sys/fs/cgroup/memory${line}/sub`;
	mkdirSync(sub);
	t.match(ask(container, "grep memory: /proc/self/cgroup", "--cgroup memory:sub"), /\/sub$/);
	t.notMatch(ask(container, "grep pids: /proc/self/cgroup", "--cgroup memory:sub"), /\/sub$/);
	end(container);
});

t.test("a rootless container of an ordinary user", async (t) => {
	const caller = new Caller(space, 61_001);
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	start(container);
	t.equal(ask(container, "id -u; id -g"), "0\n0");
	t.same(ask(container, links).split("\n"), namespacesOf(container.state().pid));
	t.equal(exec(container, "", "nosuch").status, 255);
	t.match(exec(container, "-g 5", "true").stderr, /setgroups|additional groups/);
	end(container);
});

t.test("an ordinary user with ranges", { skip: oursOnly }, async (t) => {
	const caller = new Caller(space, 61_002, { ranges: true });
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
		withRange(config);
	});
	start(container);
	t.equal(ask(container, "id -u; id -g; id -G", "-u 5:6 -g 7"), "5\n6\n6 7");
	end(container);
});

t.test("an ordinary user's container, created but not started", { skip: oursOnly }, async (t) => {
	const caller = new Caller(space, 61_003);
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	t.equal(ask(container, "id -u; cat /proc/1/comm"), "0\nmemfd:runtime-t", "the init lets its caller in");
	t.equal(container.start().status, 0);
	t.equal(ask(container, "id -u"), "0");
	end(container);
});

t.test("root of a user namespace calls, as rootless Podman has it", async (t) => {
	const caller = new Caller(space, 61_004, { through: ["unshare", "-Ur"] });
	t.comment("each command has a user namespace of its own, so the container's is another user's for the second");
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	});
	t.equal(container.create().status, 0);
	const result = exec(container, "", "true");
	t.equal(result.status, 255);
	t.match(result.stderr, /operation not permitted|permission denied/i);
	container.delete("--force");
});

nothingLeft(t, space);
