import t from "tap";
import { cgroupPath } from "../../src/cgroup/path.js";

t.test("cgroupsPath", async (t) => {
	const table: [string | undefined, string][] = [
		[undefined, "/c1"],
		["", "/c1"],
		["/a/b", "/a/b"],
		["a/b", "/a/b"],
		["//a/./b/", "/a/b"],
		["/a/..b", "/a/..b"],
	];
	for (const [given, expected] of table) t.equal(cgroupPath("c1", given), expected, String(given));
	for (const bad of ["/../x", "a/..", "..", "/", "/./"]) {
		t.throws(() => cgroupPath("c1", bad), { code: "config.invalid", context: { pointer: "/linux/cgroupsPath" } }, bad);
	}
});
