/** The unified hierarchy with every controller: what test/vm's guest has and many hosts have not. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import t from "tap";
import type { Config } from "../support/config.js";
import { hostMounts } from "../support/leaks.js";
import { mountOn } from "../support/mountinfo.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const root = hostMounts().find(({ type }) => type === "cgroup2")?.point ?? "";
const read = (path: string) => readFileSync(path, "utf8").trim();
const controllers = root === "" ? [] : read(`${root}/cgroup.controllers`).split(" ");
const lacking = ["cpu", "cpuset", "memory", "pids", "io"].filter((name) => !controllers.includes(name));
if (lacking.length > 0) {
	t.plan(0, `cgroup v2 of this host lacks controllers (${lacking.join(" ")}): run make test-vm`);
	process.exit(0);
}

const space = workspace(t);
const deny = { allow: false, access: "rwm" };
const sleeps = (config: Config) => {
	config.process.args = ["/bin/sleep", "1000"];
};
const withNamespace = (config: Config) => {
	config.linux.namespaces.push({ type: "cgroup" });
};
const writable = (config: Config) => {
	withNamespace(config);
	for (const mount of config.mounts)
		if (mount.type === "cgroup") mount.options = ["nosuid", "noexec", "nodev", "relatime"];
};

t.test("one directory, with the process in it, gone after delete", async (t) => {
	const container = space.container(sleeps);
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	const directory = `${root}/${container.id}`;
	t.equal(read(`${directory}/cgroup.procs`), `${pid}`);
	t.equal(read(`/proc/${pid}/cgroup`), `0::/${container.id}`);
	t.equal(read(`${directory}/cgroup.type`), "domain");
	t.equal(container.start().status, 0);
	t.equal(read(`${directory}/cgroup.procs`), `${pid}`);
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(directory));
});

t.test("the process is born in its cgroup: CLONE_INTO_CGROUP, and nobody is moved", { skip: oursOnly }, async (t) => {
	const trace = space.path("trace");
	const container = space.container();
	const result = container.run([], {
		shell: `exec strace -f -qq -e trace=clone3,openat,write -o ${trace} "$@";`,
	});
	t.equal(result.status, 0, result.stderr);
	const lines = read(trace).split("\n");
	t.ok(
		lines.some((line) => /clone3\(\{flags=.*CLONE_INTO_CGROUP/.test(line)),
		"clone3 with CLONE_INTO_CGROUP",
	);
	t.same(
		lines.filter((line) => /cgroup\.(procs|threads)/.test(line) && /O_WRONLY|O_RDWR/.test(line)),
		[],
		"no file is opened to move a process",
	);
});

t.test("limits are in the files", async (t) => {
	const huge = existsSync(`${root}/system.slice/hugetlb.2MB.max`) || controllers.includes("hugetlb");
	const container = space.container((config) => {
		config.linux.resources = {
			devices: [deny],
			pids: { limit: 33 },
			memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
			cpu: { shares: 512, quota: 20000, period: 50000, cpus: "0", mems: "0" },
			...(huge ? { hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }] } : {}),
			unified: { "memory.high": `${48 << 20}`, "memory.oom.group": "1", "io.weight": "default 42" },
		};
	});
	t.equal(container.create().status, 0);
	const file = (name: string) => read(`${root}/${container.id}/${name}`);
	t.equal(file("pids.max"), "33");
	t.equal(file("memory.max"), `${64 << 20}`);
	t.equal(file("memory.low"), `${32 << 20}`);
	t.equal(file("memory.swap.max"), `${32 << 20}`, "v1 counts memory and swap together, v2 swap alone");
	t.equal(file("memory.high"), `${48 << 20}`);
	t.equal(file("memory.oom.group"), "1");
	t.equal(file("cpu.max"), "20000 50000");
	t.equal(file("cpuset.cpus"), "0");
	t.equal(file("cpuset.cpus.effective"), "0");
	t.equal(file("cpuset.mems"), "0");
	t.match(file("io.weight"), /^default 42$/m);
	if (huge) t.equal(file("hugetlb.2MB.max"), `${4 << 20}`);
	t.equal(container.delete("--force").status, 0);
});

t.test(
	"shares become a weight by the curve that maps the default to the default",
	{ skip: unlessPeer({ runc: "1.1 has the straight line", crun: "1.8 has the straight line" }) },
	async (t) => {
		for (const [shares, weight] of [
			[2, 1],
			[1024, 100],
			[262144, 10000],
		] as const) {
			const container = space.container((config) => {
				config.linux.resources = { devices: [deny], cpu: { shares } };
			});
			t.equal(container.create().status, 0);
			t.equal(read(`${root}/${container.id}/cpu.weight`), `${weight}`);
			t.equal(container.delete("--force").status, 0);
		}
	},
);

t.test("io.max of a disk", async (t) => {
	const disk = readdirSync("/sys/block").find((name) => /^(vd|sd|nvme)/.test(name));
	if (disk === undefined) return t.pass("no disk to limit");
	const number = read(`/sys/block/${disk}/dev`);
	const [major, minor] = number.split(":").map(Number) as [number, number];
	const container = space.container((config) => {
		config.linux.resources = {
			devices: [deny],
			blockIO: {
				throttleReadBpsDevice: [{ major, minor, rate: 1 << 20 }],
				throttleWriteIOPSDevice: [{ major, minor, rate: 500 }],
			},
		};
	});
	t.equal(container.create().status, 0);
	t.equal(read(`${root}/${container.id}/io.max`), `${number} rbps=${1 << 20} wbps=max riops=max wiops=500`);
	return t.equal(container.delete("--force").status, 0);
});

t.test("unlimited values", async (t) => {
	const container = space.container((config) => {
		config.linux.resources = {
			devices: [deny],
			pids: { limit: -1 },
			memory: { limit: -1, swap: -1 },
			cpu: { quota: -1 },
		};
	});
	t.equal(container.create().status, 0);
	for (const name of ["pids.max", "memory.max", "memory.swap.max"])
		t.equal(read(`${root}/${container.id}/${name}`), "max", name);
	t.equal(read(`${root}/${container.id}/cpu.max`), "max 100000");
	t.equal(container.delete("--force").status, 0);
});

t.test("new parents pass every controller on", async (t) => {
	const container = space.container((config) => {
		config.linux.cgroupsPath = `/${space.token}-a/b/c`;
		config.linux.resources = { devices: [deny], pids: { limit: 9 }, memory: { limit: 32 << 20 } };
	});
	t.equal(container.create().status, 0);
	const parent = `${root}/${space.token}-a`;
	t.equal(read(`${parent}/b/c/pids.max`), "9");
	t.equal(read(`${parent}/b/c/memory.max`), `${32 << 20}`);
	t.same(read(`${parent}/b/cgroup.subtree_control`).split(" ").sort(), [...controllers].sort());
	t.equal(container.delete("--force").status, 0);
	// Parents that an engine may have made are the engine's to remove.
	t.same(
		readdirSync(`${parent}/b`, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
		[],
	);
	rmdirSync(`${parent}/b`);
	rmdirSync(parent);
});

t.test("a parent with processes of its own can't pass controllers on: the limit is named", async (t) => {
	const parent = `${root}/${space.token}-busy`;
	mkdirSync(parent);
	const container = space.container((config) => {
		config.linux.cgroupsPath = `/${space.token}-busy/c`;
		config.linux.resources = { devices: [deny], memory: { limit: 32 << 20 } };
	});
	const occupant = execFileSync("/bin/sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], { encoding: "utf8" });
	try {
		writeFileSync(`${parent}/cgroup.procs`, occupant);
		const result = container.create();
		t.equal(result.status, 1);
		t.match(result.error, /memory\.max|controller/);
		if (oursOnly === false) t.match(result.stderr, "/linux/resources/memory/limit");
		t.notOk(existsSync(`${parent}/c`), "nothing is left");
	} finally {
		process.kill(Number(occupant), "SIGKILL");
	}
	await eventually(() => read(`${parent}/cgroup.procs`) === "", "the occupant ends");
	rmdirSync(parent);
});

t.test("a limit that the kernel refuses is an error that names it, and leaves nothing", async (t) => {
	const container = space.container((config) => {
		config.linux.resources = { devices: [deny], cpu: { cpus: "4000-4001" } };
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /cpuset\.cpus/);
	t.notOk(existsSync(`${root}/${container.id}`));
	t.same(space.leaks(), []);
});

t.test(
	"what v2 has no word for is an error that names the value",
	{ skip: unlessPeer({ runc: "ignores some", crun: "ignores some" }) },
	async (t) => {
		const cases = [
			["/linux/resources/memory/swappiness", { memory: { swappiness: 60 } }],
			["/linux/resources/memory/disableOOMKiller", { memory: { disableOOMKiller: true } }],
			["/linux/resources/memory/swap", { memory: { swap: 1 << 30 } }],
			["/linux/resources/unified/memory.nonsense", { unified: { "memory.nonsense": "1" } }],
		] as const;
		for (const [pointer, resources] of cases) {
			const container = space.container((config) => {
				config.linux.resources = { devices: [deny], ...resources };
			});
			const result = container.create();
			t.equal(result.status, 1, pointer);
			t.match(result.stderr, pointer);
			t.notOk(existsSync(`${root}/${container.id}`), pointer);
		}
	},
);

t.test("a cgroup that holds somebody else's processes is refused, and stays", async (t) => {
	const directory = `${root}/${space.token}-taken`;
	mkdirSync(directory);
	const occupant = execFileSync("/bin/sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], { encoding: "utf8" });
	try {
		writeFileSync(`${directory}/cgroup.procs`, occupant);
		const container = space.container((config) => {
			config.linux.cgroupsPath = `/${space.token}-taken`;
		});
		const result = container.create();
		t.equal(result.status, 1);
		t.match(result.error, /not empty/);
		t.equal(read(`${directory}/cgroup.procs`), occupant.trim());
	} finally {
		process.kill(Number(occupant), "SIGKILL");
	}
	await eventually(() => read(`${directory}/cgroup.procs`) === "", "the occupant ends");
	rmdirSync(directory);
});

t.test("the cpu quota throttles", async (t) => {
	const seen = space.inside(
		(config) => {
			withNamespace(config);
			config.linux.resources = { devices: [deny], cpu: { quota: 10000, period: 100000 } };
		},
		{ loop: "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; grep nr_throttled /sys/fs/cgroup/cpu.stat" },
	);
	t.match(seen.loop, /^nr_throttled [1-9]/);
});

t.test("cpuset holds: one processor", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.resources = { devices: [deny], cpu: { cpus: "0" } };
		},
		{ allowed: "grep Cpus_allowed_list /proc/self/status", count: "nproc" },
	);
	t.match(seen.allowed, /^Cpus_allowed_list:\t0$/);
	t.equal(seen.count, "1");
});

t.test("a fork beyond pids.max is refused and counted", async (t) => {
	const seen = space.inside(
		(config) => {
			withNamespace(config);
			config.linux.resources = { devices: [deny], pids: { limit: 5 } };
		},
		{
			forks: "sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1 | grep -c fork",
			// The shell itself reads it: the children of the other one are still there, and nobody can fork.
			events: "read events </sys/fs/cgroup/pids.events; echo $events",
		},
	);
	t.match(seen.forks, /^[1-9]/);
	t.match(seen.events, /^max [1-9]/);
});

t.test("more memory than memory.max ends in an OOM kill, which the cgroup counts", async (t) => {
	const seen = space.inside(
		(config) => {
			withNamespace(config);
			config.linux.resources = { devices: [deny], memory: { limit: 16 << 20, swap: 16 << 20 } };
		},
		{
			small: "probe touch 4",
			large: "probe touch 64; echo $?",
			events: "grep '^oom_kill ' /sys/fs/cgroup/memory.events",
		},
	);
	t.equal(seen.small, "ok 4");
	t.match(seen.large, /137$/);
	t.equal(seen.events, "oom_kill 1");
});

t.test("devices: refused with EPERM where no rule allows, whoever asks and however the node came", async (t) => {
	const questions = {
		fuse: "probe mknod /tmp/fuse 10 229 && probe open-read /tmp/fuse",
		// loop-control needs no capability, unlike most of what is worth denying; opening it does nothing.
		loop: "probe mknod /tmp/loop 10 237 && probe open-read /tmp/loop",
		write: "probe open-write /tmp/loop",
		null: "probe open-write /dev/null",
		pty: "probe open-read /dev/ptmx",
	};
	const tmp = { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["dev"] };
	const seen = (devices: NonNullable<NonNullable<Config["linux"]["resources"]>["devices"]>) =>
		space.inside((config) => {
			config.mounts.push(tmp);
			config.linux.resources = { devices };
		}, questions);

	const none = seen([deny]);
	t.match(none.fuse, /EPERM$/);
	t.match(none.loop, /EPERM$/);
	t.match(none.write, /EPERM/);
	t.match(none.null, /^ok/);
	t.match(none.pty, /^ok/);

	const reading = seen([deny, { allow: true, type: "c", major: 10, minor: 237, access: "r" }]);
	t.match(reading.fuse, /EPERM$/);
	t.match(reading.loop, /ok \d+$/);
	t.match(reading.write, /EPERM/, "the rule is for reading only");

	const all = seen([{ allow: true, access: "rwm" }]);
	t.match(all.fuse, /ok \d+$/);
	t.match(all.loop, /ok \d+$/);

	const allBut = seen([
		{ allow: true, access: "rwm" },
		{ allow: false, type: "c", major: 10, minor: 237, access: "w" },
	]);
	t.match(allBut.loop, /ok \d+$/);
	t.match(allBut.write, /EPERM/);
});

t.test("with a cgroup namespace the container's cgroup is the root of all it sees", async (t) => {
	const questions = {
		table: "cat /proc/self/mountinfo",
		self: "cat /proc/self/cgroup",
		ls: "ls /sys/fs/cgroup",
		write: "mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo written",
	};
	const seen = space.inside(withNamespace, questions);
	t.equal(seen.self, "0::/");
	const mount = mountOn(seen.table, "/sys/fs/cgroup");
	t.equal(mount.type, "cgroup2");
	t.equal(mount.root, "/");
	t.ok(mount.options.includes("ro"));
	t.match(seen.ls, /^memory\.max$/m, "the hierarchy's root has no memory.max");
	t.match(seen.write, /Read-only/);
	t.equal(space.inside(writable, questions).write, "written");
});

t.test("without a cgroup namespace it sees its path", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x"];
	});
	const result = container.run();
	t.equal(result.stdout, `0::/${container.id}\n`);
	t.match(result.stderr, /Read-only/);
});

t.test(
	"the container's root owns its cgroup where it can manage it: the directory and what the kernel lists, no more",
	async (t) => {
		const owned = (edit: (config: Config) => void) => {
			const container = space.container((config) => {
				edit(config);
				config.process.args = ["/bin/sleep", "1000"];
			});
			const result = container.create();
			if (result.status !== 0) throw new Error(result.stderr);
			const directory = `${root}/${container.id}`;
			const owners = new Map(
				["", ...readdirSync(directory)].map((file) => [file, statSync(`${directory}/${file}`).uid]),
			);
			if (container.delete("--force").status !== 0) throw new Error("delete");
			return [...owners].filter(([, uid]) => uid !== 0).map(([file, uid]) => `${file} ${uid}`);
		};
		const mapped = (config: Config) => {
			writable(config);
			config.linux.namespaces.push({ type: "user" });
			const range = [{ containerID: 0, hostID: 100000, size: 65536 }];
			Object.assign(config.linux, { uidMappings: range, gidMappings: range });
		};
		const listed = read("/sys/kernel/cgroup/delegate").split("\n");
		const found = owned(mapped);
		t.same(
			found.filter((line) => !listed.includes(line.split(" ")[0] ?? "")),
			[" 100000"],
			"nothing else",
		);
		for (const file of ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"])
			t.ok(found.includes(`${file} 100000`), file);
		t.notOk(
			found.some((line) => line.startsWith("memory.max")),
			"its limits are not its own",
		);
		t.same(owned(withNamespace), [], "a mount that can't be written to");
		const user = owned((config) => {
			mapped(config);
			config.process.user = { uid: 1000, gid: 1000 };
		});
		t.ok(user.includes("cgroup.procs 101000"), "whoever the process runs as");
	},
);

t.test("the container's root makes cgroups below its own, and limits them", { skip: oursOnly }, async (t) => {
	const seen = space.inside(
		(config) => {
			writable(config);
			config.linux.namespaces.push({ type: "user" });
			const range = [{ containerID: 0, hostID: 100000, size: 65536 }];
			Object.assign(config.linux, { uidMappings: range, gidMappings: range });
			config.linux.resources = { devices: [deny], memory: { limit: 64 << 20 } };
		},
		{
			tree: "cd /sys/fs/cgroup && mkdir own below && echo $$ > own/cgroup.procs && echo +memory > cgroup.subtree_control && echo 8388608 > below/memory.max && cat below/memory.max",
			limit: "echo max > /sys/fs/cgroup/memory.max",
		},
	);
	t.equal(seen.tree, "8388608");
	t.match(seen.limit, /Permission denied/);
});

/** Makes cgroups below its own, moves children there, which fork on and on, and says so. */
const busy = [
	"mkdir /sys/fs/cgroup/one /sys/fs/cgroup/one/two",
	"for group in one one/two; do sh -c 'while :; do sleep 1 & usleep 20000; done' & echo $! > /sys/fs/cgroup/$group/cgroup.procs; done",
	"trap '' TERM; echo ready; wait; sleep 1000",
].join("\n");

