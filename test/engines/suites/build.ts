/** Images, built by the engine: its RUN steps are containers of the runtime. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { image } from "../image.js";

/** `builders`: by name, the environment and the words of `build` that choose each. */
export function builds(
	t: Test,
	engine: Engine,
	builders: Record<string, { env?: Record<string, string>; flags?: string[] }>,
): void {
	for (const [builder, { env = {}, flags = [] }] of Object.entries(builders)) {
		t.test(`build with ${builder}`, async (t) => {
			const context = join(engine.shared, builder.replaceAll(" ", "-"));
			mkdirSync(context);
			writeFileSync(join(context, "copied"), "of the context\n");
			const lines = [
				`FROM ${image}`,
				"COPY copied /copied",
				"ENV A=b",
				"WORKDIR /work",
				"RUN echo $A >/made && cat /copied >>/made && pwd >>/made && id -u >>/made",
				"USER 1000",
				"RUN id -u >/tmp/user",
			];
			writeFileSync(join(context, "Dockerfile"), lines.join("\n"));
			const name = `built-by-${builder.replaceAll(" ", "-").toLowerCase()}`;
			const answer = await engine.run(["build", ...flags, "--tag", name, context], {
				env: { ...engine.options.env, ...env },
			});
			t.equal(answer.status, 0, answer.stderr);
			const made = await engine.ok("run", "--rm", name, "cat", "/made", "/tmp/user");
			t.equal(made, "b\nof the context\n/work\n0\n1000");
			writeFileSync(join(context, "Dockerfile"), `FROM ${image}\nRUN exit 9\n`);
			const failing = await engine.run(["build", ...flags, context], { env: { ...engine.options.env, ...env } });
			t.not(failing.status, 0);
			t.match(failing.stderr + failing.stdout, /(exit code:?|non-zero code:|exit status) 9/);
			await engine.ok("rmi", "--force", name);
		});
	}
}
