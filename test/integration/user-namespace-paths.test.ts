/** Host paths that the root of a user namespace may not search: bundles and volumes in directories of mode 0700. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { type Bundle, makeBundle } from "../support/bundle.js";
import { Caller, withRange } from "../support/caller.js";
import type { Config } from "../support/config.js";
import { Holder } from "../support/holder.js";
import { mountOn } from "../support/mountinfo.js";
import { oursOnly } from "../support/runtime.js";
import { answers, Container, nothingLeft, script, workspace } from "../support/workspace.js";

const space = workspace(t);
const base = 400_000;

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

function give({ rootfs }: Bundle, uid: number): void {
	chownSync(rootfs, uid, uid);
	for (const name of readdirSync(rootfs)) chownSync(join(rootfs, name), uid, uid);
}

function mapped(config: Config, bundle: Bundle): void {
	give(bundle, base);
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: base, size: 1000 }];
}

/** A volume in a directory that only `owner` may search; not root's, so that only capabilities lead into it. */
function volume(owner: number): string {
	const closed = space.path(`closed-${owner}`);
	const path = join(closed, "volume");
	if (existsSync(closed)) return path;
	mkdirSync(path, { recursive: true });
	writeFileSync(join(path, "file"), "content\n");
	chownSync(closed, owner, owner);
	chmodSync(closed, 0o700);
	return path;
}

function withVolume(config: Config, path: string): void {
	config.mounts.push({ destination: "/tmp", source: path, options: ["rbind", "ro"] });
	config.mounts.push({ destination: "/home", source: join(path, "file"), options: ["bind"] });
}

const questions = { directory: "cat /tmp/file; touch /tmp/x", file: "cat /home", map: "cat /proc/self/uid_map" };

/** The bundle is in a directory of its own, which only root may search. */
function closedBundle(name: string, edit: (config: Config, bundle: Bundle) => void): Container {
	const directory = space.path(name);
	mkdirSync(directory, { mode: 0o700 });
	const bundle = makeBundle(join(directory, "bundle"), name, space.path("programs"), edit);
	return new Container(`${space.token}-${name}`, bundle, space.runtime);
}

/** /home is a directory in the root filesystem; a file is to be bound there. */
function fileInHome({ rootfs }: Bundle): void {
	execFileSync("rm", ["-rf", join(rootfs, "home")]);
	writeFileSync(join(rootfs, "home"), "");
}

t.test("directories and files of another user's closed directory", async (t) => {
	const seen = space.inside((config, bundle) => {
		fileInHome(bundle);
		mapped(config, bundle);
		withVolume(config, volume(5));
	}, questions);
	t.match(seen.directory, /^content\n.*Read-only/s);
	t.equal(seen.file, "content");
	t.same(seen.map.split(/\s+/), ["0", `${base}`, "1000"]);
});

t.test("the bundle in one, with pivot_root and without, created and started", async (t) => {
	const container = closedBundle("bundle", (config, bundle) => {
		mapped(config, bundle);
		config.process.args = ["/bin/sh", "-c", script({ id: "id -u; ls -d /bin" })];
	});
	for (const options of [[], ["--no-pivot"]]) {
		const result = container.run(options);
		t.equal(result.status, 0, result.stderr);
		t.equal(answers({ id: "" }, result.stdout).id, "0\n/bin");
	}
	const create = container.create();
	t.equal(create.status, 0, create.stderr);
	t.equal(container.start().status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

t.test("a source that is missing there is named as missing, not as forbidden", async (t) => {
	const path = join(dirname(volume(5)), "missing");
	const result = space
		.container((config, bundle) => {
			mapped(config, bundle);
			config.mounts.push({ destination: "/tmp", source: path, options: ["bind"] });
		})
		.create();
	t.equal(result.status, 1);
	t.match(
		result.stderr,
		/no such file or directory \(config.json#\/mounts\/\d+\)\s+hint: the source .*missing does not exist/,
	);
});

t.test("flags of the host stay locked on what was opened with its rights", async (t) => {
	const path = space.path("locked");
	mkdirSync(path);
	execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,nodev,noexec,mode=700", "tmpfs", path]);
	t.teardown(() => execFileSync("umount", [path]));
	mkdirSync(join(path, "inner"));
	const binding = (words: string[]) => (config: Config, bundle: Bundle) => {
		mapped(config, bundle);
		config.mounts.push({ destination: "/tmp", source: join(path, "inner"), options: words });
	};
	const { table } = space.inside(binding(["bind"]), { table: "cat /proc/self/mountinfo" });
	for (const flag of ["nosuid", "nodev", "noexec"]) t.ok(mountOn(table, "/tmp").options.includes(flag), flag);
	const cleared = space.container(binding(["bind", "dev"])).create();
	t.match(cleared, {
		status: 1,
		stderr: /operation not permitted \(config.json#\/mounts\/\d+\)\s+hint: .*can't be cleared/,
	});
});

t.test("a user namespace that exists", async (t) => {
	const holder = await Holder.start(["--user"], { map: `0 ${base} 1000` });
	t.teardown(() => holder.release());
	const joining = (config: Config, bundle: Bundle): void => {
		give(bundle, base);
		config.linux.namespaces.push({ type: "user", path: holder.path("user") });
	};
	const seen = space.inside((config, bundle) => {
		fileInHome(bundle);
		joining(config, bundle);
		withVolume(config, volume(5));
	}, questions);
	t.match(seen.directory, /^content\n.*Read-only/s);
	t.equal(seen.file, "content");
	const closed = closedBundle("joined", (config, bundle) => {
		joining(config, bundle);
		config.process.args = ["/bin/sh", "-c", "id -u"];
	});
	const result = closed.run();
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, "0\n");
});

t.test("an ordinary user whose container's root is not the user: the closed home is named", async (t) => {
	if (!existsSync("/usr/bin/newuidmap")) throw new Error("the tests need uidmap");
	const caller = new Caller(space, 61_600, { ranges: true });
	// Only the range: the user, who may search the home, is nobody in the container.
	const container = caller.container((config) => {
		withRange(config);
		for (const mappings of [config.linux.uidMappings, config.linux.gidMappings]) {
			mappings?.shift();
			for (const line of mappings ?? []) line.containerID = 0;
		}
	});
	const closed = container.create();
	t.equal(closed.status, 1);
	t.match(
		closed.stderr,
		/permission denied \(config.json#\/root\/path\)\s+hint: a directory on the way .* may not be searched/,
	);
	t.same(caller.states, []);
	chmodSync(caller.directory, 0o711);
	const open = container.run();
	t.equal(open.status, 0, open.stderr);
});

nothingLeft(t, space);
