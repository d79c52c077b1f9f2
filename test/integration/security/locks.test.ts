/** Locks that a container takes on what it can see of the host. */
import t from "tap";
import { end, exec, start } from "../../support/exec.js";
import { oursOnly } from "../../support/runtime.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);

t.test("flock(2) on its own cgroups keeps nobody waiting", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "cgroup");
		config.mounts = config.mounts.filter(({ destination }) => destination !== "/sys/fs/cgroup");
		config.mounts.push({
			destination: "/sys/fs/cgroup",
			type: "cgroup",
			source: "cgroup",
			options: ["nosuid", "noexec", "nodev", "ro"],
		});
		config.process.args = ["/bin/sh", "-c", "exec probe lock /sys/fs/cgroup/*"];
	});
	start(container);
	await container.printed("locked");
	t.notMatch(container.output, "locked 0");
	const command = (...args: string[]) => container.runtime.command(args, { timeoutMs: 5000 });
	t.equal(command("update", "--pids-limit", "100", container.id).status, 0, "update");
	t.equal(command("pause", container.id).status, 0, "pause");
	t.equal(command("resume", container.id).status, 0, "resume");
	t.equal(command("state", container.id).status, 0, "state");
	t.equal(exec(container, "", "/bin/true").status, 0, "exec");
	end(container);
});

t.test("a created container whose init does not answer: a neighbour in its pid namespace may stop it", async (t) => {
	const container = space.container();
	t.equal(container.create().status, 0);
	const { pid } = container.state();
	process.kill(pid, "SIGSTOP");
	for (let round = 0; round < 8; round++) {
		const result = container.runtime.command(["state", container.id], { timeoutMs: 3000 });
		t.match(result.stdout, /"status": ?"created"/, `state, time ${round}`);
	}
	t.match(container.runtime.command(["list"], { timeoutMs: 3000 }).stdout, new RegExp(`${container.id} .*created`));
	t.equal(container.runtime.command(["delete", "--force", container.id], { timeoutMs: 5000 }).status, 0);
});

nothingLeft(t, space);
