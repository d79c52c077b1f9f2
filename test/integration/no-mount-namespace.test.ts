import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { parseMountinfo } from "../support/mountinfo.js";
import { finished, oursOnly, Runtime, unlessPeer } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

const withoutNamespace: Edit = (config) => {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "mount");
	delete config.linux.maskedPaths;
	delete config.linux.readonlyPaths;
	config.root.readonly = false;
};

/** Nothing that has to be mounted. */
const withoutMounts: Edit = (config, bundle) => {
	withoutNamespace(config, bundle);
	config.mounts = [];
};

/** But for those of the test files that run beside this one. */
function hostMounts(): string[] {
	const all = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
	return all.filter((line) => !/\/tmp\/rtt| \/run\/netns/.test(line) || line.includes(space.token));
}

const ownMounts = () => parseMountinfo(hostMounts().join("\n")).filter(({ point }) => point.includes(space.token));

t.test(
	"a container without a mount namespace runs in its root, and no mount of the host is made or changed",
	{
		skip: unlessPeer({
			runc: "1.1 makes the rootfs a mount of the host, and fails",
			crun: "makes devices in the rootfs",
		}),
	},
	async (t) => {
		const container = space.container((config, bundle) => {
			withoutMounts(config, bundle);
			config.process.cwd = "/made/for/it";
			config.linux.sysctl = { "net.ipv4.ip_default_ttl": "99" };
			config.process.args = ["/bin/sh", "-c", "pwd; ls /; ls -A /dev /proc /sys; echo done"];
		});
		const before = hostMounts();
		const created = container.create();
		t.equal(created.status, 0, created.stderr);
		t.same(hostMounts(), before, "while it waits for start");
		t.equal(container.start().status, 0);
		await container.printed("done");
		t.equal(
			container.output,
			"/made/for/it\nbin\ndev\netc\nhome\nmade\nproc\nsys\ntmp\nusr\nvar\n/dev:\n\n/proc:\n\n/sys:\ndone\n",
		);
		await container.stopped();
		t.equal(container.delete().status, 0);
		t.same(hostMounts(), before, "after its end");
	},
);

