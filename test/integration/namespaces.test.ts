import { readlinkSync } from "node:fs";
import t from "tap";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const links = { pid: "pid", network: "net", ipc: "ipc", uts: "uts", mount: "mnt", cgroup: "cgroup", user: "user" };
type Type = keyof typeof links;
const types = Object.keys(links) as Type[];
const questions = Object.fromEntries(types.map((type) => [type, `readlink /proc/self/ns/${links[type]}`])) as Record<
	Type,
	string
>;
const host = (type: Type) => readlinkSync(`/proc/self/ns/${links[type]}`);

t.test("each namespace that is listed is new, each other is the host's", async (t) => {
	for (const listed of [
		["mount"],
		["mount", "pid", "uts"],
		["mount", "pid", "network", "ipc", "uts", "cgroup"],
	] as Type[][]) {
		const seen = space.inside((config) => {
			config.linux.namespaces = listed.map((type) => ({ type }));
			if (!listed.includes("uts")) delete config.hostname;
			// Without a network namespace sysfs of the host's may not be mounted: runc binds instead, others fail.
			config.mounts = config.mounts.filter(({ type }) => type !== "sysfs" && type !== "cgroup");
		}, questions);
		for (const type of types) {
			t.match(seen[type], /^[a-z]+:\[\d+\]$/, type);
			if (listed.includes(type)) t.not(seen[type], host(type), `${type} is new`);
			else t.equal(seen[type], host(type), `${type} is the host's`);
		}
	}
});

t.test("the first process is pid 1 with no other in sight", async (t) => {
	const seen = space.inside(() => {}, { pid: "echo $$", all: "for p in /proc/[0-9]*; do echo $p; done" });
	t.equal(seen.pid, "1");
	t.equal(seen.all, "/proc/1");
});

t.test("loopback is up in a new network namespace", async (t) => {
	const seen = space.inside(() => {}, { flags: "ip -o addr show lo" });
	t.match(seen.flags, /inet 127\.0\.0\.1\/8/);
});

t.test("a namespace with a path is joined", async (t) => {
	const first = space.container((config) => {
		config.process.args = ["/bin/sleep", "100"];
		config.linux.namespaces.push({ type: "cgroup" });
	});
	t.equal(first.create().status, 0);
	const { pid } = first.state();
	const joined: Type[] = ["pid", "network", "ipc", "uts", "cgroup"];
	const seen = space.inside(
		(config) => {
			config.linux.namespaces = [
				{ type: "mount" },
				...joined.map((type) => ({ type, path: `/proc/${pid}/ns/${links[type]}` })),
			];
			delete config.hostname;
		},
		{ ...questions, hostname: "hostname" },
	);
	for (const type of joined) t.equal(seen[type], readlinkSync(`/proc/${pid}/ns/${links[type]}`), type);
	t.not(seen.mount, readlinkSync(`/proc/${pid}/ns/mnt`), "the mount namespace is its own");
	t.equal(seen.hostname, "box", "of the container that it joined");
	t.equal(first.delete("--force").status, 0);
});

t.test("two containers of a pod share a network but not a pid namespace", async (t) => {
	const pause = space.container((config) => {
		config.process.args = ["/bin/sleep", "100"];
	});
	t.equal(pause.create().status, 0);
	t.equal(pause.start().status, 0);
	const { pid } = pause.state();
	const seen = space.inside((config) => {
		config.linux.namespaces = [
			{ type: "mount" },
			{ type: "pid" },
			{ type: "uts" },
			{ type: "ipc" },
			{ type: "network", path: `/proc/${pid}/ns/net` },
		];
	}, questions);
	t.equal(seen.network, readlinkSync(`/proc/${pid}/ns/net`));
	t.not(seen.pid, readlinkSync(`/proc/${pid}/ns/pid`));
	t.equal(pause.delete("--force").status, 0);
});

t.test("a path to a namespace of another type is an error", async (t) => {
	const container = space.container((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "ipc");
		config.linux.namespaces.push({ type: "ipc", path: "/proc/self/ns/uts" });
	});
	t.equal(container.create().status, 1);
});

nothingLeft(t, space);
