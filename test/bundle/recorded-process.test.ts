/** The files that engines gave `exec --process`. */
import t from "tap";
import { parseProcess } from "../../src/bundle/process-file.js";
import { configs } from "../engines/recorded/recorded.js";

const files = Object.entries(configs()).filter(([name]) => name.endsWith(".process"));
t.ok(files.length > 0);

for (const [name, file] of files) {
	t.test(name, async (t) => {
		const { process, diagnostics } = parseProcess(JSON.stringify(file));
		t.same(
			diagnostics.filter(({ severity }) => severity === "error"),
			[],
		);
		const { args, cwd } = file as { args: string[]; cwd: string };
		t.same([process.args, process.cwd], [args, cwd]);
	});
}
