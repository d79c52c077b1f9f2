/** checkpoint and restore where they can't be had, on any kernel. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Caller } from "../support/caller.js";
import { checkpoint, criuWorks, restore } from "../support/criu.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("what is asked for is checked before criu is", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.match(checkpoint(container, space.path("i")).error, /^container does not exist$/);
	t.equal(container.create().status, 0);
	t.match(checkpoint(container, space.path("i")).error, /^Container cannot be checkpointed in created state$/);
	t.equal(container.start().status, 0);
	const table: [string[], RegExp][] = [
		[["--manage-cgroups-mode", "loud"], /^invalid manage-cgroups-mode value$/],
		[["--empty-ns", "pid"], /^namespace "pid" is not supported$/],
		[["--page-server", "somewhere"], /^Use --page-server ADDRESS:PORT to specify page server$/],
		[["--page-server", "127.0.0.1:x"], /^Invalid port number$/],
		[["--parent-path", "/absolute"], /^--parent-path must be relative$/],
		[["--parent-path", "../nowhere"], /^invalid --parent-path: stat .*nowhere: no such file or directory$/],
		[["--status-fd", "7"], /^--status-fd has a meaning only with --lazy-pages$/],
		[["--lazy-pages", "--status-fd", "99"], /^invalid --status-fd argument 99: bad file descriptor$/],
		[["--lazy-pages", "--status-fd", "0"], /^invalid --status-fd argument 0: not writable$/],
	];
	for (const [args, pattern] of table) {
		const result = checkpoint(container, space.path("i"), ...args);
		t.equal(result.status, 1);
		t.match(result.error, pattern, args.join(" "));
	}
	t.equal(container.state().status, "running");
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.match(checkpoint(container, space.path("i")).error, /^Container cannot be checkpointed in stopped state$/);
	t.equal(container.delete().status, 0);
});

t.test("a container without a mount namespace, and one whose criu is not there", { skip: oursOnly }, async (t) => {
	const bare = space.container((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "mount");
		delete config.linux.maskedPaths;
		delete config.linux.readonlyPaths;
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(bare.run(["--detach"]).status, 0);
	t.match(checkpoint(bare, space.path("i")).error, /without a mount namespace cannot be checkpointed/);
	t.equal(bare.delete("--force").status, 0);

	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(container.run(["--detach"]).status, 0);
	const command = ["checkpoint", "--image-path", space.path("i"), container.id];
	const missing = container.runtime.command(command, { env: { PATH: space.path("none") } });
	t.match(missing.error, /^exec: "criu": executable file not found in \$PATH$/);
	const named = container.runtime.command(["--criu", space.path("criu"), ...command]);
	t.match(named.error, /unable to start criu: .*no such file or directory/);
	t.equal(container.state().status, "running");
	t.equal(container.delete("--force").status, 0);
});

t.test("restore without images, or without a terminal's socket", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.process.terminal = true;
	});
	t.match(
		restore(container, space.path("nowhere")).error,
		/^open .*nowhere\/descriptors\.json: no such file or directory$/,
	);
	const images = space.path("some");
	mkdirSync(images);
	writeFileSync(`${images}/descriptors.json`, "{}");
	t.match(restore(container, images).error, /descriptors\.json is not a list of descriptors$/);
	writeFileSync(`${images}/descriptors.json`, "[]");
	t.match(
		restore(container, images, "--detach").error,
		/cannot allocate tty if runc will detach without setting console socket/,
	);
	t.match(
		restore(container, images, "--console-socket", "/x").error,
		/cannot use console socket if runc will not detach/,
	);
	t.notOk(existsSync(`${space.root}/${container.id}`));
});

t.test("a rootless container: criu takes the host's root", { skip: oursOnly }, async (t) => {
	const caller = new Caller(space, 4243);
	const container = caller.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const run = container.run(["--detach"]);
	t.equal(run.status, 0, run.stderr);
	const saving = checkpoint(container, join(caller.directory, "images"));
	t.equal(saving.status, 1);
	t.match(saving.error, /^checkpoint takes the host's root: criu cannot save a rootless container$/);
	t.notOk(existsSync(join(caller.directory, "images")));
	t.equal(container.state().status, "running");
	// Root's criu could not keep it the user's.
	const { runtime, id } = container;
	const ofRoot = space.runtime.command(["checkpoint", "--image-path", space.path("i"), id], {
		globals: ["--root", join(caller.runtimeDirectory, "runtime-ts")],
	});
	t.match(ofRoot.stderr, /criu cannot save a rootless container/);
	t.equal(container.delete("--force").status, 0);
	mkdirSync(join(caller.directory, "images"));
	writeFileSync(join(caller.directory, "images/descriptors.json"), "[]");
	const restoring = restore(container, join(caller.directory, "images"), "--detach");
	t.match(restoring.error, /^restore takes the host's root: criu cannot restore a rootless container$/);
	t.match(runtime.command(["state", id]).error, /does not exist/);
});

t.test("what Podman asks before it starts", { skip: oursOnly }, async (t) => {
	const { runtime } = space.container();
	t.equal(runtime.command(["checkpoint", "--help"]).status, 0);
	const probe = runtime.command(["restore", "--lsm-mount-context"], { globals: [] });
	t.match(`${probe.stdout}${probe.stderr}`, /flag needs an argument/);
});

t.test(
	"a criu that does not know this kernel is named, and the container runs on",
	{ skip: criuWorks === false ? oursOnly : "criu works on this kernel, or is not installed" },
	async (t) => {
		const container = space.container((config) => {
			config.process.args = ["/bin/sleep", "1000"];
		});
		t.equal(container.run(["--detach"]).status, 0);
		const result = checkpoint(container, space.path("new"));
		t.equal(result.status, 1);
		t.match(result.error, /^criu failed: type DUMP errno 0: Error /);
		t.match(result.error, /log file: .*new\/dump\.log$/);
		t.match(result.stderr, /this kernel/, "what to do about it");
		t.equal(container.state().status, "running");
		t.equal(container.delete("--force").status, 0);
	},
);

nothingLeft(t, space);
