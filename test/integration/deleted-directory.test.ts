/**
 * A working directory that was deleted. The shims of containerd call the runtime for all containers of a pod from the
 * bundle of the pod's sandbox; they remove that when the sandbox's process has died, and then still have to look into the
 * other containers, to kill and to delete them.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
let count = 0;
/** The runtime, called from a directory that is gone. */
function gone(...words: string[]) {
	const directory = space.path(`gone${++count}`);
	mkdirSync(directory);
	const result = space.runtime.command(words, { shell: `cd ${directory} && rmdir ${directory} || exit 99;` });
	t.notOk(existsSync(directory));
	return result;
}

t.test("every command of a container's life", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const { id } = container;
	const done = (...words: string[]) => {
		const result = gone(...words);
		t.same([result.status, result.stderr], [0, ""], words.join(" "));
		return result.stdout;
	};
	const pidFile = space.path("pid");
	done("create", "--bundle", container.bundle.path, "--pid-file", pidFile, id);
	done("start", id);
	t.equal(String(container.state().pid), readFileSync(pidFile, "utf8"));
	t.equal(done("exec", "--cwd", "/tmp", id, "pwd"), "/tmp\n");
	t.match(done("ps", "--format", "json", id), /^\[\d+\]/);
	t.match(done("state", id), /"running"/);
	t.match(done("list", "--quiet"), id);
	done("kill", id, "KILL");
	await container.stopped();
	done("delete", id);
});

t.test("run", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sh", "-c", "echo here; exit 7"];
	});
	const { status, stdout } = gone("run", "--bundle", container.bundle.path, container.id);
	t.same([status, stdout], [7, "here\n"]);
});

t.test("help and completion, which yargs writes", { skip: oursOnly }, async (t) => {
	for (const words of [["--help"], ["update", "--help"], ["completion", "bash"]]) {
		const { status, stdout } = gone(...words);
		t.equal(status, 0);
		t.match(stdout, /runtime-ts/);
	}
});

t.test("a relative path means nothing there: an error, not another directory", async (t) => {
	const { bundle, id } = space.container();
	for (const [words, error] of [
		[["run", id], /config\.json not found|chdir \.: no such file or directory/],
		[["run", "--bundle", "somewhere", id], /somewhere.*no such file or directory/i],
		[["run", "--bundle", bundle.path, "--pid-file", "pid", id], /no such file or directory/],
	] as const) {
		const { status, stderr } = gone(...words);
		t.equal(status, 1);
		t.match(stderr, error);
	}
});

nothingLeft(t, space);
