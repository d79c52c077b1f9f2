/** User namespaces that exist, beside namespaces that belong to them, and to others. */
import { chownSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import { Caller } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { Holder } from "../support/holder.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const base = 300_000;

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

const holders: Holder[] = [];
const release = (): void => {
	for (const holder of holders.splice(0)) holder.release();
};
t.teardown(release);

/** A process in new namespaces, for as long as the tests run; the directory of its namespaces. */
async function hold(flags: string[], map: string | undefined, words: string[] = []): Promise<string> {
	const holder = await Holder.start(flags, { ...(map === undefined ? {} : { map }), words });
	holders.push(holder);
	return holder.directory;
}

function give(bundle: Bundle, uid: number): void {
	chownSync(bundle.rootfs, uid, uid);
	for (const name of readdirSync(bundle.rootfs)) chownSync(join(bundle.rootfs, name), uid, uid);
}

/** Names in /proc/PID/ns of the types whose names differ. */
const files: Record<string, string> = { network: "net", mount: "mnt" };

function joining(paths: Record<string, string>) {
	return (config: Config, bundle: Bundle): void => {
		give(bundle, base);
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !(type in paths));
		for (const [type, path] of Object.entries(paths)) config.linux.namespaces.push({ type, path });
	};
}

const link = (type: string): string => `readlink /proc/self/ns/${files[type] ?? type}`;

t.test("a user namespace, and others that belong to it", async (t) => {
	const ns = await hold(["--user", "--net", "--ipc", "--uts"], `0 ${base} 1000`);
	const paths = { user: `${ns}/user`, network: `${ns}/net`, ipc: `${ns}/ipc`, uts: `${ns}/uts` };
	const seen = space.inside(
		(config, bundle) => {
			joining(paths)(config, bundle);
			// The uts namespace is another one's.
			delete config.hostname;
			config.process.user = { uid: 5, gid: 6, additionalGids: [7] };
		},
		{
			user: link("user"),
			network: link("network"),
			ipc: link("ipc"),
			uts: link("uts"),
			ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status",
			map: "cat /proc/self/uid_map",
		},
	);
	t.equal(seen.user, readlinkSync(paths.user));
	t.equal(seen.network, readlinkSync(paths.network));
	t.equal(seen.ipc, readlinkSync(paths.ipc));
	t.equal(seen.uts, readlinkSync(paths.uts));
	t.match(seen.ids, /^Uid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t7/m);
	t.same(seen.map.split(/\s+/), ["0", `${base}`, "1000"]);
});

t.test("all that a container can have, the mount and pid namespace among them", async (t) => {
	const types = ["user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"];
	const flags = [
		"--user",
		"--mount",
		"--net",
		"--ipc",
		"--uts",
		"--cgroup",
		"--time",
		"--pid",
		"--fork",
		"--kill-child",
	];
	const holder = await Holder.start(flags);
	holders.push(holder);
	for (const kind of ["uid_map", "gid_map"]) writeFileSync(`/proc/${holder.pid}/${kind}`, `0 ${base} 1000`);
	// unshare itself is outside of its pid and time namespaces.
	const own = (type: string): string => {
		const file = files[type] ?? type;
		return holder.path(type === "pid" || type === "time" ? `${file}_for_children` : file);
	};
	const paths = Object.fromEntries(types.map((type) => [type, own(type)]));
	const seen = space.inside(
		(config, bundle) => {
			joining(paths)(config, bundle);
			delete config.hostname;
			// /sys/fs/cgroup of a cgroup namespace that another one made shows nothing of this container.
			config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
		},
		{
			...Object.fromEntries(types.map((type) => [type, link(type)])),
			map: "cat /proc/self/uid_map",
			processes: "ls -d /proc/[0-9]* | wc -l",
		} as Record<string, string>,
	);
	for (const type of types) t.equal(seen[type], readlinkSync(own(type)), type);
	t.same(seen.map?.split(/\s+/), ["0", `${base}`, "1000"]);
	t.ok(Number(seen.processes) > 2, "the holder's processes are in /proc");
});

t.test("a user namespace, and a network namespace that belongs to the host", async (t) => {
	const ns = await hold(["--user"], `0 ${base} 1000`);
	const other = await hold(["--net"], undefined);
	const seen = space.inside(
		(config, bundle) => {
			joining({ user: `${ns}/user`, network: `${other}/net` })(config, bundle);
			// sysfs shows a network namespace that is not the container's to mount.
			config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/sys"));
		},
		{ user: link("user"), network: link("network"), id: "id -u" },
	);
	t.equal(seen.user, readlinkSync(`${ns}/user`));
	t.equal(seen.network, readlinkSync(`${other}/net`));
	t.equal(seen.id, "0");
});

