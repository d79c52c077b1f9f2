import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const skip = oursOnly;
const file = ({ id }: Container): string => `${space.root}/${id}/state.json`;

function sleeper(): Container {
	return space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
}

function list(): { ids: string[]; status: number | null; stderr: string } {
	const result = space.runtime.command(["list", "-q"], { globals: [] });
	return { ids: result.stdout.split("\n").filter(Boolean), status: result.status, stderr: result.stderr };
}

t.test("a state.json that is cut off, empty, or of another program", { skip }, async (t) => {
	const healthy = sleeper();
	t.equal(healthy.create().status, 0);
	const record = readFileSync(file(healthy), "utf8");
	const without = (name: string) => JSON.stringify({ ...JSON.parse(record), [name]: null });
	const damaged = ["config", "cgroup_paths", "runtime_ts"].map(without);
	for (const text of ['{"id":"x","init_pro', "", "[]", '{"id":"x","init_process_pid":1}', ...damaged]) {
		const broken = space.container();
		mkdirSync(`${space.root}/${broken.id}`);
		writeFileSync(file(broken), text);
		for (const args of [["state"], ["kill"], ["start"], ["delete"]]) {
			const result = space.runtime.command([...args, broken.id]);
			t.equal(result.status, 1, `${args} of ${text}`);
			t.match(result.stderr, /unable to read container state: .*state\.json is not a record of runtime-ts/);
			t.match(result.stderr, /hint: `delete --force` removes the directory/);
		}
		t.equal(broken.create().status, 1, "the id is taken");
		const { ids, status, stderr } = list();
		t.equal(status, 0, "one that is broken does not hide the others");
		t.same(ids, [healthy.id]);
		t.match(stderr, `load container ${broken.id}`);
		t.equal(broken.delete("--force").status, 0);
		t.equal(list().stderr, "");
	}
	t.equal(healthy.delete("--force").status, 0);
});

t.test("a state directory without state.json: its create was killed at once", { skip }, async (t) => {
	const early = space.container();
	const make = (): void => mkdirSync(`${space.root}/${early.id}`);
	make();
	for (const command of ["state", "kill", "start"]) {
		const result = space.runtime.command([command, early.id]);
		t.equal(result.status, 1, command);
		t.match(result.stderr, /container does not exist/, command);
	}
	t.same(list(), { ids: [], status: 0, stderr: "" });
	t.equal(early.delete("--force").status, 0);
	t.same(space.leaks(), []);
	make();
	const result = early.delete();
	t.equal(result.status, 1, "there was no container");
	t.match(result.stderr, /container does not exist/);
	t.same(space.leaks(), [], "and there is none now");
});

t.test("the pid belongs to another process by now: it is never touched", { skip }, async (t) => {
	const bystander = sleeper();
	t.equal(bystander.create().status, 0);
	t.equal(bystander.start().status, 0);
	const { pid } = bystander.state();
	const stale = space.container();
	t.equal(stale.create().status, 0);
	const record = JSON.parse(readFileSync(file(stale), "utf8"));
	process.kill(record.init_process_pid, "SIGKILL");
	await stale.stopped();
	record.init_process_pid = pid;
	writeFileSync(file(stale), JSON.stringify(record));
	t.match(stale.state(), { status: "stopped", pid: 0 });
	const kill = stale.kill("KILL");
	t.equal(kill.status, 1);
	t.match(kill.stderr, /container not running/);
	t.match(stale.start().stderr, /cannot start a container that has stopped/);
	t.same(list().ids, [bystander.id, stale.id]);
	t.equal(stale.delete().status, 0);
	t.equal(bystander.state().status, "running");
	t.equal(bystander.delete("--force").status, 0);
});

t.test(
	"a record cut off while the container runs: --force removes the directory, the rest is told",
	{ skip },
	async (t) => {
		const container = sleeper();
		t.equal(container.create().status, 0);
		const text = readFileSync(file(container), "utf8");
		truncateSync(file(container), 40);
		t.equal(container.delete().status, 1);
		writeFileSync(file(container), text);
		t.equal(container.state().status, "created");
		t.equal(container.delete("--force").status, 0);
	},
);

nothingLeft(t, space);
