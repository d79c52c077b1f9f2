/** The systemd cgroup driver: the container's cgroup is a transient unit of the host's systemd. */
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import t, { type Test } from "tap";
import type { Config } from "../support/config.js";
import { oursOnly, Runtime } from "../support/runtime.js";
import {
	cgroupOf,
	daemonReload,
	inUnit,
	noSystemd,
	properties,
	removeSlices,
	systemctl,
	unified,
	units,
} from "../support/systemd.js";
import { Container, eventually, nothingLeft, workspace } from "../support/workspace.js";

if (oursOnly || noSystemd) {
	t.plan(0, oursOnly || noSystemd || "");
	process.exit(0);
}

const space = workspace(t);
// A dash would be a slice inside another.
const slice = `${space.token}.slice`;
t.teardown(() => systemctl("stop", slice));

/** What the default configuration makes of it. */
const idOf = ({ linux }: Config) => linux.cgroupsPath.replace(/^.*[:/]/, "");

/** In the test's slice, sleeping. */
function sleeper(edit: (config: Config) => void = () => {}): Container {
	return inUnit(space, (config) => {
		config.linux.cgroupsPath = `${slice}:pre:${idOf(config)}`;
		config.process.args = ["/bin/sleep", "1000"];
		edit(config);
	});
}

const scopeOf = ({ id }: Container) => `pre-${id}.scope`;
const file = (pid: number, controller: string, name: string) =>
	readFileSync(join(cgroupOf(pid, controller), name), "utf8").trim();

function gone(t: Test, container: Container, directories: string[] = []): void {
	t.match(properties(scopeOf(container), "LoadState", "ActiveState"), {
		LoadState: "not-found",
		ActiveState: "inactive",
	});
	for (const directory of directories) t.notOk(existsSync(directory), directory);
}

t.test("a scope with the limits as properties and in the files, gone after delete", async (t) => {
	const container = sleeper((config) => {
		config.linux.resources = {
			devices: [{ allow: false, access: "rwm" }],
			memory: { limit: 64 << 20, reservation: 32 << 20 },
			cpu: { shares: 512, quota: 12345, period: 50000 },
			pids: { limit: 33 },
		};
	});
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	const { pid } = container.state();
	const scope = scopeOf(container);
	t.match(properties(scope, "LoadState", "ActiveState", "Slice", "Description", "Delegate", "DefaultDependencies"), {
		LoadState: "loaded",
		ActiveState: "active",
		Slice: slice,
		Description: `runtime-ts container ${container.id}`,
		Delegate: "yes",
		DefaultDependencies: "no",
	});
	const common = { TasksMax: "33", CPUQuotaPerSecUSec: "250ms", CPUQuotaPeriodUSec: "50ms", DevicePolicy: "strict" };
	const controllers = ["memory", "cpu", "pids"];
	const directories = controllers.map((controller) => cgroupOf(pid, controller));
	for (const directory of directories) t.match(directory, new RegExp(`/${slice}/${scope}$`));
	if (unified) {
		t.match(properties(scope, "MemoryMax", "MemoryLow", "CPUWeight", "MemoryAccounting", "IOAccounting"), {
			MemoryMax: `${64 << 20}`,
			MemoryLow: `${32 << 20}`,
			CPUWeight: "59",
			MemoryAccounting: "yes",
			IOAccounting: "yes",
		});
		t.equal(file(pid, "memory", "memory.max"), `${64 << 20}`);
		t.equal(file(pid, "memory", "memory.low"), `${32 << 20}`);
		t.equal(file(pid, "cpu", "cpu.max"), "12345 50000", "what systemd rounds is exact");
		t.equal(file(pid, "cpu", "cpu.weight"), "59");
	} else {
		t.match(properties(scope, "MemoryLimit", "CPUShares"), { MemoryLimit: `${64 << 20}`, CPUShares: "512" });
		t.equal(file(pid, "memory", "memory.limit_in_bytes"), `${64 << 20}`);
		t.equal(file(pid, "memory", "memory.soft_limit_in_bytes"), `${32 << 20}`);
		t.equal(file(pid, "cpu", "cpu.cfs_quota_us"), "12345");
		t.equal(file(pid, "cpu", "cpu.shares"), "512");
		// Hierarchies that systemd leaves alone.
		for (const controller of ["cpuset", "freezer"]) {
			t.match(cgroupOf(pid, controller), new RegExp(`/${slice}/${scope}$`));
			directories.push(cgroupOf(pid, controller));
		}
	}
	t.match(properties(scope, ...(Object.keys(common) as (keyof typeof common)[])), common);
	t.equal(file(pid, "pids", "pids.max"), "33");
	t.equal(file(pid, "pids", "cgroup.procs"), `${pid}`);

	t.equal(container.start().status, 0);
	t.equal(container.state().status, "running");
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	const removed = container.delete();
	t.match(removed, { status: 0, stderr: "" });
	gone(t, container, directories);
});