t.test(
	"its mounts are the host's, below its state, until delete",
	{ skip: unlessPeer({ runc: "leaves its mounts behind", crun: "leaves its mounts behind" }) },
	async (t) => {
		mkdirSync(space.path("volume"));
		const container = space.container((config, bundle) => {
			withoutNamespace(config, bundle);
			config.root.readonly = true;
			config.mounts.push(
				{ destination: "/data", type: "bind", source: space.path("volume"), options: ["bind"] },
				{ destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=64k"] },
			);
			const script =
				"echo $$ >/data/pid; touch /x; stat -c %t,%T /dev/null; ls /dev/pts; readlink /proc/self/root; df -k /scratch | tail -1; cat; sleep 1000";
			config.process.args = ["/bin/sh", "-c", script];
		});
		const before = hostMounts();
		const created = container.create();
		t.equal(created.status, 0, created.stderr);
		const root = join(space.root, container.id, "mounts/rootfs");
		const points = ownMounts().map(({ point }) => point);
		t.ok(points.length > 5);
		for (const point of points) t.ok(point === join(root, "..") || point.startsWith(root), point);
		for (const name of ["proc", "dev", "dev/pts", "data", "scratch"]) t.ok(points.includes(join(root, name)), name);
		t.equal(container.start().status, 0);
		await container.printed("scratch");
		t.match(container.output, /^1,3\nptmx\n\/\n.*\b64\b.*\/scratch$/m);
		t.ok(existsSync(space.path("volume/pid")), "a bind can be written");
		t.notOk(existsSync(join(container.bundle.rootfs, "x")), "the root can't");
		t.same(readdirSync(join(container.bundle.rootfs, "dev")), [], "nor was it by the runtime");

		t.equal(container.kill("KILL").status, 0);
		await container.stopped();
		t.ok(ownMounts().length > 5, "they stay with the container");
		t.equal(container.delete().status, 0);
		t.same(hostMounts(), before);
		t.ok(existsSync(join(container.bundle.rootfs, "bin")), "the rootfs is as it was");
		t.ok(existsSync(space.path("volume/pid")), "so is the volume");
	},
);

t.test(
	"nothing of them is left by run, by delete --force, and by a create that fails",
	{ skip: oursOnly },
	async (t) => {
		const before = hostMounts();
		const run = space.container(withoutNamespace).run();
		t.equal(run.status, 0, run.stderr);
		t.same(hostMounts(), before, "run");

		const forced = space.container(withoutNamespace);
		t.equal(forced.create().status, 0);
		t.equal(forced.delete("--force").status, 0);
		t.same(hostMounts(), before, "delete --force");

		const failing = space.container((config, bundle) => {
			withoutNamespace(config, bundle);
			config.process.args = ["/missing"];
		});
		t.match(failing.create().error, /stat \/missing: no such file or directory/);
		t.same(hostMounts(), before, "a program that is not there");
		const bad = space.container((config, bundle) => {
			withoutNamespace(config, bundle);
			config.mounts.push({ destination: "/bad", type: "no-such-fs", source: "none" });
		});
		t.equal(bad.create().status, 1);
		t.same(hostMounts(), before, "a mount that fails behind others");
	},
);

t.test("nor by a create that is killed at any moment", { skip: oursOnly }, async (t) => {
	const before = hostMounts();
	let found = 0;
	for (let round = 0; round < 16; round++) {
		const container = space.container(withoutNamespace);
		const child = container.runtime.spawn(["create", "--bundle", container.bundle.path, container.id], {
			stdio: "ignore",
		});
		await delay(3 + round);
		child.kill("SIGKILL");
		await finished(child).catch(() => {});
		if (ownMounts().length > 0) found++;
		t.equal(container.delete("--force").status, 0);
		await eventually(() => space.leaks().length === 0, "everything is gone").catch(() => {});
		t.same(hostMounts(), before, `after ${3 + round} ms`);
	}
	t.ok(found > 0, "some of them were killed with mounts made");
});

t.test("under a shared mount nobody else sees them", { skip: oursOnly }, async (t) => {
	const shared = space.path("shared");
	mkdirSync(shared);
	const mount = (...args: string[]) => t.equal(spawnSync("mount", args).status, 0, args.join(" "));
	mount("-t", "tmpfs", "tmpfs", shared);
	mount("--make-shared", shared);
	t.teardown(() => spawnSync("umount", [shared]));
	const runtime = new Runtime(shared, space.path("io"));
	const container = space.container((config, bundle) => {
		withoutNamespace(config, bundle);
		config.process.args = ["/bin/sleep", "1000"];
	});
	// A container of another runtime, in short: it has what the host propagates.
	const neighbour = spawnSync("unshare", [
		...[
			"--mount",
			"--propagation",
			"slave",
			"/bin/sh",
			"-c",
			'"$@" </dev/null >/dev/null 2>&1; cat /proc/self/mountinfo',
			"sh",
		],
		...["nsenter", `--mount=/proc/${process.pid}/ns/mnt`, ...runtime.argv(["create"], [])],
		...["--bundle", container.bundle.path, container.id],
	]);
	const seen = parseMountinfo(neighbour.stdout.toString()).map(({ point }) => point);
	t.ok(seen.includes(shared));
	const own = ownMounts().map(({ point }) => point);
	t.ok(own.some((point) => point.startsWith(join(shared, container.id))));
	t.same(
		seen.filter((point) => point.startsWith(join(shared, container.id, "mounts/"))),
		[],
	);
	const deleted = runtime.command(["delete", "--force", container.id]);
	t.equal(deleted.status, 0, deleted.stderr);
	t.same(
		ownMounts().map(({ point }) => point),
		[shared],
	);
});

t.test("what takes a mount namespace is refused, each by its name", { skip: oursOnly }, async (t) => {
	const before = hostMounts();
	const table: [string, Edit][] = [
		[
			"/linux/maskedPaths",
			(config) => {
				config.linux.maskedPaths = ["/etc"];
			},
		],
		[
			"/linux/readonlyPaths",
			(config) => {
				config.linux.readonlyPaths = ["/etc"];
			},
		],
		[
			"/linux/rootfsPropagation",
			(config) => {
				config.linux.rootfsPropagation = "shared";
			},
		],
		[
			"/mounts",
			(config) => {
				config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" });
				config.linux.namespaces.push({ type: "user" });
				config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
				config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
			},
		],
	];
	for (const [pointer, edit] of table) {
		const result = space
			.container((config, bundle) => {
				withoutMounts(config, bundle);
				edit(config, bundle);
			})
			.run();
		t.equal(result.status, 1, pointer);
		t.match(result.error, pointer);
		t.match(result.error, /without a private MNT namespace/);
	}
	t.same(hostMounts(), before);
});

nothingLeft(t, space);
