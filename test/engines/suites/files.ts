/** A container's file system from outside: cp, diff, commit, export. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { type Engine, image } from "../engine.js";

export function files(t: Test, engine: Engine): void {
	const { shared, machine } = engine;

	t.test("diff: what a running container added, changed and deleted", async (t) => {
		const name = await engine.sleeping();
		const change = "echo new >/added; echo more >>/etc/group; rm /data/from-image";
		await engine.ok("exec", name, "/bin/sh", "-c", change);
		const lines = (await engine.ok("diff", name)).split("\n");
		for (const line of ["A /added", "C /etc/group", "D /data/from-image"]) t.ok(lines.includes(line), line);
		t.notOk(lines.includes("C /etc/passwd"));
		await engine.remove(name);
	});

	t.test("commit: of a running container, which goes on", async (t) => {
		const name = await engine.sleeping();
		await engine.ok("exec", name, "/bin/sh", "-c", "echo kept >/kept");
		await engine.ok("commit", "--change", 'CMD ["cat", "/kept"]', name, "committed:1");
		t.equal(await engine.ok("exec", name, "echo", "alive"), "alive");
		t.equal(await engine.ok("run", "--rm", "committed:1"), "kept");
		await engine.remove(name);
		await engine.ok("rmi", "committed:1");
	});

	t.test("export and import", async (t) => {
		const name = await engine.detached([], ["/bin/sh", "-c", "echo exported >/file"]);
		await engine.ok("wait", name);
		const archive = join(shared, "exported.tar");
		await engine.ok("export", "--output", archive, name);
		await engine.ok("import", archive, "imported:1");
		t.equal(await engine.ok("run", "--rm", "imported:1", "cat", "/file"), "exported");
		await engine.remove(name);
		await engine.ok("rmi", "imported:1");
	});

	t.test("cp: into a container that was never started, and out of one that has stopped", async (t) => {
		const name = engine.unusedName();
		await engine.ok("create", "--name", name, image, "/bin/sh", "-c", "cat /given; echo left >/left");
		writeFileSync(join(shared, "given"), "given\n");
		await engine.ok("cp", join(shared, "given"), `${name}:/given`);
		t.equal((await engine.run(["start", "--attach", name])).stdout, "given\n");
		await engine.ok("cp", `${name}:/left`, join(shared, "left-behind"));
		t.equal(machine.read(join(shared, "left-behind")), "left\n");
		await engine.remove(name);
	});

	t.test("cp: into a volume of a running container", async (t) => {
		const name = await engine.sleeping(["--volume", "/volume"]);
		writeFileSync(join(shared, "given"), "given\n");
		await engine.ok("cp", join(shared, "given"), `${name}:/volume/given`);
		t.equal(await engine.ok("exec", name, "cat", "/volume/given"), "given");
		await engine.remove("--volumes", name);
	});
}