t.test("in a cgroup namespace of its own the container is at the root of the scope", async (t) => {
	const container = inUnit(space, (config) => {
		config.linux.cgroupsPath = `${slice}:pre:${idOf(config)}`;
		config.linux.namespaces.push({ type: "cgroup" });
		config.process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	for (const line of result.stdout.trim().split("\n")) t.match(line, /:\/$/);
	gone(t, container);
});

t.test("without a cgroupsPath: a scope with the container's name in system.slice", async (t) => {
	const container = sleeper((config) => {
		delete (config.linux as { cgroupsPath?: string }).cgroupsPath;
	});
	t.equal(container.create().status, 0);
	t.match(cgroupOf(container.state().pid, "pids"), new RegExp(`/system.slice/runtime-ts-${container.id}.scope$`));
	t.equal(container.delete("--force").status, 0);
	t.equal(properties(`runtime-ts-${container.id}.scope`, "LoadState").LoadState, "not-found");
});

t.test("a slice with dashes is a slice in slices", async (t) => {
	const inner = `${space.token}-inner.slice`;
	const container = sleeper((config) => {
		config.linux.cgroupsPath = `${inner}::${idOf(config)}`;
	});
	t.equal(container.create().status, 0);
	t.match(cgroupOf(container.state().pid, "pids"), new RegExp(`/${slice}/${inner}/${container.id}.scope$`));
	t.equal(container.delete("--force").status, 0);
	systemctl("stop", inner);
});

t.test("a name that is a slice makes a slice, with the process in it", async (t) => {
	const unit = `${space.token}-pod.slice`;
	const container = sleeper((config) => {
		config.linux.cgroupsPath = `${slice}:ignored:${unit}`;
		config.linux.resources = { pids: { limit: 21 } };
	});
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	const { pid } = container.state();
	const directory = cgroupOf(pid, "pids");
	t.match(directory, new RegExp(`/${slice}/${unit}$`));
	t.equal(file(pid, "pids", "pids.max"), "21");
	t.match(properties(unit, "ActiveState", "TasksMax"), { ActiveState: "active", TasksMax: "21" });
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(directory));
	t.match(properties(unit, "ActiveState").ActiveState, "inactive");
});

t.test("devices stay as they are when systemd sets its units anew", async (t) => {
	const kmsg = { major: 1, minor: 11 };
	const fuse = { major: 10, minor: 229 };
	const container = inUnit(space, (config) => {
		config.linux.cgroupsPath = `${slice}:pre:${idOf(config)}`;
		config.linux.devices = [
			{ type: "c", path: "/dev/forbidden", ...kmsg, fileMode: 0o666 },
			{ type: "c", path: "/dev/allowed", ...fuse, fileMode: 0o666 },
		];
		config.linux.resources = {
			devices: [
				{ allow: false, access: "rwm" },
				{ allow: true, type: "c", ...fuse, access: "rw" },
			],
		};
		config.root.readonly = false;
		const look = 'for d in forbidden allowed null; do (: </dev/$d) 2>&1 && echo "$d opens"; done; echo looked';
		config.process.args = ["/bin/sh", "-c", `${look}; until [ -e /go ]; do usleep 50000; done; ${look}; sleep 1000`];
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("looked\n");
	const before = container.output;
	t.match(before, /forbidden: Operation not permitted\n(allowed opens|.*allowed.*No such (device|file).*)\nnull opens/);
	daemonReload();
	systemctl("set-property", "--runtime", scopeOf(container), "TasksMax=77");
	t.equal(file(container.state().pid, "pids", "pids.max"), "77", "systemd has written to the cgroup");
	writeFileSync(join(container.bundle.rootfs, "go"), "");
	await eventually(() => container.output.length >= 2 * before.length, "the container looks again");
	t.equal(container.output, before + before);
	t.match(properties(scopeOf(container), "DeviceAllow").DeviceAllow, "/dev/char/10:229 rw");
	t.equal(container.delete("--force").status, 0);
	gone(t, container);
});

t.test("annotations are properties of the unit", async (t) => {
	const container = sleeper((config) => {
		config.annotations = {
			"org.systemd.property.TimeoutStopSec": "7",
			"org.systemd.property.CollectMode": "'inactive-or-failed'",
			"org.systemd.property.After": "['basic.target', 'local-fs.target']",
			"org.systemd.property.CPUWeight": "uint64 77",
		};
	});
	t.equal(container.create().status, 0);
	const { After, ...others } = properties(scopeOf(container), "TimeoutStopUSec", "CollectMode", "After", "CPUWeight");
	t.match(others, { TimeoutStopUSec: "7s", CollectMode: "inactive-or-failed", CPUWeight: "77" });
	t.match(After, /basic\.target/);
	t.equal(container.delete("--force").status, 0);
});

t.test("what systemd or the notation does not take is refused, with the value, and nothing is left", async (t) => {
	const cases: [string, string, RegExp][] = [
		["Nonsense", "true", /Cannot set property Nonsense, or unknown property/],
		["TimeoutStopUSec", "'text'", /Unexpected message contents/],
		["CollectMode", "bare", /"bare" is not GVariant text: unknown word "bare" \(a text needs quotes\)/],
		["Slice", "'user.slice'", /systemd has put the process elsewhere than into .*pre-/],
	];
	for (const [name, value, message] of cases) {
		const container = sleeper((config) => {
			config.annotations = { [`org.systemd.property.${name}`]: value };
		});
		const result = container.create();
		t.equal(result.status, 1, name);
		t.match(result.error, message, name);
		if (name !== "Slice") t.match(result.log.at(-1)?.pointer, `/annotations/org.systemd.property.${name}`);
		gone(t, container);
	}
	t.same(
		units(space.token).filter((line) => line.includes(".scope")),
		[],
	);
	t.same(
		space.leaks().filter((leak) => !leak.endsWith(".slice")),
		[],
	);
});

t.test("a path instead of slice:prefix:name is refused", async (t) => {
	const result = sleeper((config) => {
		config.linux.cgroupsPath = "/a/b";
	}).create();
	t.equal(result.status, 1);
	t.match(
		result.error,
		/expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a\/b" instead/,
	);
});

t.test("a unit belongs to one container", async (t) => {
	const first = sleeper();
	t.equal(first.create().status, 0);
	const second = sleeper((config) => {
		config.linux.cgroupsPath = `${slice}:pre:${first.id}`;
	});
	const result = second.create();
	t.equal(result.status, 1);
	t.match(result.error, /container's cgroup is not empty|already (exists|loaded)/);
	t.equal(first.state().status, "created", "the other one is as it was");
	t.equal(properties(scopeOf(first), "ActiveState").ActiveState, "active");
	t.equal(first.delete("--force").status, 0);
});

t.test("a unit that has failed is none that is in the way, and delete makes systemd forget it", async (t) => {
	const eats = (config: Config) => {
		config.linux.resources = { memory: { limit: 6 << 20, ...(unified ? {} : { swap: 6 << 20 }) } };
		config.process.args = ["/bin/sh", "-c", "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo survived"];
	};
	const container = sleeper(eats);
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.stopped();
	t.notMatch(container.output, "survived");
	t.equal(container.delete().status, 0);
	t.same(units(container.id), []);
	// The same name again.
	t.equal(container.create().status, 0);
	t.equal(container.delete("--force").status, 0);
	t.same(units(container.id), []);
});

t.test("delete ends all that is in the scope", async (t) => {
	const container = sleeper((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		config.process.args = ["/bin/sh", "-c", "for i in 1 2 3; do sleep 1000 & done; echo spawned; exec sleep 1000"];
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("spawned");
	const directory = cgroupOf(container.state().pid, "pids");
	const begin = Date.now();
	t.equal(container.delete("--force").status, 0);
	t.ok(Date.now() - begin < 10_000, "without waiting for systemd's patience, 90 seconds");
	gone(t, container, [directory]);
});

t.test("what fails after the unit was made takes it away", async (t) => {
	const container = sleeper((config) => {
		config.process.args = ["/bin/missing"];
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /executable file|no such file/);
	gone(t, container);
});

t.test("explain shows the unit and touches nothing", async (t) => {
	const container = sleeper();
	const result = container.runtime.command(["explain", "--bundle", container.bundle.path, container.id]);
	t.equal(result.status, 0, result.stderr);
	t.match(result.stdout, `start systemd unit pre-${container.id}.scope with the init in it:`);
	t.match(result.stdout, `make cgroup /sys/fs/cgroup/`);
	gone(t, container);
});

t.test("--cgroup-manager says the same, and has the last word", async (t) => {
	const container = space.container((config) => {
		config.linux.cgroupsPath = `${slice}:pre:${idOf(config)}`;
		config.process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	const { runtime, bundle, id } = container;
	const run = (...globals: string[]) => runtime.command(["run", "--bundle", bundle.path, id], { globals });
	t.match(run("--cgroup-manager", "systemd").stdout, `/${slice}/pre-${id}.scope`);
	t.notMatch(run("--systemd-cgroup", "--cgroup-manager=disabled").stdout, id);
});

t.test("update tells systemd, which would write its old limits otherwise", async (t) => {
	const container = sleeper((config) => {
		config.linux.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } };
	});
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	const update = (...args: string[]) => container.runtime.command(["update", ...args, container.id]);
	const result = update("--memory", "96M", "--pids-limit", "44", "--cpu-quota", "12345", "--cpu-period", "50000");
	t.equal(result.status, 0, result.stderr);
	const memory = unified ? "MemoryMax" : "MemoryLimit";
	const memoryFile = unified ? "memory.max" : "memory.limit_in_bytes";
	const quota = () => (unified ? file(pid, "cpu", "cpu.max") : `${file(pid, "cpu", "cpu.cfs_quota_us")} 50000`);
	const expected = { [memory]: `${96 << 20}`, TasksMax: "44", CPUQuotaPerSecUSec: "250ms" };
	t.match(properties(scopeOf(container), memory, "TasksMax", "CPUQuotaPerSecUSec"), expected);
	t.equal(quota(), "12345 50000", "what systemd rounds is exact");
	daemonReload();
	t.equal(file(pid, "memory", memoryFile), `${96 << 20}`);
	t.equal(file(pid, "pids", "pids.max"), "44");
	// One that the kernel refuses changes nothing.
	const refused = update("--memory", "128M", "--cpuset-cpus", "4000");
	t.equal(refused.status, 1);
	t.match(refused.error, /--cpuset-cpus/);
	t.match(properties(scopeOf(container), memory), { [memory]: `${96 << 20}` });
	t.equal(file(pid, "memory", memoryFile), `${96 << 20}`);
	t.equal(container.delete("--force").status, 0);
	gone(t, container);
});

t.test("update of devices: systemd's own list, and the kernel's", async (t) => {
	const fuse = { type: "c", major: 10, minor: 229 };
	const container = sleeper((config) => {
		config.linux.devices = [{ ...fuse, path: "/dev/node", fileMode: 0o666 }];
		config.root.readonly = false;
		const look = "(: < /dev/node) 2>&1; echo looked";
		config.process.args = ["/bin/sh", "-c", `${look}; until [ -e /go ]; do usleep 50000; done; ${look}; sleep 1000`];
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("looked\n");
	t.match(container.output, /Operation not permitted/);
	const devices = [
		{ allow: false, access: "rwm" },
		{ allow: true, ...fuse, access: "rw" },
	];
	const result = container.runtime.command(["update", "-r", "-", container.id], { input: JSON.stringify({ devices }) });
	t.equal(result.status, 0, result.stderr);
	t.match(properties(scopeOf(container), "DeviceAllow").DeviceAllow, "/dev/char/10:229 rw");
	const before = container.output.length;
	writeFileSync(join(container.bundle.rootfs, "go"), "");
	await eventually(() => container.output.slice(before).includes("looked"), "the container looks again");
	t.notMatch(container.output.slice(before), /not permitted/);
	t.equal(container.delete("--force").status, 0);
});

t.test("the other commands find the container in its scope", async (t) => {
	const container = sleeper();
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const { pid } = container.state();
	const command = (...args: string[]) => container.runtime.command(args);
	t.equal(command("pause", container.id).status, 0);
	t.equal(container.state().status, "paused");
	t.equal(command("resume", container.id).status, 0);
	t.equal(container.state().status, "running");
	t.same(JSON.parse(command("ps", "--format", "json", container.id).stdout), [pid]);
	const exec = command("exec", container.id, "/bin/cat", "/proc/self/cgroup");
	t.equal(exec.status, 0, exec.stderr);
	t.match(exec.stdout, `/${slice}/${scopeOf(container)}`);
	const events = command("events", "--stats", container.id);
	t.equal(JSON.parse(events.stdout).data.pids.current, 1);
	t.equal(command("kill", "--all", container.id, "KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	gone(t, container);
});

t.test("without systemd's own socket there is the message bus", async (t) => {
	const { id, bundle } = sleeper();
	const scratch = space.path(`io-bus-${id}`);
	mkdirSync(scratch);
	const hide = 'mount --bind /dev/null /run/systemd/private; exec "$@"';
	const caller = ["unshare", "--mount", "sh", "-c", hide, "sh"];
	const program = [...space.runtime.program, "--systemd-cgroup"];
	const container = new Container(id, bundle, new Runtime(space.root, scratch, caller, program));
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	t.equal(properties(scopeOf(container), "ActiveState").ActiveState, "active");
	t.match(container.delete("--force"), { status: 0, stderr: "" });
	gone(t, container);
});

t.test("a create that is killed leaves nothing that delete does not remove", async (t) => {
	let made = 0;
	for (const delay of [150, 250, 350, 450, 600]) {
		const container = sleeper();
		const child = container.runtime.spawn(["create", "--bundle", container.bundle.path, container.id], {
			stdio: "ignore",
		});
		await setTimeout(delay);
		child.kill("SIGKILL");
		if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
		if (units(scopeOf(container)).length > 0) made++;
		t.equal(container.delete("--force").status, 0, `killed after ${delay} ms`);
		await eventually(() => units(scopeOf(container)).length === 0, "systemd has noticed");
		gone(t, container);
	}
	t.comment(`${made} of 5 had a unit when they were killed`);
});

t.test("the slices are systemd's to remove", async (t) => {
	t.same(removeSlices(space), []);
});

nothingLeft(t, space);
