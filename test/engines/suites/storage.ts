/** Volumes, bind mounts, tmpfs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Engine } from "../engine.js";

export function storage(t: Test, engine: Engine): void {
	const { shared } = engine;
	writeFileSync(join(shared, "file"), "of the host\n");

	t.test("run --volume: a directory of the host, read-write and read-only", async (t) => {
		const flags = ["--volume", `${shared}:/one`, "--volume", `${shared}:/two/deep:ro`];
		const answers = await engine.inside(flags, {
			write: "cat /one/file; echo inside >/one/written && cat /two/deep/written",
			readOnly: "touch /two/deep/no",
		});
		t.equal(answers.write, "of the host\ninside");
		t.match(answers.readOnly, /Read-only file system/);
		t.equal(engine.machine.read(join(shared, "written")), "inside\n");
	});

	t.test("run --volume: a file over a file of the image", async (t) => {
		const { content } = await engine.inside(["--volume", `${shared}/file:/etc/group:ro`], {
			content: "cat /etc/group",
		});
		t.equal(content, "of the host");
	});

	t.test("run --volume: a named volume has the image's files, and keeps what is written", async (t) => {
		const volume = engine.unusedName();
		const first = await engine.inside(["--volume", `${volume}:/data`], {
			files: "cat /data/from-image; echo kept >/data/new",
		});
		t.equal(first.files, "of the image");
		const second = await engine.inside(["--volume", `${volume}:/data`], { files: "cat /data/new" });
		t.equal(second.files, "kept");
		await engine.ok("volume", "rm", volume);
	});

	t.test("run --mount: propagation", async (t) => {
		const mount = `type=bind,source=${shared},target=/one,bind-propagation=rslave`;
		const { line } = await engine.inside(["--mount", mount], { line: "grep ' /one ' /proc/self/mountinfo" });
		t.match(line, / master:\d+ /);
	});

	t.test("run --tmpfs", async (t) => {
		const { line, written } = await engine.inside(["--tmpfs", "/scratch:size=4m,mode=1770,noexec"], {
			line: "grep ' /scratch ' /proc/self/mountinfo; stat -c %a /scratch",
			written: "dd if=/dev/zero of=/scratch/big bs=1M count=8",
		});
		t.match(line, /noexec.* tmpfs .*size=4096k/);
		t.match(line, /\n1770$/);
		t.match(written, /No space left on device/);
	});

	t.test("run --volumes-from", async (t) => {
		const name = await engine.sleeping(["--volume", "/anonymous"]);
		await engine.ok("exec", name, "/bin/sh", "-c", "echo shared >/anonymous/file");
		const { file } = await engine.inside(["--volumes-from", name], { file: "cat /anonymous/file" });
		t.equal(file, "shared");
		await engine.remove("--volumes", name);
	});
}
