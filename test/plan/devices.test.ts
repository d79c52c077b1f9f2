import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import type { HostFacts } from "../../src/plan/input.js";
import { compile, defaultSpec, stepsOf } from "./fixture.js";

type Device = NonNullable<NonNullable<Spec["linux"]>["devices"]>[number];

function withDevices(devices: Device[], host: Partial<HostFacts> = {}) {
	const spec = defaultSpec();
	spec.linux.devices = devices;
	return compile(spec, { host });
}

t.test("the default devices", async (t) => {
	t.strictSame(
		stepsOf(withDevices([]), "device.create").map(
			({ path, kind, major, minor, mode }) => `${path} ${kind} ${major}:${minor} ${mode.toString(8)}`,
		),
		[
			"/dev/null c 1:3 666",
			"/dev/zero c 1:5 666",
			"/dev/full c 1:7 666",
			"/dev/random c 1:8 666",
			"/dev/urandom c 1:9 666",
			"/dev/tty c 5:0 666",
		],
	);
});

t.test("devices of the configuration come after them, or in their place", async (t) => {
	const steps = stepsOf(
		withDevices([
			{ path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600, uid: 1, gid: 2 },
			{ path: "/dev//sda", type: "b", major: 8, minor: 0, fileMode: 24960 },
			{ path: "/dev/raw", type: "u", major: 9, minor: 9 },
			{ path: "/run/pipe", type: "p" },
			{ path: "/dev/ptmx", type: "c", major: 5, minor: 2 },
		]),
		"device.create",
	);
	t.strictSame(
		steps.slice(5).map(({ path, kind }) => `${path} ${kind}`),
		["/dev/null c", "/dev/sda b", "/dev/raw c", "/run/pipe p"],
	);
	t.equal(steps.filter(({ path }) => path === "/dev/null").length, 1);
	t.match(steps[5], { at: "/linux/devices/0", mode: 0o600, uid: 1, gid: 2 });
	t.match(steps[6], { mode: 0o600, uid: 0, gid: 0 }, "without the type bits that Docker sends");
	t.match(steps[8], { mode: 0o666, major: 0, minor: 0 });
});

t.test("links", async (t) => {
	t.strictSame(
		stepsOf(withDevices([]), "symlink.create")
			.filter(({ path }) => path.startsWith("/dev/"))
			.map(({ path, target, replace }) => `${path} ${target} ${replace}`),
		[
			"/dev/fd /proc/self/fd false",
			"/dev/stdin /proc/self/fd/0 false",
			"/dev/stdout /proc/self/fd/1 false",
			"/dev/stderr /proc/self/fd/2 false",
			"/dev/core /proc/kcore false",
			"/dev/ptmx pts/ptmx true",
		],
	);
});

t.test("where mknod is not allowed, the host's devices are bound; fifos are made", async (t) => {
	const devices: Device[] = [
		{ path: "/dev/fuse", type: "c", major: 10, minor: 229 },
		{ path: "/dev/pipe", type: "p" },
	];
	const hosts: Partial<HostFacts>[] = [{ initialUserNamespace: false }, { euid: 1000 }];
	for (const host of hosts) {
		const plan = withDevices(devices, host);
		t.match(stepsOf(plan, "device.bind").at(-1), { source: "/dev/fuse", path: "/dev/fuse", at: "/linux/devices/0" });
		t.match(stepsOf(plan, "device.bind").at(-1), { kind: "c", major: 10, minor: 229 }, "which the host's must be");
		t.equal(stepsOf(plan, "device.bind").length, 7);
		t.match(stepsOf(plan, "device.create"), [{ path: "/dev/pipe", kind: "p" }]);
	}
});

t.test("a /dev that is bound brings its own", async (t) => {
	const spec = defaultSpec();
	spec.mounts.push({ destination: "/dev/", source: "/dev", options: ["rbind"] });
	const plan = compile(spec);
	t.equal(stepsOf(plan, "device.create").length, 0);
	t.notOk(stepsOf(plan, "symlink.create").some(({ path }) => path.startsWith("/dev/")));
});

t.test("a bound device is not what was asked for: said, unless it is", async (t) => {
	const file = { mode: 0o660, uid: 0, gid: 5 };
	const warnings = (attributes: Partial<Device>, user?: { path?: string; hostID?: number }) => {
		const spec = defaultSpec();
		spec.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, ...attributes }];
		if (user !== undefined) {
			const { path, hostID = 0 } = user;
			spec.linux.namespaces?.push(path === undefined ? { type: "user" } : { type: "user", path });
			if (path === undefined) {
				spec.linux.uidMappings = [{ containerID: 100, hostID, size: 10 }];
				spec.linux.gidMappings = [{ containerID: 100, hostID: hostID + 5, size: 10 }];
			}
		}
		const host = user === undefined ? { initialUserNamespace: false } : {};
		return compile(spec, { host: { ...host, deviceFiles: { "/dev/fuse": file } } }).warnings;
	};
	const fine = { fileMode: 0o20660, uid: 0, gid: 5 };
	t.same(warnings(fine), []);
	t.same(warnings({}), []);
	t.match(warnings({ ...fine, fileMode: 0o600 }), [
		{ at: "/linux/devices/0", message: /keeps the mode and owner of the host's device \(0660, 0:5\)/ },
	]);
	for (const other of [{ uid: 1 }, { gid: 0 }]) t.equal(warnings({ ...fine, ...other }).length, 1);
	t.same(warnings({ ...fine, uid: 100, gid: 100 }, {}), [], "mapped");
	for (const other of [{ uid: 101 }, { gid: 99 }])
		t.equal(warnings({ ...fine, uid: 100, gid: 100, ...other }, {}).length, 1);
	t.equal(warnings({ uid: 100 }, { hostID: 7 }).length, 1);
	t.same(warnings({ uid: 7 }, { path: "/proc/7/ns/user" }), [], "mappings that are not known");
});

t.test("a /dev that is bound keeps what it has", async (t) => {
	const spec = defaultSpec();
	spec.mounts.push({ destination: "/dev/", source: "/dev", options: ["rbind"] });
	spec.linux.devices = [
		{ path: "/dev/fuse", type: "c", major: 10, minor: 229 },
		{ path: "/devices/fuse", type: "c", major: 10, minor: 229 },
	];
	const plan = compile(spec);
	t.match(stepsOf(plan, "device.create"), [{ path: "/devices/fuse", at: "/linux/devices/1" }]);
	t.equal(stepsOf(plan, "device.create").length, 1);
	t.match(plan.warnings, [{ at: "/linux/devices", message: /^1 of the devices/ }]);
});
