import t from "tap";
import { expandSlice, unitName } from "../../src/cgroup/unit-name.js";

t.test("slice:prefix:name, with runc's defaults", async (t) => {
	const table: [string | undefined, boolean, object][] = [
		[
			undefined,
			false,
			{ unit: "runtime-ts-c1.scope", slice: "system.slice", path: "/system.slice/runtime-ts-c1.scope" },
		],
		["", true, { unit: "runtime-ts-c1.scope", slice: "user.slice", path: "/user.slice/runtime-ts-c1.scope" }],
		["machine.slice:libpod:abc", false, { unit: "libpod-abc.scope", path: "/machine.slice/libpod-abc.scope" }],
		["::x", false, { unit: "x.scope", slice: "system.slice", path: "/system.slice/x.scope", kind: "scope" }],
		["-.slice::x", false, { unit: "x.scope", path: "/x.scope" }],
		["a-b.slice:p:x.service", false, { unit: "p-x.service.scope", path: "/a.slice/a-b.slice/p-x.service.scope" }],
		["a.slice:ignored:a-pod.slice", false, { unit: "a-pod.slice", kind: "slice", path: "/a.slice/a-pod.slice" }],
	];
	for (const [given, user, expected] of table) t.match(unitName("c1", given, user), expected, String(given));
});

t.test("what is no such name is refused, and says which value", async (t) => {
	const table: [string, RegExp][] = [
		["/a/b", /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a\/b" instead/],
		["a.slice:b", /slice:prefix:name/],
		["a.slice:b:c:d", /slice:prefix:name/],
		["a.slice:b:", /slice:prefix:name/],
		["a:b:c", /invalid slice name: a$/],
		["a--b.slice:b:c", /invalid slice name/],
		["-a.slice:b:c", /invalid slice name/],
		["a/b.slice:b:c", /invalid slice name/],
		[".slice:b:c", /invalid slice name/],
		["a.slice:b:x/y", /"b-x\/y.scope" can't be the name of a systemd unit/],
		[`a.slice::${"x".repeat(250)}`, /can't be the name/],
		["a.slice::-x.slice", /invalid slice name/],
	];
	for (const [given, message] of table)
		t.throws(
			() => unitName("c1", given, false),
			{ code: "config.invalid", message, context: { pointer: "/linux/cgroupsPath" } },
			given,
		);
	t.throws(
		() => unitName("c+1", undefined, false),
		/"runtime-ts-c\+1.scope" can't be/,
		"an id may have what a unit can't",
	);
});

t.test("dashes are slashes", async (t) => {
	t.equal(expandSlice("a.slice"), "/a.slice");
	t.equal(expandSlice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
	t.equal(expandSlice("-.slice"), "/");
});
