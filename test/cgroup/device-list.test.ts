/** The list that the devices controller of v1 keeps: what it can say, and how to get from one to another. */
import t from "tap";
import { type DeviceList, deviceList, transition } from "../../src/cgroup/device-list.js";
import { compileDeviceRules } from "../../src/cgroup/device-rules.js";

type Rules = NonNullable<Parameters<typeof compileDeviceRules>[0]>;

const list = (rules: Rules) => deviceList(compileDeviceRules(rules));
const deny = { allow: false, access: "rwm" };
const loop = { type: "c", major: 10, minor: 237 } as const;

/** security/device_cgroup.c, as far as writes of these files go. */
function kernel(from: DeviceList, writes: { allow: boolean; value: string }[]): DeviceList {
	let state: DeviceList = { allow: from.allow, exceptions: { ...from.exceptions } };
	for (const { allow, value } of writes) {
		if (value === "a") {
			state = { allow, exceptions: {} };
			continue;
		}
		const [type, numbers, access = ""] = value.split(" ");
		const device = `${type} ${numbers}`;
		const before = state.exceptions[device] ?? "";
		const after = [..."rwm"].filter((letter) =>
			allow === state.allow
				? before.includes(letter) && !access.includes(letter)
				: before.includes(letter) || access.includes(letter),
		);
		if (after.length > 0) state.exceptions[device] = after.join("");
		else delete state.exceptions[device];
	}
	return state;
}

t.test("exceptions from a denial, and from a permission", async (t) => {
	const some = list([deny, { allow: true, ...loop, access: "r" }]);
	t.equal(some.allow, false);
	t.equal(some.exceptions["c 10:237"], "r");
	t.equal(some.exceptions["c 1:3"], "rwm", "the default devices");
	t.strictSame(list([{ allow: true }]), { allow: true, exceptions: {} });
	t.strictSame(list([{ allow: true }, { allow: false, ...loop, access: "w" }]), {
		allow: true,
		exceptions: { "c 10:237": "w" },
	});
	const both = list([deny, { allow: true, type: "a", major: 8, access: "rw" }]);
	t.strictSame([both.exceptions["b 8:*"], both.exceptions["c 8:*"]], ["rw", "rw"], "a is both types");
	t.equal(
		list([deny, { allow: true, ...loop, access: "rw" }, { allow: false, ...loop, access: "w" }]).exceptions["c 10:237"],
		"r",
	);
});

t.test("a later rule for more devices takes earlier ones back", async (t) => {
	const rules = list([
		deny,
		{ allow: true, type: "b", major: 8, minor: 0, access: "rw" },
		{ allow: false, type: "b", access: "w" },
	]);
	t.equal(rules.exceptions["b 8:0"], "r");
	t.notOk(
		"b 8:0" in
			list([deny, { allow: true, type: "b", major: 8, minor: 0 }, { allow: false, type: "b", major: 8 }]).exceptions,
	);
	// The defaults allow nodes to be made.
	t.equal(list([{ allow: true }, { allow: false, type: "b", major: 8 }]).exceptions["b 8:*"], "rw");
});

t.test("an exception from an exception is refused: the kernel would ignore it", async (t) => {
	const refused: [Rules, string][] = [
		[[deny, { allow: true, type: "c", major: 10, access: "rw" }, { allow: false, ...loop, access: "w" }], "/devices/2"],
		[[{ allow: true }, { allow: false, type: "c", major: 10 }, { allow: true, ...loop }], "/devices/2"],
		[[{ allow: true }, { allow: false, type: "c", major: 1 }], "/devices"],
		[[deny, { allow: true, type: "c", minor: 7, access: "r" }, { allow: false, type: "c", major: 10 }], "/devices/2"],
	];
	for (const [rules, at] of refused) {
		t.throws(() => list(rules), { code: "config.unsupported", context: { pointer: `/linux/resources${at}` } });
	}
	t.doesNotThrow(
		() => list([deny, { allow: true, type: "c", major: 10, access: "r" }, { allow: false, ...loop, access: "w" }]),
		"what was not allowed is no exception",
	);
});

t.test(
	"from any list to any other: the kernel ends up there, and what both allow is allowed all the time",
	async (t) => {
		const lists = [
			[],
			[deny, { allow: true, ...loop, access: "r" }],
			[deny, { allow: true, ...loop, access: "wm" }, { allow: true, type: "b", major: 8, access: "r" }],
			[{ allow: true }],
			[{ allow: true }, { allow: false, ...loop, access: "w" }],
			[{ allow: true }, { allow: false, ...loop, access: "r" }, { allow: false, type: "b", major: 8, access: "rwm" }],
		].map((rules) => list(rules as Rules));
		for (const from of lists) {
			for (const to of lists) {
				const writes = transition(from, to);
				const end = kernel(from, writes);
				t.equal(end.allow, to.allow);
				t.strictSame(Object.entries(end.exceptions).sort(), Object.entries(to.exceptions).sort());
				if (from.allow || to.allow) continue;
				for (let count = 0; count <= writes.length; count++) {
					const between = kernel(from, writes.slice(0, count));
					for (const [device, access] of Object.entries(from.exceptions)) {
						const lost = [...access].filter(
							(letter) => to.exceptions[device]?.includes(letter) && !between.exceptions[device]?.includes(letter),
						);
						if (lost.length > 0) t.fail(`${device} ${lost} is lost after ${count} writes`);
					}
				}
			}
		}
	},
);
