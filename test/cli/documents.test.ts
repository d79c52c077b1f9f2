import t from "tap";
import { flatten, readDefinitions, type Schema } from "../../spec-schemas/flatten.js";
import { ANNOTATIONS } from "../../src/bundle/annotations.js";
import { parseConfig } from "../../src/bundle/parse.js";
import { validateFeatures } from "../../src/generated/validate-features.js";
import { plan as planSchema } from "../../src/plan/schema.js";
import { type Bent, bentText } from "../bundle/base.js";
import { drive, host, sample } from "./drive.js";

t.test("features is a features document", async (t) => {
	const { status, stdout } = await drive(host(), "features");
	t.equal(status, 0);
	const document = JSON.parse(stdout);
	t.same(validateFeatures(document), []);
	t.not(validateFeatures({ ociVersionMin: "1.0.0" }).length, 0);
	t.match(document, { ociVersionMin: "1.0.0", ociVersionMax: "1.3.0" });
	// Docker 25 and containerd 2 look for it before they ask for recursive read-only mounts.
	t.ok(document.mountOptions.includes("rro"));
	// containerd looks for both before it gives a pod a user namespace.
	t.ok(document.mountOptions.includes("idmap"));
	t.ok(document.linux.mountExtensions.idmap.enabled);
	t.ok(document.linux.capabilities.includes("CAP_CHECKPOINT_RESTORE"));
});

t.test("features has every property of its schema", async (t) => {
	const { stdout } = await drive(host(), "features");
	const document = JSON.parse(stdout);
	const { $defs } = flatten("Features", readDefinitions(`${import.meta.dirname}/../../spec-schemas`));
	const missing: string[] = [];
	const walk = (schema: Schema, value: Record<string, unknown>, path: string): void => {
		const { properties = {} } = { ...schema, ...$defs[String(schema.$ref).replace("#/$defs/", "")] };
		for (const [name, property] of Object.entries(properties as Record<string, Schema>)) {
			const inner = value[name];
			if (inner === undefined || inner === null) missing.push(`${path}/${name}`);
			else walk(property, inner as Record<string, unknown>, `${path}/${name}`);
		}
	};
	walk({ $ref: "#/$defs/Features" }, document, "");
	t.same(missing, []);
});

