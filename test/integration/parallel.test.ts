import { once } from "node:events";
import t from "tap";
import { Runtime } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("200 rounds of create, start, delete, 20 at a time: none fails, nothing leaks", async (t) => {
	// A bundle for each of the 20: its cgroup path is used again by the next container at once.
	const containers = Array.from({ length: 20 }, () => space.container());
	const { runtime } = space;
	const failures: string[] = [];

	async function command(args: string[]): Promise<void> {
		const child = runtime.spawn(args, { stdio: ["ignore", "ignore", "pipe"], env: Runtime.environment() });
		let stderr = "";
		child.stderr?.on("data", (data: Buffer) => {
			stderr += data;
		});
		// Not `close`: a created container keeps the pipe open.
		const [status] = (await once(child, "exit")) as [number | null];
		if (status !== 0) failures.push(`${args.join(" ")}: ${status}: ${stderr}`);
	}

	const begin = Date.now();
	async function worker({ bundle, id: name }: Container): Promise<void> {
		for (let round = 0; round < 10; round++) {
			const id = `${name}-${round}`;
			await command(["create", "--bundle", bundle.path, id]);
			await command(["start", id]);
			await command(["delete", "--force", id]);
		}
	}
	await Promise.all(containers.map(worker));
	t.comment(`600 commands in ${Date.now() - begin} ms`);
	t.same(failures, []);
});

nothingLeft(t, space);
