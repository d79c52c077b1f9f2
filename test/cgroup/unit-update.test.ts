import t from "tap";
import type { Resources } from "../../src/cgroup/resources.js";
import { compileUnitUpdate, type UnitUpdate } from "../../src/cgroup/unit-update.js";
import { compileUpdate } from "../../src/cgroup/update.js";

const unlimited = "18446744073709551615";
const v2 = [{ controller: "", path: "/v2/u.scope" }];
const v1 = ["memory", "cpu", "pids", "devices"].map((controller) => ({ controller, path: `/${controller}/u.scope` }));

function change(saved: Resources, given: Resources, cgroups = v2): UnitUpdate {
	const input = { given, saved, cgroups, ociVersion: "1.3.0", privileged: true, version: 252 };
	return compileUnitUpdate(input, compileUpdate(input));
}

const short = (properties: UnitUpdate["properties"]) =>
	properties.map(({ name, value }) => `${name}=${JSON.stringify(value).replaceAll('"', "")}`);

t.test("only what the update is about, with what belongs to it", async (t) => {
	const saved = { memory: { limit: 1000, swap: 3000 }, pids: { limit: 5 }, cpu: { quota: 20000, period: 50000 } };
	const { properties, back, files } = change(saved, { memory: { limit: 2000 } });
	t.strictSame(short(properties), ["MemoryMax=2000", "MemorySwapMax=1000"]);
	t.strictSame(short(back), ["MemoryMax=1000", "MemorySwapMax=2000"]);
	t.match(files, [{ op: "cgroup.write", path: "/v2/u.scope/memory.max", value: "2000" }, { path: /memory.swap.max/ }]);
	t.strictSame(short(change(saved, { cpu: { quota: 30000 } }).properties), [
		"CPUQuotaPeriodUSec=50000",
		"CPUQuotaPerSecUSec=600000",
	]);
});

t.test("the way back to what was not set", async (t) => {
	const { back } = change({}, { memory: { limit: 5 }, pids: { limit: 5 }, cpu: { cpus: "0" } });
	t.strictSame(short(back), [`MemoryMax=${unlimited}`, "AllowedCPUs=[]", `TasksMax=${unlimited}`]);
});

t.test("nothing for systemd", async (t) => {
	t.strictSame(change({}, { hugepageLimits: [{ pageSize: "2MB", limit: 5 }] }).properties, []);
	t.strictSame(
		change({}, { pids: { limit: 0 }, memory: { limit: 0 } }).properties.map(({ name }) => name),
		["TasksMax"],
	);
});

t.test("devices: the list is replaced, and on v1 written exactly after systemd has", async (t) => {
	const deny = { allow: false, access: "rwm" };
	const fuse = { allow: true, type: "c", major: 10, minor: 229, access: "rw" } as const;
	const { properties, back, files } = change({ devices: [deny] }, { devices: [deny, fuse] });
	t.strictSame(
		properties.map(({ name }) => name),
		["DevicePolicy", "DeviceAllow", "DeviceAllow"],
	);
	t.strictSame(properties[1]?.value, [], "emptied first");
	t.match(properties[2]?.value, [["/dev/char/10:229", "rw"]]);
	t.notMatch(JSON.stringify(back), "10:229");
	t.strictSame(files, [], "the program of v2 is not systemd's");
	const list = change({ devices: [deny] }, { devices: [deny, fuse] }, v1).files;
	t.match(list[0], { op: "cgroup.write", path: "/devices/u.scope/devices.deny", value: "a" });
	t.ok(list.some((step) => step.op === "cgroup.write" && step.value === "c 10:229 rw"));
	t.strictSame(change({ devices: [deny] }, { devices: [deny], pids: { limit: 1 } }).properties.length, 1);
});