t.test("features says what the code does", async (t) => {
	const { stdout } = await drive(host(), "features");
	const { linux, mountOptions, potentiallyUnsafeConfigAnnotations } = JSON.parse(stdout);
	const { $defs } = flatten("Spec", readDefinitions(`${import.meta.dirname}/../../spec-schemas`));
	const enumOf = (definition: string, property: string): string[] => {
		const schema = ($defs[definition] as Bent).properties[property];
		return [...(schema.enum ?? schema.items.enum)].sort();
	};
	t.match(linux.cgroup, { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true });
	t.same(linux.seccomp.actions, enumOf("SeccompRule", "action"), "SCMP_ACT_NOTIFY included");
	t.same(linux.seccomp.operators, enumOf("SeccompArg", "op"));
	t.same(linux.seccomp.archs, enumOf("Seccomp", "architectures"));
	t.same(linux.seccomp.knownFlags, enumOf("Seccomp", "flags"));
	t.same(linux.seccomp.supportedFlags, linux.seccomp.knownFlags);
	t.same(potentiallyUnsafeConfigAnnotations, [...ANNOTATIONS].sort());

	// What a configuration with the feature is told, and what the document says.
	const told = (bend: (config: Bent) => void) =>
		!parseConfig(bentText(bend)).diagnostics.some(({ severity }) => severity === "error");
	const idmap = (c: Bent) => {
		const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
		Object.assign(c.mounts[1], { uidMappings: mapping, gidMappings: mapping });
	};
	t.equal(linux.mountExtensions.idmap.enabled, told(idmap));
	t.equal(mountOptions.includes("idmap"), told(idmap));
	t.equal(
		linux.netDevices.enabled,
		told((c) => (c.linux.netDevices = { eth0: {} })),
	);
	t.equal(
		linux.intelRdt.enabled,
		told((c) => (c.linux.intelRdt = { closID: "x" })),
	);
	t.equal(
		linux.apparmor.enabled,
		told((c) => (c.process.apparmorProfile = "x")),
	);
	t.equal(
		linux.selinux.enabled,
		told((c) => (c.process.selinuxLabel = "x")),
	);
	t.equal(
		linux.memoryPolicy.modes.includes("MPOL_LOCAL"),
		told((c) => (c.linux.memoryPolicy = { mode: "MPOL_LOCAL" })),
	);
	t.equal(
		linux.namespaces.includes("time"),
		told((c) => c.linux.namespaces.push({ type: "time" })),
	);
	for (const type of ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"]) t.ok(linux.namespaces.includes(type));
	for (const refused of ["nonsense", "size=1"]) t.notOk(mountOptions.includes(refused), refused);
});

t.test("spec writes what runc writes", async (t) => {
	const native = host();
	const written = async (...options: string[]) => {
		native.files.removeFile({ path: "/here/config.json", missingOk: true });
		t.match(await drive(native, "spec", ...options), { status: 0, stdout: "", stderr: "" });
		return JSON.parse(native.files.read("/here/config.json"));
	};
	// An ambient set without an inheritable one has no effect but a warning.
	const like = (name: string) => {
		const config = JSON.parse(sample(name));
		delete config.process.capabilities.ambient;
		return { ...config, ociVersion: "1.3.0", hostname: "runtime-ts" };
	};
	t.same(await written(), like("runc-spec.json"));
	t.match(native.files.read("/here/config.json"), /^\{\n\t"ociVersion": "1.3.0",\n/);
	native.identityFacts = { euid: 1000, egid: 1001, initialUserNamespace: true };
	const rootless = like("runc-spec-rootless.json");
	rootless.linux.uidMappings[0].hostID = 1000;
	rootless.linux.gidMappings[0].hostID = 1001;
	t.same(await written("--rootless"), rootless);

	t.match(await drive(native, "spec"), { status: 1, stderr: "File config.json exists. Remove it first\n" });
	t.match(await drive(native, "spec", "-b", "/b/rootfs"), { status: 0 });
	t.ok(native.files.has("/b/rootfs/config.json"));

	const unified = host();
	unified.files.put("/proc/self/mountinfo", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	await drive(unified, "spec");
	const { linux } = JSON.parse(unified.files.read("/here/config.json"));
	t.ok(linux.namespaces.some(({ type }: { type: string }) => type === "cgroup"));
});

t.test("explain changes nothing", async (t) => {
	const native = host();
	native.identityFacts = { euid: 1000, egid: 1000, initialUserNamespace: true };
	const before = native.files.paths();
	const { status, stdout } = await drive(native, "explain", "-b", "/b", "web");
	t.equal(status, 0);
	t.same(native.calls, [], "no verb that does anything");
	t.same(native.files.paths(), before);
	t.match(stdout, /^plan of web\n {2}bundle \/b\n {2}rootfs \/b\/rootfs\n/);
	t.match(stdout, /\n +\d+ {2}mount.filesystem +mount proc on \/proc +#\/mounts\/0\n/);
	t.match(stdout, /\nafter start\n +\d+ {2}exec +exec sh +#\/process\/args\n/);
	const numbers = [...stdout.matchAll(/^ +(\d+) {2}[a-z]+[.A-Za-z]* /gm)].map(([, number]) => Number(number));
	t.same(
		numbers,
		numbers.map((_, index) => index + 1),
		"the steps are numbered",
	);
	const columns = stdout.split("\n").filter((line) => /^ +\d+ {2}.* {2}#\//.test(line));
	t.equal(new Set(columns.map((line) => line.indexOf("  #/"))).size > 0, true);
	for (const line of columns) t.equal(line.lastIndexOf("  #/"), columns[0]?.lastIndexOf("  #/"), line);
});

t.test("explain --json is a plan", async (t) => {
	const { stdout } = await drive(host(), "explain", "-b", "/b", "--json");
	const plan = planSchema.parse(JSON.parse(stdout));
	t.equal(plan.id, "b");
	t.match(await drive(host(), "explain", "-b", "/none"), {
		status: 1,
		stderr: "chdir /none: no such file or directory\n",
	});
	t.match(await drive(host(), "explain", "-b", "/b", "a/b"), { status: 1, stderr: /^invalid container ID format\n/ });
});

t.test("validate prints everything", async (t) => {
	t.match(await drive(host(), "validate", "/b"), { status: 0, stdout: /^\/b: ok/, stderr: "" });
	const bad =
		'{\n "ociVersion": "1.3.0",\n "process": {"cwd": "x", "args": []},\n "root": {"path": 3},\n "linux": {"namespaces": [{"type": "pidd"}]}\n}';
	const { status, stdout } = await drive(host(bad), "validate", "/b");
	t.equal(status, 1);
	t.match(stdout, /^config.json#\/linux\/namespaces\/0\/type: .*"pidd".* \(line 5, column \d+\)$/m);
	t.match(stdout, /^config.json#\/root\/path: /m);
	t.match(stdout, /^\/b: \d+ errors$/m);
	t.match(await drive(host('{"a": }'), "validate", "/b"), { status: 1, stdout: /line 1, column 7/ });
	t.match(await drive(host(), "validate"), { status: 1, stderr: /^JSON specification file config.json not found\n/ });
	const rootless = host();
	rootless.files.removeTree("/b/rootfs");
	t.match(await drive(rootless, "validate", "/b"), {
		status: 1,
		stderr: /^invalid rootfs: .*\(config.json#\/root\/path\)/,
	});

	// Only the plan compiler refuses this one.
	const config = JSON.parse(sample("runc-spec.json"));
	config.linux.resources.memory = { kernel: 1 };
	t.match(await drive(host(JSON.stringify(config)), "validate", "/b"), {
		status: 1,
		stdout:
			/^config.json#\/linux\/resources\/memory\/kernel: .*the kernel has no limit for its own memory$[\s\S]*^\/b: 1 error/m,
	});
	// No cgroup hierarchy is this host's fault.
	config.linux.resources = { memory: { limit: 1048576 } };
	config.mounts = [];
	const bare = host(JSON.stringify(config));
	bare.files.put("/proc/self/mountinfo", "");
	t.match(await drive(bare, "validate", "/b"), { status: 0, stdout: /ok/ });
});
