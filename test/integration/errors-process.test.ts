import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { failed, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const asRoot = unlessPeer({ runc: "enters it as root first", crun: "tries it as root" });
const words = runtimeName !== "crun";

const cases: { name: string; edit: Edit; message: RegExp }[] = [
	{
		name: "a program that is in no directory of PATH",
		edit: (config) => {
			config.process.args = ["no-such-program"];
		},
		message: /unable to start container process: exec: "no-such-program": executable file not found in \$PATH/,
	},
	{
		name: "an absolute path that is missing",
		edit: (config) => {
			config.process.args = ["/no/such/program"];
		},
		message:
			/unable to start container process: exec: "\/no\/such\/program": stat \/no\/such\/program: no such file or directory/,
	},
	{
		name: "a file that is not executable",
		edit: (config) => {
			config.process.args = ["/etc/passwd"];
		},
		message: /unable to start container process: exec: "\/etc\/passwd": permission denied/,
	},
	{
		name: "a directory",
		edit: (config) => {
			config.process.args = ["/etc"];
		},
		message: /unable to start container process: exec: "\/etc": (permission denied|is a directory)/,
	},
	{
		name: "a file that only root may execute",
		edit: (config, bundle) => {
			writeFileSync(join(bundle.rootfs, "bin/private"), "#!/bin/sh\n", { mode: 0o700 });
			config.process.user = { uid: 1000, gid: 1000 };
			// CAP_DAC_OVERRIDE would let a user execute anything.
			config.process.capabilities = {};
			config.process.args = ["/bin/private"];
		},
		message: /exec:? "?\/bin\/private"?: permission denied/,
	},
	{
		name: "no PATH at all",
		edit: (config) => {
			config.process.env = ["TERM=xterm"];
			config.process.args = ["no-such-program"];
		},
		message: /exec: "no-such-program": executable file not found in \$PATH/,
	},
	{
		name: "a file as the working directory",
		edit: (config) => {
			config.process.cwd = "/etc/passwd";
		},
		message: /not a directory/,
	},
	{
		name: "a working directory that the user may not enter",
		edit: (config, bundle) => {
			mkdirSync(join(bundle.rootfs, "private"), { mode: 0o700 });
			config.process.user = { uid: 1000, gid: 1000 };
			config.process.capabilities = {};
			config.process.cwd = "/private";
		},
		message: /permission denied/,
	},
];

for (const { name, edit, message } of cases) {
	t.test(
		`create tells: ${name}`,
		{ skip: name.includes("user may not") || (name.includes("only root") && !words) ? asRoot : false },
		async (t) => {
			const container = space.container(edit);
			const result = container.create();
			t.ok(failed(result), `exit status 1: ${result.status}`);
			if (words) {
				t.match(result.error, message);
				t.match(result.error, /^runc create failed: /, "with runc's prefix");
			}
			t.equal(container.runtime.command(["state", container.id]).status, 1, "there is no container");
			t.same(space.leaks(), []);
		},
	);
}

t.test("run says the same with its own prefix", { skip: unlessPeer({ crun: "has words of its own" }) }, async (t) => {
	const result = space
		.container((config) => {
			config.process.args = ["no-such-program"];
		})
		.run();
	t.equal(result.status, 1);
	t.match(
		result.error,
		/^runc run failed: unable to start container process: exec: "no-such-program": executable file not found in \$PATH/,
	);
});

t.test("bad ids", { skip: unlessPeer({ crun: "1.8 refuses only slashes" }) }, async (t) => {
	const { bundle } = space.container();
	for (const id of ["..", ".", "a/b", "a b", "ü", "a\nb", `${"x".repeat(3000)}/`, "a:b"]) {
		const result = space.runtime.command(["create", "--bundle", bundle.path, "--", id]);
		t.not(result.status, 0, JSON.stringify(id.slice(0, 20)));
		if (id.length < 100) t.match(result.error, /invalid container (ID|id) format/, JSON.stringify(id));
	}
	const empty = space.runtime.command(["create", "--bundle", bundle.path, ""]);
	t.not(empty.status, 0);
	t.match(empty.error, "container id cannot be empty");
	t.same(space.leaks(), []);
});

t.test("good ids", async (t) => {
	const container = space.container();
	for (const id of [`${space.token}_A.b+c-d`, `${space.token}${"x".repeat(100)}`, `-${space.token}`]) {
		const create = container.runtime.command(["create", "--bundle", container.bundle.path, "--", id]);
		t.equal(create.status, 0, create.stderr);
		t.equal(container.runtime.command(["delete", "--force", "--", id]).status, 0);
	}
});

t.test("an id that exists", async (t) => {
	const container = space.container();
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	for (const command of ["create", "run"]) {
		const again = container.runtime.command([command, "--bundle", container.bundle.path, container.id]);
		t.ok(failed(again));
		if (words) t.match(again.error, "container with given ID already exists");
	}
	t.equal(container.state().pid, pid, "the first one is untouched");
	t.equal(container.state().status, "created");
	t.equal(container.delete("--force").status, 0);
});

t.test("an argument or a variable that is too large", { skip: oursOnly }, async (t) => {
	const large = "x".repeat(131_072);
	const arguments_ = space.container((config) => {
		config.process.args = ["/bin/true", large];
	});
	const cause = /exec \/bin\/true: argument list too long/;
	const run = arguments_.run();
	t.match(run, { status: 1, stderr: cause });
	t.match(run.stderr, /hint: .*argument 1 has 131072\n/);
	const variable = space.container((config) => {
		config.process.env = ["PATH=/bin", `LARGE=${large}`];
		config.process.args = ["/bin/true"];
	});
	t.match(variable.run().stderr, /hint: .*the variable LARGE has 131078\n/);
});

t.test("a pid file that cannot be written", async (t) => {
	const container = space.container();
	const result = container.create(["--pid-file", "/no/such/directory/pid"]);
	t.ok(failed(result));
	t.match(result.error, /no such file or directory|No such file or directory/);
	t.same(space.leaks(), []);
});

t.test(
	"--root / is refused",
	{ skip: unlessPeer({ runc: "1.1 takes it for list", crun: "1.8 takes it" }) },
	async (t) => {
		const result = space.runtime.command(["list"], { globals: ["--root", "/"] });
		t.equal(result.status, 1);
	},
);

t.test("usage errors", { skip: unlessPeer({ crun: "has words of its own" }) }, async (t) => {
	for (const args of [
		["start"],
		["start", "a", "b"],
		["state"],
		["kill"],
		["delete"],
		["create"],
		["no-such-command"],
		["create", "--no-such-option", "x"],
	]) {
		const result = space.runtime.command(args);
		t.not(result.status, 0, args.join(" "));
	}
	const result = space.runtime.command(["start"]);
	t.equal(result.status, 1);
	t.match(result.stderr, /"start" requires exactly 1 argument/);
});

nothingLeft(t, space);