t.test("a network namespace of the host in a new user namespace", async (t) => {
	const other = await hold(["--net"], undefined);
	const seen = space.inside(
		(config, bundle) => {
			joining({ network: `${other}/net` })(config, bundle);
			config.linux.namespaces.push({ type: "user" });
			config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
			config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
			config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/sys"));
		},
		{ network: link("network"), map: "cat /proc/self/uid_map" },
	);
	t.equal(seen.network, readlinkSync(`${other}/net`));
	t.same(seen.map.split(/\s+/), ["0", `${base}`, "1000"]);
});

t.test("sysfs of a network namespace that is not the container's: refused, with the reason", async (t) => {
	const other = await hold(["--net"], undefined);
	const result = space
		.container((config, bundle) => {
			joining({ network: `${other}/net` })(config, bundle);
			config.linux.namespaces.push({ type: "user" });
			config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
			config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
		})
		.create();
	t.equal(result.status, 1);
	t.match(result.stderr, /operation not permitted \(config.json#\/mounts\/5\)\s+hint: sysfs can be mounted only where/);
});

t.test("a pid namespace and a mount namespace that belong to it", async (t) => {
	const ns = await hold(["--user", "--pid", "--mount", "--kill-child"], `0 ${base} 1000`);
	const seen = space.inside(joining({ user: `${ns}/user`, mount: `${ns}/mnt` }), {
		user: link("user"),
		mount: link("mount"),
	});
	t.equal(seen.user, readlinkSync(`${ns}/user`));
	t.equal(seen.mount, readlinkSync(`${ns}/mnt`));
});

t.test("mappings beside the path must be those that it has", async (t) => {
	const ns = await hold(["--user"], `0 ${base} 1000`);
	const mapping = (hostID: number) => (config: Config, bundle: Bundle) => {
		joining({ user: `${ns}/user` })(config, bundle);
		config.linux.uidMappings = [{ containerID: 0, hostID, size: 1000 }];
		config.linux.gidMappings = [{ containerID: 0, hostID, size: 1000 }];
	};
	t.equal(space.inside(mapping(base), { id: "id -u" }).id, "0");
	const other = space.container(mapping(base + 1)).create();
	t.equal(other.status, 1);
	t.match(
		other.stderr,
		/has other uid mappings \(config.json#\/linux\/uidMappings\)\s+hint: it has 0:300000:1000 \(container:host:size\), the configuration says 0:300001:1000/,
	);
});

t.test("one that denies setgroups, and one without root", async (t) => {
	const uid = 61_500;
	const caller = new Caller(space, uid);
	// Of the user's, who maps the own id.
	const words = ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups", "--"];
	const joined =
		(ns: string, more: (config: Config) => void = () => {}) =>
		(config: Config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
			config.linux.namespaces.push({ type: "user", path: `${ns}/user` });
			delete config.linux.uidMappings;
			delete config.linux.gidMappings;
			more(config);
		};
	const own = await hold(["--user", "--map-root-user"], undefined, words);
	const seen = caller.inside(joined(own), { user: link("user"), id: "id -u", setgroups: "cat /proc/self/setgroups" });
	t.equal(seen.user, readlinkSync(`${own}/user`));
	t.equal(seen.id, "0");
	t.equal(seen.setgroups, "deny");
	const groups = caller.container(
		joined(own, (config) => {
			config.process.user.additionalGids = [0];
		}),
	);
	t.match(groups.create(), {
		status: 1,
		stderr: /unable to setup user: .*\(config.json#\/process\/user\)\s+hint: the user namespace denies setgroups/,
	});
	const rootless = await hold(["--user", "--map-user=7", "--map-group=8"], undefined, words);
	const other = caller.inside(
		joined(rootless, (config) => {
			config.process.user = { uid: 7, gid: 8 };
		}),
		{ user: link("user"), id: "id -u; id -g" },
	);
	t.equal(other.user, readlinkSync(`${rootless}/user`));
	t.equal(other.id, "7\n8");
});

t.test("what may not be entered is an error that names it", async (t) => {
	const foreign = await hold(["--net"], undefined);
	const caller = new Caller(space, 61_501);
	const result = caller
		.container((config) => {
			config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
			config.linux.namespaces.push({ type: "network", path: `${foreign}/net` });
		})
		.create();
	t.equal(result.status, 1);
	t.match(
		result.stderr,
		/join namespaces: network \(.*\/net\): (operation not permitted|permission denied) \(config.json#\/linux\/namespaces\)/,
	);
});

t.test("the namespaces are let go", async (t) => {
	t.not(holders.length, 0);
	release();
});

nothingLeft(t, space);
