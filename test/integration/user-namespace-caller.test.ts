/** The caller is itself in a user namespace, as rootless Podman calls a runtime, or in a container. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller, withRange } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { mountOn } from "../support/mountinfo.js";
import { onNode, oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const uid = 61_400;

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

/** What Podman sends: the user namespace is the one that it is in. */
function inheritsUser(config: Config): void {
	config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
	delete config.linux.uidMappings;
	delete config.linux.gidMappings;
}

t.test("root of a namespace with one id", async (t) => {
	const caller = new Caller(space, uid, { through: ["unshare", "--user", "--map-root-user"] });
	const seen = caller.inside(inheritsUser, {
		uid: "cat /proc/self/uid_map",
		user: "readlink /proc/self/ns/user",
		ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status",
		caps: "grep CapEff /proc/self/status",
		devices: "stat -c %t:%T /dev/null; echo > /dev/null && echo works",
		table: "cat /proc/self/mountinfo",
		cgroup: "ls -d /sys/fs/cgroup/* | head -1; mkdir /sys/fs/cgroup/pids/x",
	});
	t.same(seen.uid.split(/\s+/), ["0", `${uid}`, "1"]);
	t.match(seen.ids, /^Uid:\t0\t0\t0\t0$/m);
	t.match(seen.caps, /CapEff:\t00000000080405eb$/);
	t.equal(seen.devices, "1:3\nworks");
	t.equal(mountOn(seen.table, "/proc").type, "proc");
	t.match(seen.cgroup, /Read-only|denied|No such/, "CVE-2023-25809");

	const groups = caller.container((config) => {
		inheritsUser(config);
		config.process.user.additionalGids = [0];
		config.process.args = ["/bin/true"];
	});
	const result = groups.run([], { debug: true });
	t.equal(result.status, 0, "the namespace denies setgroups: groups are left out, as runc and crun do");
	const warnings = result.log.filter(({ level }) => level === "warning").map(({ msg }) => msg);
	t.match(warnings, [/additional groups are ignored: .*denies setgroups/]);
	t.equal(result.stderr, "", "not a word to engines that read it");
	t.same(caller.states, []);
});

t.test("a namespace inside of that one", async (t) => {
	const caller = new Caller(space, uid, { through: ["unshare", "--user", "--map-root-user"] });
	const nested = (config: Config): void => {
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	};
	const seen = caller.inside(nested, { uid: "cat /proc/self/uid_map", gid: "cat /proc/self/gid_map", id: "id -u" });
	t.same(seen.uid.split(/\s+/), ["0", "0", "1"]);
	t.same(seen.gid.split(/\s+/), ["0", "0", "1"]);
	t.equal(seen.id, "0");
});

