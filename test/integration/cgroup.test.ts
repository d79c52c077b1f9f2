import { existsSync, readFileSync, rmdirSync } from "node:fs";
import t from "tap";
import { hostMounts } from "../support/leaks.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const hierarchies = hostMounts()
	.filter(({ type }) => type === "cgroup")
	.map(({ point }) => point);
const v1 = hierarchies.length > 0 ? false : "this host has no cgroup v1 hierarchy";
const at = (controller: string) => `/sys/fs/cgroup/${controller}`;
const read = (path: string) => readFileSync(path, "utf8").trim();

t.test("a directory in each hierarchy, with the process in it, gone after delete", { skip: v1 }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	const directories = hierarchies.map((hierarchy) => `${hierarchy}/${container.id}`);
	for (const directory of directories) {
		t.ok(existsSync(directory), directory);
		t.same(read(`${directory}/cgroup.procs`).split("\n"), [`${pid}`], directory);
	}
	// Hierarchies that are mounted elsewhere only (in another mount namespace) have no place here.
	const lines = read(`/proc/${pid}/cgroup`).split("\n");
	t.equal(lines.filter((line) => line.endsWith(`:/${container.id}`)).length, hierarchies.length, lines.join(" "));
	t.equal(container.start().status, 0);
	t.equal(container.delete("--force").status, 0);
	for (const directory of directories) t.notOk(existsSync(directory), directory);
});

t.test("a path of several parts; another path of the same parent stays", { skip: v1 }, async (t) => {
	const [one, two] = ["one", "two"].map((name) =>
		space.container((config) => {
			config.linux.cgroupsPath = `/${space.token}-parent/${name}`;
			config.process.args = ["/bin/sleep", "1000"];
		}),
	);
	if (!one || !two) throw new Error("two containers");
	t.equal(one.create().status, 0);
	t.equal(two.create().status, 0);
	t.equal(one.delete("--force").status, 0);
	t.notOk(existsSync(`${at("pids")}/${space.token}-parent/one`));
	t.ok(existsSync(`${at("pids")}/${space.token}-parent/two`));
	t.equal(two.delete("--force").status, 0);
	for (const { point, type } of hostMounts()) {
		const parent = `${point}/${space.token}-parent`;
		// A parent that an engine may have made is nobody's to remove but the engine's.
		if (type.startsWith("cgroup") && existsSync(parent)) rmdirSync(parent);
	}
});

t.test("limits are in the files", { skip: v1 }, async (t) => {
	const container = space.container((config) => {
		config.linux.resources = {
			devices: [{ allow: false, access: "rwm" }],
			pids: { limit: 33 },
			memory: { limit: 64 << 20, reservation: 32 << 20 },
			cpu: { shares: 512, quota: 20000, period: 50000, cpus: "0", mems: "0" },
		};
	});
	t.equal(container.create().status, 0);
	const file = (controller: string, name: string) => read(`${at(controller)}/${container.id}/${name}`);
	t.equal(file("pids", "pids.max"), "33");
	t.equal(file("memory", "memory.limit_in_bytes"), `${64 << 20}`);
	t.equal(file("memory", "memory.soft_limit_in_bytes"), `${32 << 20}`);
	t.equal(file("cpu", "cpu.shares"), "512");
	t.equal(file("cpu", "cpu.cfs_quota_us"), "20000");
	t.equal(file("cpu", "cpu.cfs_period_us"), "50000");
	t.equal(file("cpuset", "cpuset.cpus"), "0");
	t.equal(file("cpuset", "cpuset.mems"), "0");
	t.equal(container.delete("--force").status, 0);
});

t.test(
	"unlimited values and unset ones",
	{ skip: v1 || unlessPeer({ crun: "1.8 writes -1 to pids.max" }) },
	async (t) => {
		const container = space.container((config) => {
			config.linux.resources = { devices: [], pids: { limit: -1 }, memory: { limit: -1 }, cpu: { quota: -1 } };
		});
		t.equal(container.create().status, 0);
		t.equal(read(`${at("pids")}/${container.id}/pids.max`), "max");
		t.equal(read(`${at("cpu")}/${container.id}/cpu.cfs_quota_us`), "-1");
		t.match(read(`${at("memory")}/${container.id}/memory.limit_in_bytes`), /^9223372036854771712$/);
		t.equal(container.delete("--force").status, 0);
	},
);

t.test("the pids limit holds", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.resources = { devices: [{ allow: false, access: "rwm" }], pids: { limit: 5 } };
		},
		// A shell that cannot fork ends: it has to be a shell of its own.
		{ forks: "sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1 | grep -c fork" },
	);
	t.match(seen.forks, /^[1-9]/);
});

t.test("the memory limit holds", async (t) => {
	const seen = space.inside(
		(config) => {
			config.linux.resources = {
				devices: [{ allow: false, access: "rwm" }],
				memory: { limit: 16 << 20, swap: 16 << 20 },
			};
		},
		{ small: "probe touch 4", large: "probe touch 64; echo $?" },
	);
	t.equal(seen.small, "ok 4");
	t.match(seen.large, /137$/);
});

t.test(
	"a container with a memory limit of 1 MiB starts",
	{ skip: unlessPeer({ runc: "its init needs more" }) },
	async (t) => {
		const container = space.container((config) => {
			config.linux.resources = { devices: [{ allow: false, access: "rwm" }], memory: { limit: 1 << 20 } };
			config.process.args = ["/bin/echo", "running"];
		});
		const result = container.run();
		t.equal(result.status, 0, result.stderr);
		t.equal(result.stdout, "running\n");
	},
);

t.test("the device list is written, and what a container must have is allowed", { skip: v1 }, async (t) => {
	const container = space.container();
	t.equal(container.create().status, 0);
	const list = read(`${at("devices")}/${container.id}/devices.list`).split("\n");
	t.notOk(list.includes("a *:* rwm"));
	for (const rule of [
		"c 1:3 rwm",
		"c 1:5 rwm",
		"c 1:7 rwm",
		"c 1:8 rwm",
		"c 1:9 rwm",
		"c 5:0 rwm",
		"c 5:2 rwm",
		"c 136:* rwm",
	]) {
		t.ok(list.includes(rule), rule);
	}
	t.equal(container.delete("--force").status, 0);
});

t.test(
	"a limit that the kernel refuses is an error that names it, and leaves nothing",
	{ skip: v1 || unlessPeer({ crun: "1.8 leaves the cgroups" }) },
	async (t) => {
		const container = space.container((config) => {
			config.linux.resources = { devices: [{ allow: false, access: "rwm" }], cpu: { cpus: "4000-4001" } };
		});
		const result = container.create();
		t.equal(result.status, 1);
		t.match(result.error, /cpuset\.cpus/);
		t.same(space.leaks(), []);
	},
);

nothingLeft(t, space);
