/** Mounts of type cgroup, on this host's layout (v1 hierarchies, with or without a v2 one beside them). */
import { execFileSync } from "node:child_process";
import t from "tap";
import type { Bundle } from "../support/bundle.js";
import type { Config } from "../support/config.js";
import { mountAt } from "../support/config.js";
import { hostMounts } from "../support/leaks.js";
import { mountOn, parseMountinfo } from "../support/mountinfo.js";
import { failed, oursOnly, runtimeName } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const base = 100_000;
/** Names below /sys/fs/cgroup; of a hierarchy that is mounted twice the first. */
const hierarchies = hostMounts()
	.filter(({ type, point }) => type === "cgroup" && point.startsWith("/sys/fs/cgroup/"))
	.map(({ point }) => point.slice("/sys/fs/cgroup/".length));
const skip = hierarchies.length === 0 ? "the host has no cgroup v1" : false;

function userNamespace(config: Config, bundle: Bundle): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 65536 }];
	execFileSync("chown", ["-hR", `${base}:${base}`, bundle.rootfs]);
}

for (const user of [false, true]) {
	for (const namespace of [false, true]) {
		for (const readonly of [true, false]) {
			const where = `${namespace ? "with" : "without"} a cgroup namespace${user ? ", in a user namespace" : ""}`;
			t.test(`${readonly ? "read-only" : "writable"}, ${where}`, { skip }, async (t) => {
				const container = space.container((config, bundle) => {
					if (user) userNamespace(config, bundle);
					if (namespace) config.linux.namespaces.push({ type: "cgroup" });
					mountAt(config, "/sys/fs/cgroup").options = readonly ? ["nosuid", "ro"] : ["nosuid"];
					const commands = [
						"cat /proc/self/mountinfo",
						"echo @@",
						"cat /proc/self/cgroup",
						"echo @@",
						"for name in /sys/fs/cgroup/*; do [ ! -L $name ] && [ -e $name/cgroup.procs ] && echo $name; done",
						"echo @@",
						"cat /sys/fs/cgroup/pids/cgroup.procs; ls /sys/fs/cgroup/pids/pids.max",
						"echo @@",
						"(mkdir /sys/fs/cgroup/pids/made && echo written && rmdir /sys/fs/cgroup/pids/made) 2>&1",
						"echo @@",
						"touch /sys/fs/cgroup/file 2>&1",
					];
					config.process.args = ["/bin/sh", "-c", `${commands.join("\n")}\nexit 0`];
				});
				const { status, stdout, stderr } = container.run();
				t.equal(status, 0, stderr);
				const [table = "", self = "", roots = "", own = "", made = "", touched = ""] = stdout.split("@@\n");

				t.same(
					roots.trim().split("\n").sort(),
					hierarchies.map((name) => `/sys/fs/cgroup/${name}`).sort(),
					"every hierarchy of the host, no other",
				);
				for (const name of hierarchies) {
					const mount = mountOn(table, `/sys/fs/cgroup/${name}`);
					t.equal(mount.type, "cgroup", name);
					t.equal(mount.root, namespace ? "/" : `/${container.id}`, `${name}: the container's own directory`);
					for (const word of [readonly ? "ro" : "rw", "nosuid", "nodev", "noexec"])
						t.ok(mount.options.includes(word), `${name}: ${word}`);
				}
				for (const line of self
					.trim()
					.split("\n")
					.filter((line) => !line.startsWith("0::")))
					t.match(line, namespace ? /:\/$/ : new RegExp(`:/${container.id}$`));
				t.match(own, /^1\n/m, "the process sees itself");
				t.match(own, /pids\.max/, "which the hierarchy's root does not have");

				if (readonly) t.match(made, /Read-only/);
				else if (user) t.match(made, /Permission denied/, "the cgroup belongs to the host's root");
				else t.equal(made, "written\n");
				// runc 1.1 leaves the tmpfs that the hierarchies are mounted in open.
				if (readonly && runtimeName !== "runc") t.match(touched, /Read-only/);
				const kinds = parseMountinfo(table).filter(({ point }) => point === "/sys/fs/cgroup");
				t.same(
					kinds.map(({ type }) => type),
					["tmpfs"],
				);
			});
		}
	}
}