t.test("no more user namespaces: which limit it is", async (t) => {
	// The limit of the namespace that unshare makes, not the machine's.
	const limited = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
	const through = ["unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh"];
	const caller = new Caller(space, uid, { through });
	const nested = (config: Config): void => {
		config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
		config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	};
	const result = caller.container(nested).create();
	t.equal(result.status, 1);
	t.match(
		result.stderr,
		/no space left on device \(config.json#\/linux\/namespaces\)\s+hint: a limit below \/proc\/sys\/user/,
	);
	t.same(caller.states, []);
});

const noUnpacking = onNode && "Node loads the native part from the package";

t.test("the unpacked native part is found again", { skip: noUnpacking }, async (t) => {
	const caller = new Caller(space, uid, { through: ["unshare", "--user", "--map-root-user"] });
	const library = join(caller.runtimeDirectory, "runtime-ts.lib");
	t.equal(caller.runtime.command(["list"]).status, 0);
	const before = readdirSync(library);
	t.equal(before.length, 1);
	t.equal(caller.runtime.command(["list"]).status, 0);
	t.same(readdirSync(library), before);
});

t.test("a namespace with ranges, as Podman makes it with newuidmap", async (t) => {
	const through = ["unshare", "--user", "--map-root-user", "--map-auto"];
	const caller = new Caller(space, uid, { ranges: true, through });
	const seen = caller.inside(
		(config) => {
			inheritsUser(config);
			for (const mount of config.mounts) if (mount.type === "devpts") mount.options?.push("gid=5");
			config.process.user = { uid: 1000, gid: 1000, additionalGids: [5, 20] };
		},
		{ ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status", setgroups: "cat /proc/self/setgroups" },
	);
	t.match(seen.ids, /^Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t5 20/m);
	t.equal(seen.setgroups, "allow");

	// podman run --userns=keep-id: another one below, in which the user has his own id again.
	const keeping = caller.inside(
		(config) => {
			const mappings = [
				{ containerID: 0, hostID: 1, size: 1001 },
				{ containerID: 1001, hostID: 0, size: 1 },
				{ containerID: 1002, hostID: 1002, size: 60_000 },
			];
			config.linux.uidMappings = mappings;
			config.linux.gidMappings = mappings;
			config.process.user = { uid: 1001, gid: 1001, additionalGids: [1001] };
		},
		{ uid: "cat /proc/self/uid_map", id: "id -u; id -g", owner: "touch /dev/shm/x; stat -c %u:%g /dev/shm/x" },
	);
	t.equal(keeping.uid.split("\n").length, 3);
	t.equal(keeping.id, "1001\n1001");
	t.equal(keeping.owner, "1001:1001");
});

t.test("an ordinary user's container in the root of a range: groups need newgidmap, not the runtime", async (t) => {
	const caller = new Caller(space, uid, { ranges: true });
	const seen = caller.inside(
		(config) => {
			withRange(config);
			config.process.user.additionalGids = [3];
		},
		{ groups: "grep Groups /proc/self/status" },
	);
	t.match(seen.groups, /^Groups:\t3\s*$/);
});

t.test("the runtime in a container of its own", { skip: onNode && "the container has no Node" }, async (t) => {
	const inner = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo inner; id -u; cat /proc/self/uid_map; hostname"];
		config.hostname = "inner";
		config.linux.namespaces.push({ type: "cgroup" });
		config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
		delete (config.linux as { resources?: object }).resources;
		delete (config.linux as { cgroupsPath?: string }).cgroupsPath;
	});
	const libraries = ["/lib", "/lib64", "/usr/lib"].filter((path) => existsSync(path));
	for (const user of [false, true]) {
		const outer = space.container((config, bundle) => {
			const all = capabilities();
			config.process.capabilities = { bounding: all, effective: all, permitted: all };
			config.process.noNewPrivileges = false;
			// A full /proc: the kernel lets a user namespace mount another one only then.
			config.linux.maskedPaths = [];
			config.linux.readonlyPaths = [];
			config.root.readonly = false;
			const [command = ""] = space.runtime.argv([], []);
			config.mounts.push({ destination: "/bin/rt", source: command, options: ["bind", "ro"] });
			config.mounts.push({ destination: "/bundle", source: inner.bundle.path, options: ["bind"] });
			for (const path of libraries) config.mounts.push({ destination: path, source: path, options: ["rbind", "ro"] });
			for (const name of ["bundle", "run", "lib", "lib64", "usr/lib"])
				mkdirSync(join(bundle.rootfs, name), { recursive: true });
			config.process.args = ["/bin/rt", "--root", "/run/states", "--rootless", "true", "run", "-b", "/bundle", "inner"];
			if (!user) return;
			config.linux.namespaces.push({ type: "user" });
			config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
			config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
		});
		const result = outer.run();
		t.equal(result.status, 0, `${user ? "in a user namespace" : "as root"}: ${result.stderr}`);
		t.match(result.stdout, /^inner\n0\n\s+0\s+0\s+\d+\ninner\n$/);
	}
});

function capabilities(): string[] {
	return ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "MKNOD", "SETGID", "SETUID", "SETPCAP", "SYS_CHROOT", "SYS_ADMIN"]
		.concat(["NET_ADMIN", "SYS_PTRACE", "NET_BIND_SERVICE"])
		.map((name) => `CAP_${name}`);
}

nothingLeft(t, space);
