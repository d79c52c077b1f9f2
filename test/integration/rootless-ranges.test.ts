/** Called by an ordinary user who has a range of ids in /etc/subuid and /etc/subgid. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller, range, withRange } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { oursOnly } from "../support/runtime.js";
import { Terminal } from "../support/terminal.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const uid = 61_300;

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}
if (!existsSync("/usr/bin/newuidmap")) throw new Error("the tests need uidmap");
const caller = new Caller(space, uid, { ranges: true });

t.test("the range is mapped beside the own id, and setgroups is left", async (t) => {
	const seen = caller.inside(
		(config) => {
			withRange(config);
			config.process.user = { uid: 5, gid: 6, additionalGids: [7, 2000] };
			config.linux.maskedPaths = [];
		},
		{
			uid: "cat /proc/self/uid_map",
			gid: "cat /proc/self/gid_map",
			setgroups: "cat /proc/self/setgroups",
			ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status",
			null: "echo x > /dev/null && echo works",
		},
	);
	const rows = (text: string): number[][] => text.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
	t.same(rows(seen.uid), [
		[0, uid, 1],
		[1, range.first, range.size],
	]);
	t.same(rows(seen.gid), rows(seen.uid));
	t.equal(seen.setgroups, "allow");
	t.match(seen.ids, /^Uid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t7 2000/m);
	t.equal(seen.null, "works");
});

t.test("files of the container's users are the range's on the host", async (t) => {
	const container = caller.container((config, { rootfs }) => {
		withRange(config);
		config.root.readonly = false;
		config.process.args = ["/bin/sh", "-c", "touch /home/root /home/other && chown 1000:1001 /home/other"];
		mkdirSync(join(rootfs, "home"), { recursive: true });
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	const owner = (name: string): number[] => {
		const { uid, gid } = statSync(join(container.bundle.rootfs, "home", name));
		return [uid, gid];
	};
	t.same(owner("root"), [uid, uid]);
	t.same(owner("other"), [range.first + 999, range.first + 1000]);
});

t.test("a terminal of group tty", async (t) => {
	const container = caller.container((config) => {
		withRange(config);
		for (const mount of config.mounts) if (mount.type === "devpts") mount.options?.push("gid=5");
		config.process.terminal = true;
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.args = ["/bin/sh", "-c", "stat -L -c '%u:%g' /proc/self/fd/0"];
	});
	const { runtime, bundle, id } = container;
	const terminal = new Terminal(["run", ...runtime.argv(["run", "--bundle", bundle.path, id], [])]);
	t.equal((await terminal.ended()).status, 0, terminal.output);
	t.match(terminal.output, /1000:5/);
});

t.test("created by one command, started, killed and deleted by others", async (t) => {
	const container = caller.container((config) => {
		withRange(config);
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.args = ["/bin/sleep", "1000"];
	});
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	t.equal(container.start().status, 0);
	t.equal(statSync(`/proc/${container.state().pid}`).uid, range.first + 999, "another user's by now");
	const kill = container.kill("KILL");
	t.equal(kill.status, 0, kill.stderr);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("as many ranges as the kernel takes", async (t) => {
	const { count } = caller.inside(
		(config) => {
			for (let id = 1; id < 340; id++)
				config.linux.uidMappings?.push({ containerID: id, hostID: range.first + 2 * id, size: 1 });
			for (let id = 1; id < 340; id++)
				config.linux.gidMappings?.push({ containerID: id, hostID: range.first + 2 * id, size: 1 });
		},
		{ count: "wc -l < /proc/self/uid_map; wc -l < /proc/self/gid_map" },
	);
	t.equal(count, "340\n340");
});

/** A user namespace without mappings. */
function unmapped(config: Config): void {
	delete config.linux.uidMappings;
	delete config.linux.gidMappings;
	config.process.args = ["/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

t.test("mappings that the configuration leaves out are the own id and the range", async (t) => {
	const result = caller.container(unmapped).run([], { debug: true });
	t.equal(result.status, 0, result.stderr);
	const both = ["0", `${uid}`, "1", "1", `${range.first}`, `${range.size}`];
	t.same(words(result.stdout), [...both, ...both, "allow"]);
	t.notOk(result.log.some(({ msg }) => msg.includes("own id")));
});

t.test("… and the own id alone where there is no range, or no newuidmap, with a warning", async (t) => {
	const single = ["0", `${uid}`, "1", "0", `${uid}`, "1", "deny"];
	const cases: [Caller, RegExp][] = [
		[new Caller(space, uid), /only the caller's own id is mapped: \/etc\/subuid has no range for/],
		[new Caller(space, uid, { ranges: true, through: ["env", "PATH=/nowhere"] }), /there is no newuidmap in PATH/],
	];
	for (const [other, reason] of cases) {
		const result = other.container(unmapped).run([], { debug: true });
		t.equal(result.status, 0, result.stderr);
		t.same(words(result.stdout), single);
		t.ok(
			result.log.some(({ level, msg }) => level === "warning" && reason.test(msg)),
			String(reason),
		);
		t.same(other.states, []);
	}
});

t.test("what is not the user's is refused, in newuidmap's words", async (t) => {
	const beyond = (config: Config): void => {
		config.linux.uidMappings?.push({ containerID: 1, hostID: range.first + range.size, size: 1 });
	};
	const result = caller.container(beyond).create();
	t.equal(result.status, 1);
	const said =
		/error mapping users: .*newuidmap: uid range \[1-2\) -> \[135536-135537\) not allowed: operation not permitted/;
	t.match(result.stderr, said);
	t.match(result.stderr, /\(config.json#\/linux\/uidMappings\)\s+hint: .*\/etc\/subuid/);
	t.same(caller.states, []);
});

t.test("without newuidmap in PATH: which one is missing", async (t) => {
	const without = new Caller(space, uid, { ranges: true, through: ["env", "PATH=/nowhere"] });
	const result = without.container(withRange).create();
	t.equal(result.status, 1);
	t.match(result.stderr, /error mapping users: .*newgidmap: no such file or directory/);
	t.match(result.stderr, /hint: .*only with newuidmap and newgidmap/);
	t.same(without.states, []);
});

nothingLeft(t, space);
