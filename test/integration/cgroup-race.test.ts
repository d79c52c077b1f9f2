import { once } from "node:events";
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test(
	"of creates at once with the same cgroupsPath one succeeds, and the others touch nothing of it",
	{ skip: oursOnly },
	async (t) => {
		for (let round = 0; round < 15; round++) {
			const containers = Array.from({ length: 3 }, () =>
				space.container((config) => {
					config.linux.cgroupsPath = `/${space.token}-shared`;
					config.process.args = ["/bin/sleep", "1000"];
				}),
			);
			const outcomes = await Promise.all(
				containers.map(async (container) => {
					const child = container.runtime.spawn(["create", "--bundle", container.bundle.path, container.id], {
						stdio: ["ignore", "ignore", "pipe"],
					});
					let stderr = "";
					child.stderr?.on("data", (data: Buffer) => {
						stderr += data;
					});
					const closed = once(child, "close");
					const [status] = (await once(child, "exit")) as [number | null];
					// A created container keeps the pipe open.
					if (status !== 0) await closed;
					return { container, status, stderr };
				}),
			);
			const winners = outcomes.filter(({ status }) => status === 0);
			t.equal(winners.length, 1, `round ${round}: ${outcomes.map(({ status }) => status)}`);
			for (const { status, stderr } of outcomes) if (status !== 0) t.match(stderr, /container's cgroup is not empty/);
			for (const { container } of winners) {
				t.equal(container.state().status, "created");
				t.equal(container.start().status, 0);
				t.equal(container.delete("--force").status, 0);
			}
		}
	},
);

nothingLeft(t, space);
