/** The systemd cgroup driver of an ordinary user: a scope of the user's own systemd, in the cgroup delegated to that. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { oursOnly } from "../support/runtime.js";
import { cgroupOf, unified, userSystemd } from "../support/systemd.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

// The guest's; on another machine somebody's session would be played with.
const uid = 1000;
const session = `/run/user/${uid}`;
const reason =
	oursOnly ||
	(process.env.GUEST_USER === undefined && "takes the user of the guest: run make test-vm") ||
	(unified === undefined && "a user's systemd has cgroups on cgroup v2 only");
if (reason) {
	t.plan(0, reason);
	process.exit(0);
}

const space = workspace(t);
const through = ["env", `XDG_RUNTIME_DIR=${session}`];
const withSystemd = new Caller(space, uid, { through, options: ["--systemd-cgroup"] });
const manager = `/user.slice/user-${uid}.slice/user@${uid}.service`;

const limited = (config: Config): void => {
	config.linux.resources = {
		devices: [{ allow: false, access: "rwm" }],
		memory: { limit: 64 << 20 },
		pids: { limit: 12 },
	};
	config.process.args = ["/bin/sleep", "1000"];
};
const states = () =>
	(existsSync(`${session}/runtime-ts`) ? readdirSync(`${session}/runtime-ts`) : []).filter(
		(name) => !name.startsWith("@"),
	);
const show = (unit: string, ...names: string[]) => userSystemd("show", "--property", names.join(","), unit);

t.test("a scope in user.slice of the user's systemd, with its limits, gone after delete", async (t) => {
	const container = withSystemd.container(limited);
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	const { pid } = container.state();
	const directory = cgroupOf(pid, "");
	t.match(directory, new RegExp(`${manager}/user.slice/runtime-ts-${container.id}.scope$`));
	const file = (name: string) => readFileSync(join(directory, name), "utf8").trim();
	t.equal(file("memory.max"), `${64 << 20}`);
	t.equal(file("pids.max"), "12");
	const shown = show(`runtime-ts-${container.id}.scope`, "MemoryMax", "TasksMax", "Delegate", "ActiveState").split(
		"\n",
	);
	for (const line of [`MemoryMax=${64 << 20}`, "TasksMax=12", "Delegate=yes", "ActiveState=active"])
		t.ok(shown.includes(line), line);
	t.equal(container.start().status, 0);
	const update = container.runtime.command(["update", "--pids-limit", "15", container.id]);
	t.equal(update.status, 0, update.stderr);
	t.equal(file("pids.max"), "15");
	t.match(show(`runtime-ts-${container.id}.scope`, "TasksMax"), "TasksMax=15");
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(directory));
	t.match(show(`runtime-ts-${container.id}.scope`, "LoadState"), "LoadState=not-found");
	t.same(states(), []);
});

t.test("podman's name of it", async (t) => {
	const container = withSystemd.container((config) => {
		config.linux.cgroupsPath = `user.slice:libpod:${space.token}`;
		config.process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	t.equal(container.run().stdout, `0::${manager}/user.slice/libpod-${space.token}.scope\n`);
});

t.test("from a user namespace, as podman calls", async (t) => {
	const inside = new Caller(space, uid, {
		through: [...through, "unshare", "--user", "--map-root-user"],
		options: ["--systemd-cgroup"],
	});
	const container = inside.container((config) => {
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
		config.process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	const result = container.run([], { env: { USER: "tester" } });
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, `0::${manager}/user.slice/runtime-ts-${container.id}.scope\n`);
});

t.test("without systemd, in a scope that was delegated to the user", async (t) => {
	const words = [...through, "systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes"];
	const container: Container = new Caller(space, uid, { through: words }).container((config) => {
		config.process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, new RegExp(`^0::${manager}/app.slice/run-.*\\.scope\n$`), "it stays in its caller's cgroup");
});

t.test("a limit of a controller that the user's systemd does not have is named", async (t) => {
	const container = withSystemd.container((config) => {
		config.linux.resources = { hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }] };
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.stderr, /hugetlb\.2MB\.max.*config.json#\/linux\/resources\/hugepageLimits\/0/);
	t.match(show(`runtime-ts-${container.id}.scope`, "LoadState"), "LoadState=not-found");
	t.same(states(), []);
});

nothingLeft(t, space);
