/** exec into a restored container: it gets what one into the container's first life got. */
import { mkdirSync } from "node:fs";
import t from "tap";
import type { Edit } from "../support/bundle.js";
import { checkpoint, piped, withoutCriu } from "../support/criu.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const skip = withoutCriu;
let count = 0;

async function twice(edit: Edit): Promise<Container> {
	const container = space.container((config, bundle) => {
		config.process.args = ["/bin/sleep", "1000"];
		config.root.readonly = false;
		edit(config, bundle);
	});
	const { id, bundle } = container;
	const number = ++count;
	const first = await piped(container, ["run", "--detach", "--bundle", bundle.path, id], space.path(`first${number}`));
	if (first.status !== 0) throw new Error(first.error);
	const images = space.path(`images${number}`);
	mkdirSync(images);
	const saved = checkpoint(container, images);
	if (saved.status !== 0) throw new Error(saved.error);
	const words = ["restore", "--detach", "--image-path", images, "--bundle", bundle.path, id];
	const second = await piped(container, words, space.path(`second${number}`));
	if (second.status !== 0) throw new Error(second.error);
	return container;
}

t.test("with the container's seccomp filter", { skip }, async (t) => {
	const container = await twice((config) => {
		config.linux.seccomp = {
			defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
		};
	});
	const script = "grep ^Seccomp: /proc/self/status /proc/1/status; mkdir /tmp/new";
	const { stdout, stderr } = container.runtime.command(["exec", container.id, "/bin/sh", "-c", script]);
	t.equal(stdout, "/proc/self/status:Seccomp:\t2\n/proc/1/status:Seccomp:\t2\n", stderr);
	t.match(stderr, /not supported/i);
	t.equal(container.delete("--force").status, 0);
});

nothingLeft(t, space);
