/** ociVersion: config.md, "Specification version" (SemVer 2.0.0, every minor version of 1 up to the runtime's own). */
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("accepted, and the state has it as it was given", { skip: oursOnly }, async (t) => {
	for (const version of ["1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.1.0+dev", "1.2.1", "1.3.0", "1.3.7-rc.1"]) {
		const container = space.container((config) => {
			config.ociVersion = version;
			config.process.args = ["/bin/echo", "runs"];
		});
		const created = container.create();
		t.equal(created.status, 0, created.stderr);
		t.equal(container.state().ociVersion, version);
		t.equal(container.start().status, 0);
		await container.printed("runs\n");
		t.equal(container.delete("--force").status, 0);
	}
});

t.test("refused, and nothing is made", { skip: oursOnly }, async (t) => {
	const wrong = "expected a version like 1.3.0 \\(SemVer 2.0.0\\)";
	const other = "expected a version from 1.0.0 to 1.3.0";
	for (const [version, message] of [
		["1.4.0", other],
		["1.30.0", other],
		["0.9.0", other],
		["2.0.0", other],
		["1.3", wrong],
		["v1.3.0", wrong],
		["1.03.0", wrong],
		["1.3.0-", wrong],
		["", wrong],
	] as const) {
		const container = space.container((config) => {
			config.ociVersion = version;
		});
		const result = container.create();
		t.equal(result.status, 1, version);
		t.match(result.error, new RegExp(`#/ociVersion: ${message}; found "${version.replaceAll(".", "\\.")}"`));
		t.throws(() => container.state(), /does not exist/);
	}
});

nothingLeft(t, space);
