import { readFileSync } from "node:fs";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { oursOnly, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

/** All that a container can have in the host's mount namespace. */
const withoutMounts: Edit = (config) => {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "mount");
	config.mounts = [];
	delete config.linux.maskedPaths;
	delete config.linux.readonlyPaths;
	config.root.readonly = false;
};

/** But for those of the test files that run beside this one. */
function hostMounts(): string[] {
	const all = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
	return all.filter((line) => !/\/tmp\/rtt| \/run\/netns/.test(line) || line.includes(space.token));
}

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

t.test("what takes a mount namespace is refused, each by its name", { skip: oursOnly }, async (t) => {
	const before = hostMounts();
	const table: [string, Edit][] = [
		["/mounts", (config) => config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" })],
		[
			"/root/readonly",
			(config) => {
				config.root.readonly = true;
			},
		],
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
			"/linux/devices",
			(config) => {
				config.linux.devices = [{ type: "c", path: "/dev/x", major: 1, minor: 3 }];
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
