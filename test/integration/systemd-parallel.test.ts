/** Twenty containers at once, each with a unit of its own: systemd is asked by all of them together. */
import { once } from "node:events";
import t from "tap";
import { oursOnly, Runtime } from "../support/runtime.js";
import { cgroupOf, inUnit, noSystemd, removeSlices, systemctl } from "../support/systemd.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

if (oursOnly || noSystemd) {
	t.plan(0, oursOnly || noSystemd || "");
	process.exit(0);
}

const space = workspace(t);
const slice = `${space.token}.slice`;
t.teardown(() => systemctl("stop", slice));

t.test("twenty at once: none fails, no unit is left", async (t) => {
	const containers = Array.from({ length: 20 }, () =>
		inUnit(space, ({ linux, process }) => {
			linux.cgroupsPath = `${slice}:pre:${linux.cgroupsPath.slice(1)}`;
			process.args = ["/bin/sleep", "1000"];
		}),
	);
	const failures: string[] = [];
	async function command({ runtime }: Container, args: string[]): Promise<void> {
		const child = runtime.spawn(args, { stdio: ["ignore", "ignore", "pipe"], env: Runtime.environment() });
		let stderr = "";
		child.stderr?.on("data", (data: Buffer) => {
			stderr += data;
		});
		// Not `close`: a created container keeps the pipe open.
		const [status] = (await once(child, "exit")) as [number | null];
		if (status !== 0) failures.push(`${args.join(" ")}: ${status}: ${stderr}`);
	}
	await Promise.all(containers.map((one) => command(one, ["create", "--bundle", one.bundle.path, one.id])));
	t.same(failures, []);
	for (const one of containers)
		t.match(cgroupOf(one.state().pid, "pids"), new RegExp(`/${slice}/pre-${one.id}\\.scope$`));
	await Promise.all(containers.map((one) => command(one, ["delete", "--force", one.id])));
	t.same(failures, []);
	t.same(removeSlices(space), []);
});

nothingLeft(t, space);
