import t from "tap";
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
