/** Which mounts of a container are the host's, by the two mount tables. */
import t from "tap";
import { externalMounts, isBelow, readMountTable } from "../../src/container/criu/mount-table.js";

const host = readMountTable(`23 1 254:0 / / rw,noatime shared:1 - ext4 /dev/vda rw
24 23 0:20 / /proc rw - proc proc rw
25 23 0:5 / /dev rw shared:8 - devtmpfs devtmpfs rw
26 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw
27 23 0:30 / /srv/shared\\040space rw - tmpfs tmpfs rw
`);

const container = readMountTable(`136 110 254:0 /b/rootfs / rw master:1 - ext4 /dev/vda rw
138 136 0:39 / /proc rw - proc proc rw
139 136 0:40 / /dev rw - tmpfs tmpfs rw
140 139 0:41 / /dev/pts rw - devpts devpts rw
143 136 0:43 / /sys ro - sysfs sysfs rw
144 143 0:26 /c1 /sys/fs/cgroup ro - cgroup2 cgroup rw
115 138 0:39 /sys /proc/sys ro - proc proc rw
116 138 0:5 /null /proc/kcore rw master:8 - devtmpfs devtmpfs rw
117 136 254:0 /b/rootfs/etc /etc ro master:1 - ext4 /dev/vda rw
118 136 254:0 /volumes/v1 /data rw master:1 - ext4 /dev/vda rw
119 136 254:0 /b/rootfs2 /other rw master:1 - ext4 /dev/vda rw
120 136 0:30 / /shared\\040space rw - tmpfs tmpfs rw
121 136 0:20 /sys/net /mnt/net ro - proc proc rw
122 136 0:5 /fuse /dev/fuse rw - devtmpfs devtmpfs rw
`);

const named = (own: boolean) => externalMounts(container, host, own).map(({ point, name }) => [point, name]);

t.test("the host's are external; the container's own, and parts of them, are not", async (t) => {
	const own = [
		["/proc/kcore", "/dev/null"],
		["/data", "/data"],
		["/other", "/other"],
		["/shared space", "/shared space"],
		["/mnt/net", "/mnt/net"],
		["/dev/fuse", "/dev/fuse"],
	];
	t.same(named(true), own);
	t.same(named(false), [["/sys/fs/cgroup", "/sys/fs/cgroup"], ...own], "a part of the host's cgroups is bound");
});

t.test("cgroups without a namespace: v1 is bound, all of v2 is a mount like the host's", async (t) => {
	const table = readMountTable(`1 0 254:0 /r / rw - ext4 /dev/vda rw
2 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw
3 1 0:27 / /cg/pids rw - cgroup cgroup rw,pids
`);
	t.same(
		externalMounts(table, host, false).map(({ point }) => point),
		["/cg/pids"],
	);
	t.same(externalMounts(table, host, true), []);
});

t.test("a path below another", async (t) => {
	t.ok(isBelow("/a/b", "/a") && isBelow("/a", "/a") && isBelow("/x", "/"));
	t.notOk(isBelow("/ab", "/a"));
});
