/** What a container does in a cgroup hierarchy that it may write to. */
import t from "tap";
import { start } from "../../support/exec.js";
import { oursOnly } from "../../support/runtime.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);

t.test("cgroups nested so deep that no path leads to them", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.mounts = config.mounts.filter(({ destination }) => destination !== "/sys/fs/cgroup");
		config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] });
		config.process.args = ["/bin/probe", "nest", "/sys/fs/cgroup/pids", "40"];
	});
	start(container);
	await container.printed("nested 40 inside");
	t.equal(container.runtime.command(["ps", "--format", "json", container.id]).status, 0, "ps");
	t.equal(container.runtime.command(["pause", container.id]).status, 0, "pause");
	t.equal(container.runtime.command(["resume", container.id]).status, 0, "resume");
	t.equal(container.kill("--all", "KILL").status, 0, "kill --all");
	const result = container.delete("--force");
	t.equal(result.status, 0, result.stderr);
});

nothingLeft(t, space);