t.test("at another place, and without /sys", { skip }, async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/sys"));
			config.mounts.push({ destination: "/groups", type: "cgroup", source: "cgroup", options: ["ro"] });
		},
		{ table: "cat /proc/self/mountinfo", sys: "ls /sys" },
	);
	for (const name of hierarchies) t.ok(mountOn(seen.table, `/groups/${name}`).options.includes("ro"), name);
	t.equal(seen.sys, "");
});

t.test(
	"rro closes every hierarchy; an option that none of them has is refused",
	{ skip: skip || oursOnly },
	async (t) => {
		for (const namespace of [false, true]) {
			const seen = space.inside(
				(config) => {
					if (namespace) config.linux.namespaces.push({ type: "cgroup" });
					mountAt(config, "/sys/fs/cgroup").options = ["rro", "rnosymfollow"];
				},
				{
					table: "cat /proc/self/mountinfo",
					write: "mkdir /sys/fs/cgroup/pids/made",
					touch: "touch /sys/fs/cgroup/file",
				},
			);
			for (const name of hierarchies) {
				const { options } = mountOn(seen.table, `/sys/fs/cgroup/${name}`);
				for (const word of ["ro", "nosymfollow", "nosuid"]) t.ok(options.includes(word), `${name}: ${word}`);
			}
			t.match(seen.write, /Read-only/);
			t.match(seen.touch, /Read-only/);
		}
		const result = space
			.container((config) => {
				mountAt(config, "/sys/fs/cgroup").options = ["ro", "nsdelegate"];
			})
			.create();
		t.ok(failed(result));
		t.match(result.stderr, /a cgroup mount can't have the option "nsdelegate" here/);
	},
);

const unified = hostMounts().some(({ type }) => type === "cgroup2");
t.test("type cgroup2 by name", { skip: unified ? false : "the host has no cgroup v2" }, async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.linux.namespaces.push({ type: "cgroup" });
			config.mounts.push({ destination: "/unified", type: "cgroup2", source: "cgroup2", options: ["ro", "nosuid"] });
		},
		{ table: "cat /proc/self/mountinfo", write: "mkdir /unified/x" },
	);
	t.equal(mountOn(seen.table, "/unified").type, "cgroup2");
	t.match(seen.write, /Read-only/);
});

const only = hierarchies.length > 0 || !unified ? "the host has not cgroup v2 alone: run make test-vm" : false;
for (const user of [false, true]) {
	for (const namespace of [false, true]) {
		for (const readonly of [true, false]) {
			const where = `${namespace ? "with" : "without"} a cgroup namespace${user ? ", in a user namespace" : ""}`;
			t.test(`v2, ${readonly ? "read-only" : "writable"}, ${where}`, { skip: only }, async (t) => {
				const container = space.container((config, bundle) => {
					if (user) userNamespace(config, bundle);
					if (namespace) config.linux.namespaces.push({ type: "cgroup" });
					mountAt(config, "/sys/fs/cgroup").options = readonly ? ["nosuid", "ro"] : ["nosuid"];
					// Without a namespace of its own, root sees the hierarchy from its root on.
					const own = namespace || user ? "/sys/fs/cgroup" : "/sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup)";
					const commands = [
						"cat /proc/self/mountinfo",
						"echo @@",
						`cat ${own}/cgroup.procs; ls ${own}/memory.max`,
						"echo @@",
						`(mkdir ${own}/made && echo written && rmdir ${own}/made) 2>&1`,
					];
					config.process.args = ["/bin/sh", "-c", `${commands.join("\n")}\nexit 0`];
				});
				const { status, stdout, stderr } = container.run();
				t.equal(status, 0, stderr);
				const [table = "", own = "", made = ""] = stdout.split("@@\n");
				const mount = mountOn(table, "/sys/fs/cgroup");
				t.equal(mount.type, "cgroup2");
				t.equal(mount.root, user && !namespace ? `/${container.id}` : "/");
				for (const word of [readonly ? "ro" : "rw", "nosuid"]) t.ok(mount.options.includes(word), word);
				t.match(own, /^1\n/m, "the process sees itself");
				t.match(own, /memory\.max/, "which the hierarchy's root does not have");
				if (readonly) t.match(made, /Read-only/);
				else if (user && !namespace) t.match(made, /Permission denied/, "the cgroup belongs to the host's root");
				else if (!user) t.equal(made, "written\n");
			});
		}
	}
}

nothingLeft(t, space);
