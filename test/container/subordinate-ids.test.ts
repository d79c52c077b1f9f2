import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { fillIdMappings } from "../../src/container/subordinate-ids.js";
import { FakeNative } from "../../src/native/fake.js";
import type { HostFacts } from "../../src/plan/input.js";

const facts = (euid: number): HostFacts => ({
	euid,
	egid: euid + 1,
	cgroup: { mode: "none", v1: [] },
	capabilities: [],
	initialUserNamespace: true,
	apparmor: false,
	selinux: false,
	timeNamespaces: true,
});
const own = [{ containerID: 0, hostID: 1000, size: 1 }];

function spec(linux: Spec["linux"] = { namespaces: [{ type: "user" }] }): Spec {
	return { ociVersion: "1.3.0", root: { path: "rootfs" }, process: { cwd: "/", args: ["sh"] }, linux };
}

function host(files: Record<string, string>, programs = ["newuidmap", "newgidmap"]): FakeNative {
	const native = new FakeNative();
	for (const [path, text] of Object.entries(files)) native.files.put(path, text);
	for (const name of programs) native.files.put(`/opt/bin/${name}`, "");
	return native;
}

const env = { PATH: "relative:/opt/bin" };
const passwd = "root:x:0:0::/:/bin/sh\nanna:x:1000:1001::/home/anna:/bin/sh\n";

t.test("the own id, then every range of the name and of the number, one after the other", async (t) => {
	const native = host({
		"/etc/passwd": passwd,
		"/etc/subuid":
			"bert:100000:65536\nanna:200000:10\n# a comment\n1000:300000:5\nanna:bad:1\nanna:1:0\nanna:200005:3\n",
		"/etc/subgid": "anna:400000:65536\n",
	});
	const config = spec();
	t.equal(fillIdMappings(native, config, facts(1000), env), undefined);
	t.same(config.linux?.uidMappings, [
		...own,
		{ containerID: 1, hostID: 200_000, size: 10 },
		{ containerID: 11, hostID: 300_000, size: 5 },
	]);
	t.same(config.linux?.gidMappings, [
		{ containerID: 0, hostID: 1001, size: 1 },
		{ containerID: 1, hostID: 400_000, size: 65_536 },
	]);
});

t.test("the own id alone, and why", async (t) => {
	const both = { "/etc/passwd": passwd, "/etc/subuid": "anna:200000:10\n", "/etc/subgid": "anna:200000:10\n" };
	const cases: [FakeNative, RegExp][] = [
		[host({}), /only the caller's own id is mapped: \/etc\/subuid has no range for 1000/],
		[host({ ...both, "/etc/subgid": "bert:1:1\n" }), /\/etc\/subgid has no range for anna/],
		[host(both, ["newuidmap"]), /no newgidmap in PATH/],
		[host(both, []), /no newuidmap in PATH/],
	];
	for (const [native, reason] of cases) {
		const config = spec();
		t.match(fillIdMappings(native, config, facts(1000), env), reason);
		t.same(config.linux?.uidMappings, own);
		t.same(config.linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
	}
});

t.test("nothing is added to what the configuration says, for root, or without a new user namespace", async (t) => {
	const native = host({ "/etc/passwd": passwd, "/etc/subuid": "anna:1:1\n", "/etc/subgid": "anna:1:1\n" });
	const user = { namespaces: [{ type: "user" as const }] };
	const cases: [Spec["linux"], number][] = [
		[{ ...user }, 0],
		[{ ...user, uidMappings: own }, 1000],
		[{ ...user, gidMappings: own }, 1000],
		[{ namespaces: [{ type: "user", path: "/proc/7/ns/user" }] }, 1000],
		[{ namespaces: [{ type: "mount" }] }, 1000],
	];
	for (const [linux, euid] of cases) {
		const config = spec(linux);
		const before = structuredClone(config);
		t.equal(fillIdMappings(native, config, facts(euid), env), undefined);
		t.same(config, before);
	}
});
