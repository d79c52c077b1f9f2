import { execFileSync } from "node:child_process";
import t from "tap";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
/** File system, inode and device number of what a path leads to. */
const identity = (path: string) => `stat -L -c '%d %i %t:%T' ${path}`;
const questions = { input: identity("/proc/self/fd/0"), null: identity("/dev/null") };
const options = { shell: "exec </dev/null;" };
const ofHost = execFileSync("stat", ["-L", "-c", "%d %i %t:%T", "/dev/null"], { encoding: "utf8" }).trim();

const skip = unlessPeer({ crun: "leaves it as it is", runc: "has pipes of its own in the foreground" });
t.test("the host's /dev/null as a standard stream becomes the container's", { skip }, async (t) => {
	const seen = space.inside(() => {}, questions, options);
	t.not(seen.null, ofHost);
	t.equal(seen.input, seen.null);
});

nothingLeft(t, space);