t.test("delete --force takes cgroups and forking processes below the container's with it", async (t) => {
	const container = space.container((config) => {
		writable(config);
		config.process.args = ["/bin/sh", "-c", busy];
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("ready");
	const directory = `${root}/${container.id}`;
	t.not(read(`${directory}/one/two/cgroup.procs`), "", "somebody is there");
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(directory));
	t.same(space.leaks(), []);
});

t.test("the same without a pid namespace, where they survive their first process", async (t) => {
	const container = space.container((config) => {
		writable(config);
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		config.process.args = ["/bin/sh", "-c", busy];
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("ready");
	const directory = `${root}/${container.id}`;
	process.kill(container.state().pid, "SIGKILL");
	await container.stopped();
	t.not(read(`${directory}/one/two/cgroup.procs`), "", "they go on");
	t.equal(container.delete().status, 0);
	t.notOk(existsSync(directory));
	t.same(space.leaks(), []);
});

t.test("a frozen container is paused, and can be killed", async (t) => {
	const container = space.container(sleeps);
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const directory = `${root}/${container.id}`;
	writeFileSync(`${directory}/cgroup.freeze`, "1");
	await eventually(() => /^frozen 1$/m.test(read(`${directory}/cgroup.events`)), "the cgroup freezes");
	t.equal(container.state().status, "paused");
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(directory));
});

t.test("memory too small for the init itself: the error says so", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.linux.resources = { devices: [deny], memory: { limit: 4096 } };
	});
	const result = container.create();
	t.equal(result.status, 1);
	t.match(result.error, /OOM-killed|memory limit/);
	t.notOk(existsSync(`${root}/${container.id}`));
});

nothingLeft(t, space);
