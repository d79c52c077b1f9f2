/** The resources that engines gave `update`, one after the other, on a running container. */
import { existsSync } from "node:fs";
import t from "tap";
import { updates } from "../engines/recorded/recorded.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const skip = existsSync("/sys/fs/cgroup/memory")
	? unlessPeer({ crun: "1.8 takes a limit of 0 for a limit" })
	: "the values are looked for in the files of cgroup v1";

/** By the name in the document: the controller, and its file. */
const files: Record<string, [string, string]> = {
	"memory.limit": ["memory", "memory.limit_in_bytes"],
	"cpu.shares": ["cpu", "cpu.shares"],
	"cpu.quota": ["cpu", "cpu.cfs_quota_us"],
	"cpu.period": ["cpu", "cpu.cfs_period_us"],
	"cpu.cpus": ["cpuset", "cpuset.cpus"],
	"pids.limit": ["pids", "pids.max"],
};

t.test("each takes effect; zeros, what is not named, and devices stay", { skip }, async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
		config.root.readonly = false;
		const { bounding = [], effective = [], permitted = [] } = config.process.capabilities ?? {};
		for (const set of [bounding, effective, permitted]) set.push("CAP_MKNOD");
		config.linux.resources = {
			devices: [
				{ allow: false, access: "rwm" },
				{ allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
			],
			memory: { limit: 256 << 20, swap: 256 << 20 },
			pids: { limit: 100 },
		};
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	const inside = (script: string) =>
		container.runtime.command(["exec", container.id, "/bin/sh", "-c", script]).stdout.trim();
	const values = () =>
		Object.fromEntries(
			Object.entries(files).map(([name, [controller, file]]) => [
				name,
				inside(`cat /sys/fs/cgroup/${controller}/${file}`),
			]),
		);
	let expected = values();
	t.equal(expected["memory.limit"], String(256 << 20));
	for (const { client, resources } of updates()) {
		const input = JSON.stringify(resources);
		const result = container.runtime.command(["update", "--resources", "-", container.id], { input });
		t.same([result.status, result.stderr], [0, ""], `${client}: ${input}`);
		for (const name of Object.keys(files)) {
			const [group = "", key = ""] = name.split(".");
			const value = resources[group]?.[key];
			if (value !== undefined && value !== 0) expected = { ...expected, [name]: String(value) };
		}
		t.same(values(), expected, client);
		t.equal(
			inside("head -c 1 /dev/zero | wc -c; probe mknod /tmp/k 1 11 && probe open-read /tmp/k; rm /tmp/k"),
			"1\nok 0\nEPERM",
		);
	}
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

nothingLeft(t, space);
