/** `exec --explain` and `--trace exec`: what would be done, and how long it takes. */
import { readdirSync, writeFileSync } from "node:fs";
import t from "tap";
import { end, exec, sleeping } from "../support/exec.js";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

if (oursOnly) {
	t.plan(0, oursOnly);
	process.exit(0);
}

const shared = sleeping(space, (config) => {
	config.process.user = { uid: 7, gid: 8, umask: 0o22 };
});

/** Names of the steps of a plan as text, and the lines. */
const steps = (text: string) => [...text.matchAll(/^ +\d+ {2}(\S+)/gm)].map(([, op]) => op);

t.test("each step, and the option or the value that it comes from", async (t) => {
	const result = exec(shared, ["--explain", "--user", "5:6", "--cwd", "/tmp", "--no-new-privs"], ["ls", "-l"]);
	t.equal(result.status, 0, result.stderr);
	const [head] = result.stdout.split("\n");
	t.equal(head, `plan of an exec in ${shared.id}`);
	t.match(result.stdout, /^ +1 {2}container\.join +join the namespaces of process \d+$/m);
	t.match(result.stdout, /^ +\d+ {2}process\.user +become user 5:6, umask 0022 +--user$/m);
	t.match(result.stdout, /^ +\d+ {2}process\.cwd +change directory to \/tmp +--cwd$/m);
	t.match(result.stdout, /^ +\d+ {2}process\.noNewPrivileges .* --no-new-privs$/m);
	t.match(result.stdout, /^ +\d+ {2}capabilities\.bound .* config\.json#\/process\/capabilities$/m);
	t.match(result.stdout, /^ +\d+ {2}exec +exec ls -l +arguments$/m);
	t.match(result.stdout, /\n\nthe init, in the namespaces of the host\n[^\n]*\n +2 {2}clone +start the process\n/);
	t.match(result.stdout, "\n\nthe process, in the container\n");
	const own = exec(shared, ["--explain"], ["ls"]).stdout;
	t.match(own, /become user 7:8, umask 0022 +config\.json#\/process\/user$/m);
});

t.test("a process.json", async (t) => {
	const file = space.path("process.json");
	writeFileSync(
		file,
		JSON.stringify({
			args: ["true"],
			cwd: "/tmp",
			user: { uid: 3, gid: 4 },
			ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 },
		}),
	);
	const { stdout, stderr } = exec(shared, ["--explain", "--process", file], []);
	t.match(stdout, /become user 3:4, umask 0022 +process\.json#\/user$/m, stderr);
	t.match(stdout, /process\.ioPriority .*process\.json#\/ioPriority$/m);
});

t.test("--json: the plan, as the init would get it", async (t) => {
	const result = exec(shared, ["--explain", "--json"], ["ls"]);
	const plan = JSON.parse(result.stdout);
	t.match(plan, { version: 1, id: shared.id, host: [], warnings: [] });
	t.same(
		plan.init.map(({ op }: { op: string }) => op),
		steps(exec(shared, ["--explain"], ["ls"]).stdout),
	);
	t.equal(plan.init[0].pid, shared.state().pid);
	t.match(exec(shared, ["--json"], ["ls"]), { status: 1, stderr: /^--json is for --explain/ });
});

t.test("nothing is started, and nothing written", async (t) => {
	const before = readdirSync(space.directory);
	const file = space.path("explained.pid");
	const result = exec(shared, ["--explain", "--pid-file", file], ["touch", "/tmp/made"]);
	t.equal(result.status, 0, result.stderr);
	t.same(readdirSync(space.directory), before);
	t.equal(exec(shared, [], ["ls", "/tmp"]).stdout, "");
	t.equal(exec(shared, ["--explain"], ["no-such-program"]).status, 0, "which the kernel would have said");
});

t.test("what exec would refuse at once", async (t) => {
	const refused = (options: string[], words: string[], message: RegExp) =>
		t.match(exec(shared, ["--explain", ...options], words), { status: 255, stdout: "", stderr: message });
	refused([], [], /^exec failed: exec args cannot be empty/);
	refused(["--user", "root"], ["ls"], /^exec failed: bad uid/);
	refused(["--preserve-fds", "4"], ["ls"], /^exec failed: unable to stat preserved-fd/);
	refused(["--tty", "--detach"], ["ls"], /^exec failed: cannot allocate tty/);
	const unknown = shared.runtime.command(["exec", "--explain", `${space.token}-nobody`, "ls"]);
	t.match(unknown, { status: 255, stderr: /^exec failed: container does not exist/ });
	const { runtime, id } = shared;
	t.equal(runtime.command(["pause", id]).status, 0);
	refused([], ["ls"], /^exec failed: cannot exec in a paused container/);
	t.equal(exec(shared, ["--explain", "--ignore-paused"], ["ls"]).status, 0);
	t.equal(runtime.command(["resume", id]).status, 0);
});

t.test("--trace: the time of each step, and the program's own output and status", async (t) => {
	const argv = ["exec", "--user", "5:6", shared.id, "sh", "-c", "echo out; exit 3"];
	const result = shared.runtime.command(argv, { globals: ["--trace"] });
	t.equal(result.status, 3);
	t.equal(result.stdout, "out\n");
	const lines = result.stderr.trimEnd().split("\n");
	for (const line of lines) t.match(line, /^ *\d+ µs {2}\S/);
	t.match(lines.at(-1), /µs {2}in all$/);
	const traced = lines.slice(0, -1).map((line) => line.trim().split(/ +/)[2]);
	const planned = steps(exec(shared, ["--explain", "--user", "5:6"], ["sh"]).stdout);
	t.same(traced, [...planned.slice(0, -1), "start.wait"], "all before the program");
	t.match(result.stderr, /process\.user +--user\n/);
});

t.test("the end of the container", async () => end(shared));

nothingLeft(t, space);
