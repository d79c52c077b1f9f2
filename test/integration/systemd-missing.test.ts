/** --systemd-cgroup where there is no systemd to ask, and --cgroup-manager disabled: on every host. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { oursOnly, Runtime } from "../support/runtime.js";
import { Container, nothingLeft, workspace } from "../support/workspace.js";

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

const space = workspace(t);

/** A container whose runtime sees the host changed by `hide`, in a mount namespace of its own. */
function behind(hide: string, ...options: string[]): Container {
	const { id, bundle } = space.container(({ linux, process }) => {
		delete (linux as { cgroupsPath?: string }).cgroupsPath;
		process.args = ["/bin/true"];
	});
	const scratch = space.path(`io-${id}`);
	mkdirSync(scratch);
	const caller = ["unshare", "--mount", "sh", "-c", `${hide}; exec "$@"`, "sh"];
	return new Container(id, bundle, new Runtime(space.root, scratch, caller, [...space.runtime.program, ...options]));
}

const noBus = "for d in /run/systemd /run/dbus; do [ ! -d $d ] || mount -t tmpfs none $d; done";

t.test("no systemd behind its sockets", async (t) => {
	for (const option of ["--systemd-cgroup", "--cgroup-manager=systemd"]) {
		const result = behind(noBus, option).create();
		t.equal(result.status, 1);
		t.match(
			result.error,
			/systemd cgroup flag passed, but systemd support for managing cgroups is not available: connect unix:path=\/run\/systemd\/private: no such file or directory/,
		);
		t.match(result.log.at(-1)?.hint, /without --systemd-cgroup neither is needed/);
	}
	t.same(readdirSync(space.root), []);
	t.same(space.leaks(), []);
});

t.test("no libsystemd", async (t) => {
	const library = /libsystemd\.so\.0 .*=> (\S+)/.exec(execFileSync("ldconfig", ["-p"], { encoding: "utf8" }))?.[1];
	const hide = library === undefined ? ":" : `mount --bind /dev/null ${library}`;
	const result = behind(hide, "--systemd-cgroup").create();
	t.equal(result.status, 1);
	t.match(result.error, /is not available: dlopen .*libsystemd\.so\.0/);
	t.same(readdirSync(space.root), []);
	t.equal(behind(hide).run().status, 0, "nothing else needs it");
});

t.test("an ordinary user without a session", async (t) => {
	const { id, bundle } = space.container();
	const scratch = space.path("io-user");
	mkdirSync(scratch);
	// The root of a user namespace is the user who made it.
	const caller = ["unshare", "--user", "--map-root-user"];
	const runtime = new Runtime(space.root, scratch, caller, [...space.runtime.program, "--systemd-cgroup"]);
	const result = new Container(id, bundle, runtime).create([], { env: { USER: "nobody" } });
	t.equal(result.status, 1);
	t.match(result.error, /neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set/);
	t.match(result.log.at(-1)?.hint, /XDG_RUNTIME_DIR/);
});

t.test("--cgroup-manager disabled: the container stays where its caller is", async (t) => {
	const container = space.container(({ process }) => {
		process.args = ["/bin/cat", "/proc/self/cgroup"];
	});
	const { runtime, bundle, id } = container;
	const result = runtime.command(["run", "--bundle", bundle.path, id], { globals: ["--cgroup-manager", "disabled"] });
	t.equal(result.status, 0, result.stderr);
	t.equal(result.stdout, readFileSync("/proc/self/cgroup", "utf8"));

	const limited = space.container(({ linux }) => {
		linux.resources = { pids: { limit: 5 } };
	});
	const args = ["run", "--bundle", limited.bundle.path, limited.id];
	const refused = runtime.command(args, { globals: ["--cgroup-manager", "disabled"] });
	t.equal(refused.status, 1);
	t.match(refused.stderr, /limits need a cgroup, and --cgroup-manager disabled leaves the container without/);
});

t.test("an unknown manager", async (t) => {
	const result = space.runtime.command(["list"], { globals: ["--cgroup-manager", "upstart"] });
	t.equal(result.status, 1);
	t.match(result.stderr, /unknown cgroup manager specified: upstart/);
});

nothingLeft(t, space);
