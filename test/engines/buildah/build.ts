/** `buildah build`: each RUN is a container of the runtime. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Buildah } from "./buildah.js";

export function buildahBuilds(t: Test, buildah: Buildah): void {
	t.test("build: RUN, COPY, USER, ENV, WORKDIR", async (t) => {
		writeFileSync(join(buildah.context, "copied"), "of the context\n", { mode: 0o644 });
		const lines = [
			"COPY copied /copied",
			"ENV A=b",
			"WORKDIR /srv/made",
			"RUN echo $A >made && cat /copied >>made && pwd >>made",
			"USER 1000",
			"RUN id -u >/tmp/user",
			"USER root",
			"RUN cat /tmp/user >>made",
		];
		t.equal(await buildah.built("/srv/made/made", lines), "b\nof the context\n/srv/made\n1000");
	});

	t.test("build: a step that fails gives its status", async (t) => {
		const { status, stderr } = await buildah.build(["RUN exit 9"]);
		t.equal(status, 9);
		t.match(stderr, /exit status 9/);
	});

	t.test("build: RUN --mount=type=tmpfs, with a size, gone after the step", async (t) => {
		const made = await buildah.built("/made", [
			"RUN --mount=type=tmpfs,target=/scratch,tmpfs-size=4m grep ' /scratch ' /proc/self/mountinfo >/made && echo x >/scratch/file",
			"RUN ls -A /scratch | wc -l >>/made",
		]);
		t.match(made, / - tmpfs .*size=4096k.*\n0$/);
	});

	t.test("build: RUN --mount=type=secret, readable, not in the image", async (t) => {
		const secret = join(buildah.directory, "secret");
		writeFileSync(secret, "told to nobody\n", { mode: 0o644 });
		const lines = [
			"RUN --mount=type=secret,id=word cat /run/secrets/word >/made && stat -c %a /run/secrets/word >>/made",
			"RUN --mount=type=secret,id=word,target=/word,mode=0404 stat -c %a /word >>/made",
			"RUN ls /run/secrets 2>/dev/null | wc -l >>/made",
		];
		const made = await buildah.built("/made", lines, ["--secret", `id=word,src=${secret}`]);
		t.equal(made, "told to nobody\n400\n404\n0");
	});

	t.test("build: RUN --mount=type=bind, of the context, read-only; read-write does not reach it", async (t) => {
		writeFileSync(join(buildah.context, "bound"), "of the context\n", { mode: 0o644 });
		const made = await buildah.built("/made", [
			"RUN --mount=type=bind,source=bound,target=/bound cat /bound >/made; (echo no >/bound) 2>>/made; true",
		]);
		t.match(made, /^of the context\n.*(Read-only file system|Permission denied)/);
		t.equal(buildah.machine.read(join(buildah.context, "bound")), "of the context\n");
	});
}
