/** linux.intelRdt: refused without resctrl, seen on the host with it (a container has no view of resctrl). */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const root = "/sys/fs/resctrl";
const mounted = existsSync(`${root}/schemata`);

t.test("without resctrl: the specification's error", { skip: mounted ? "resctrl is mounted" : oursOnly }, async (t) => {
	for (const intelRdt of [{}, { closID: "/" }, { l3CacheSchema: "L3:0=f" }, { enableMonitoring: true }]) {
		const container = space.container((config) => {
			config.linux.intelRdt = intelRdt;
		});
		const result = container.create();
		t.equal(result.status, 1);
		t.match(result.error, /intelRdt is specified in config, but Intel RDT is not enabled/);
	}
});

t.test("a group of the container's own", { skip: mounted ? false : "no resctrl filesystem is mounted" }, async (t) => {
	const monitoring = existsSync(`${root}/info/L3_MON`);
	const container = space.container((config) => {
		config.linux.intelRdt = { enableMonitoring: monitoring };
		config.process.args = ["/bin/sleep", "1000"];
	});
	const result = container.create();
	t.equal(result.status, 0, result.stderr);
	const group = `${root}/${container.id}`;
	const { pid } = container.state();
	const tasks = (path: string) => readFileSync(`${path}/tasks`, "utf8").split("\n");
	t.ok(tasks(group).includes(String(pid)));
	if (monitoring) t.ok(tasks(`${group}/mon_groups/${container.id}`).includes(String(pid)));
	t.equal(container.delete("--force").status, 0);
	t.notOk(existsSync(group));
});

nothingLeft(t, space);
