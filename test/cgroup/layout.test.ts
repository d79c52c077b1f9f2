import t from "tap";
import { compileCgroup } from "../../src/cgroup/compile.js";
import { readLayout } from "../../src/cgroup/layout.js";

const line = (path: string, type: string, options: string, root = "/") =>
	`32 31 0:29 ${root} ${path} rw,nosuid shared:9 - ${type} cgroup ${options}`;

t.test("v1, with controllers on one hierarchy and named ones", async (t) => {
	const text = [
		"22 27 0:21 / /proc rw,relatime - proc proc rw",
		line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
		line("/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
		line("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,release_agent=/lib/agent,name=systemd"),
		line("/elsewhere", "cgroup", "rw,memory", "/a"),
		"",
	].join("\n");
	t.strictSame(readLayout(text), {
		mode: "v1",
		v1: [
			{ controllers: ["cpu", "cpuacct"], path: "/sys/fs/cgroup/cpu,cpuacct", root: "/" },
			{ controllers: ["memory"], path: "/sys/fs/cgroup/memory", root: "/" },
			{ controllers: ["name=systemd"], path: "/sys/fs/cgroup/systemd", root: "/" },
		],
	});
});

t.test("a container's mounts that come first in the table", async (t) => {
	const text = [
		line("/tmp/rootfs/sys/fs/cgroup/memory", "cgroup", "ro,memory", "/../other"),
		line("/tmp/rootfs/sys/fs/cgroup/unified", "cgroup2", "ro", "/../other"),
		line("/sys/fs/cgroup/pids", "cgroup", "rw,pids"),
		line("/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
		line("/sys/fs/cgroup/unified", "cgroup2", "rw"),
	].join("\n");
	t.strictSame(readLayout(text), {
		mode: "hybrid",
		v1: [
			{ controllers: ["memory"], path: "/sys/fs/cgroup/memory", root: "/" },
			{ controllers: ["pids"], path: "/sys/fs/cgroup/pids", root: "/" },
		],
		unified: "/sys/fs/cgroup/unified",
	});
});

t.test("v2", async (t) => {
	t.strictSame(readLayout(line("/sys/fs/cgroup", "cgroup2", "rw,nsdelegate")), {
		mode: "v2",
		v1: [],
		unified: "/sys/fs/cgroup",
	});
});

t.test("hybrid", async (t) => {
	const text = `${line("/sys/fs/cgroup/pids", "cgroup", "rw,pids")}\n${line("/sys/fs/cgroup/unified", "cgroup2", "rw")}`;
	t.match(readLayout(text), { mode: "hybrid", unified: "/sys/fs/cgroup/unified", v1: [{ controllers: ["pids"] }] });
	const named = `${line("/sys/fs/cgroup", "cgroup2", "rw")}\n${line("/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd")}`;
	t.equal(readLayout(named).mode, "v2", "a named hierarchy controls nothing");
});

t.test("none", async (t) => {
	t.strictSame(readLayout("22 27 0:21 / /proc rw,relatime - proc proc rw\n"), { mode: "none", v1: [] });
});

t.test("a path with a space, optional fields or none, roots", async (t) => {
	t.match(readLayout("1 2 0:3 /docker/a /a\\040b rw - cgroup none rw,pids").v1, [
		{ path: "/a b", root: "/docker/a", controllers: ["pids"] },
	]);
	t.match(readLayout("1 2 0:3 / /x rw shared:1 master:2 - cgroup cgroup rw,pids").v1, [{ path: "/x" }]);
	t.equal(readLayout("1 2 0:3 / /tmp/\\040-\\040cgroup rw - tmpfs tmpfs rw").mode, "none");
});

/** Mount tables as they are, of hosts and containers; what is between the first columns and the type is the same everywhere. */
const samples: Record<string, [table: string, mode: string, hierarchies: string[]]> = {
	"Debian 12": [
		"32 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:5 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
		"v2",
		[],
	],
	"Debian 12, systemd.unified_cgroup_hierarchy=0": [
		[
			"32 25 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:5 - tmpfs tmpfs ro,size=4096k,nr_inodes=1024,mode=755",
			"33 32 0:27 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:6 - cgroup2 cgroup2 rw,nsdelegate",
			"34 32 0:28 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:7 - cgroup cgroup rw,xattr,name=systemd",
			"38 32 0:32 / /sys/fs/cgroup/freezer rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,freezer",
			"41 32 0:35 / /sys/fs/cgroup/cpuset rw,nosuid,nodev,noexec,relatime shared:19 - cgroup cgroup rw,cpuset",
			"44 32 0:38 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec,relatime shared:22 - cgroup cgroup rw,net_cls,net_prio",
			"45 32 0:39 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:23 - cgroup cgroup rw,cpu,cpuacct",
			"48 32 0:42 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:26 - cgroup cgroup rw,memory",
		].join("\n"),
		"hybrid",
		["name=systemd", "freezer", "cpuset", "net_cls,net_prio", "cpu,cpuacct", "memory"],
	],
	"Alpine with OpenRC, legacy": [
		[
			"24 19 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs cgroup_root rw,size=10240k,mode=755",
			"25 24 0:23 / /sys/fs/cgroup/openrc rw,nosuid,nodev,noexec,relatime - cgroup openrc rw,release_agent=/lib/rc/sh/cgroup-release-agent.sh,name=openrc",
			"26 24 0:24 / /sys/fs/cgroup/cpu rw,nosuid,nodev,noexec,relatime - cgroup cpu rw,cpu",
			"27 24 0:25 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime - cgroup pids rw,pids",
		].join("\n"),
		"v1",
		["name=openrc", "cpu", "pids"],
	],
	"a container of Docker's on v1": [
		[
			"860 858 0:85 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755",
			"861 860 0:28 /docker/0a1b /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime master:7 - cgroup cgroup rw,xattr,name=systemd",
			"862 860 0:39 /docker/0a1b /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec,relatime master:23 - cgroup cgroup rw,cpu,cpuacct",
		].join("\n"),
		"v1",
		["name=systemd", "cpu,cpuacct"],
	],
	"everything in one hierarchy": [
		"26 24 0:24 / /cgroup rw,relatime - cgroup none rw,cpuset,cpu,cpuacct,blkio,memory,devices,freezer,pids,clone_children",
		"v1",
		["cpuset,cpu,cpuacct,blkio,memory,devices,freezer,pids"],
	],
};

for (const [name, [table, mode, hierarchies]] of Object.entries(samples)) {
	t.test(`${name}: ${mode}`, async (t) => {
		const layout = readLayout(`22 27 0:21 / /proc rw,relatime - proc proc rw\n${table}\n`);
		t.equal(layout.mode, mode);
		t.strictSame(
			layout.v1.map(({ controllers }) => controllers.join(",")),
			hierarchies,
		);
	});
}

t.test("with everything in one hierarchy a container has one directory, which all limits are in", async (t) => {
	const layout = readLayout(samples["everything in one hierarchy"]?.[0] ?? "");
	const spec = {
		ociVersion: "1.3.0",
		root: { path: "r" },
		process: { args: ["x"], cwd: "/" },
		linux: { cgroupsPath: "/p", resources: { pids: { limit: 5 }, cpu: { shares: 7 }, memory: { limit: 9 } } },
	};
	const { cgroups, host } = compileCgroup({ id: "c", spec, layout, privileged: true });
	t.equal(cgroups.length, 1);
	t.equal(host.filter(({ op }) => op === "cgroup.create").length, 1);
	const paths = host.flatMap((step) => (step.op === "cgroup.write" ? [step.path] : []));
	for (const file of ["pids.max", "cpu.shares", "memory.limit_in_bytes", "devices.deny"])
		t.ok(paths.includes(`/cgroup/p/${file}`), file);
});
