/** --pid-file where something is already: what must not be lost to it. The devices are the test's own. */
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import t from "tap";
import { oursOnly } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("a file, or a link that leads to none, is replaced", async (t) => {
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const [file, link] = [space.path("file"), space.path("link")];
	writeFileSync(file, "something much longer than a pid");
	symlinkSync("nowhere", link);
	t.equal(container.create(["--pid-file", file]).status, 0);
	t.equal(readFileSync(file, "utf8"), String(container.state().pid));
	t.equal(container.start().status, 0);
	t.equal(container.runtime.command(["exec", "--pid-file", link, container.id, "true"]).status, 0);
	t.ok(lstatSync(link).isFile());
	t.equal(container.delete("--force").status, 0);
});

t.test("a device, a fifo, or a link to one stays, and nothing is left behind", { skip: oursOnly }, async (t) => {
	const [device, fifo, link] = [space.path("null"), space.path("fifo"), space.path("stdout")];
	execFileSync("mknod", [device, "c", "1", "3"]);
	execFileSync("mkfifo", [fifo]);
	symlinkSync(device, link);
	const container = space.container((config) => {
		config.process.args = ["/bin/sleep", "1000"];
	});
	const { id, runtime } = container;
	const refusal = /unable to write pid file: \S+ is there, and no regular file\nhint: /;
	const unharmed = (what: string) => {
		t.ok(lstatSync(device).isCharacterDevice(), what);
		t.ok(lstatSync(fifo).isFIFO(), what);
		t.equal(readlinkSync(link), device, what);
	};
	for (const path of [device, fifo, link]) {
		t.match(container.create(["--pid-file", path]), { status: 1, stderr: refusal });
		t.match(container.run(["--detach", "--pid-file", path]), { status: 1, stderr: refusal });
		unharmed(path);
	}
	t.same(runtime.command(["list", "-q"]).stdout, "");
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	for (const path of [device, fifo, link]) {
		const exec = (...more: string[]) => runtime.command(["exec", ...more, "--pid-file", path, id, "true"]);
		t.match(exec(), { status: 255, stderr: refusal });
		t.match(exec("--detach"), { status: 255, stderr: refusal });
		unharmed(`exec ${path}`);
	}
	t.equal(container.delete("--force").status, 0);
});

nothingLeft(t, space);
