import t from "tap";
import { compile, defaultSpec, position, stepsOf } from "./fixture.js";

const label = "system_u:object_r:container_file_t:s0:c1,c2";
const processLabel = "system_u:system_r:container_t:s0:c1,c2";

t.test("an AppArmor profile is set for the exec, before sysctls and paths", async (t) => {
	const spec = defaultSpec();
	spec.process.apparmorProfile = "docker-default";
	spec.linux.sysctl = { "net.ipv4.ip_forward": "1" };
	const plan = compile(spec, { host: { apparmor: true } });
	t.strictSame(stepsOf(plan, "process.attribute"), [
		{
			op: "process.attribute",
			at: "/process/apparmorProfile",
			files: ["attr/apparmor/exec", "attr/exec"],
			value: "exec docker-default",
		},
	]);
	const at = (op: string) => position(plan, (step) => step.op === op);
	t.ok(at("uts.hostname") < at("process.attribute") && at("process.attribute") < at("sysctl.write"), "runc's place");
});

t.test("without AppArmor a profile is refused, and no confinement is what there is", async (t) => {
	const spec = defaultSpec();
	spec.process.apparmorProfile = "docker-default";
	t.throws(() => compile(spec), {
		code: "host.unsupported",
		message: "apparmor: config provided but apparmor not supported",
		context: { pointer: "/process/apparmorProfile" },
	});
	for (const none of ["", "unconfined"]) {
		spec.process.apparmorProfile = none;
		t.equal(stepsOf(compile(spec), "process.attribute").length, 0);
	}
	// Leaves the confinement of the runtime itself.
	t.match(stepsOf(compile(spec, { host: { apparmor: true } }), "process.attribute"), [{ value: "exec unconfined" }]);
});

t.test(
	"an SELinux label is set for the keyring, and for the exec before the filter and the capabilities",
	async (t) => {
		const spec = defaultSpec();
		spec.process.selinuxLabel = processLabel;
		spec.process.noNewPrivileges = false;
		spec.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" };
		const plan = compile(spec, { host: { selinux: true } });
		const at = "/process/selinuxLabel";
		t.strictSame(stepsOf(plan, "process.attribute"), [
			{ op: "process.attribute", at, files: ["attr/keycreate"], value: processLabel },
			{ op: "process.attribute", at, files: ["attr/exec"], value: processLabel },
		]);
		const writes = plan.init.flatMap(({ op }, index) => (op === "process.attribute" ? [index] : []));
		const place = (op: string) => position(plan, (step) => step.op === op);
		t.equal(place("keyring.join"), (writes[0] ?? 0) + 1);
		t.ok((writes[1] ?? 0) < place("seccomp.load") && (writes[1] ?? 0) > place("root.enter"));
	},
);

t.test("without SELinux a process's label is refused, and mounts get none", async (t) => {
	const spec = defaultSpec();
	spec.process.selinuxLabel = processLabel;
	t.throws(() => compile(spec), {
		message: "selinux label is specified in config, but selinux is disabled or not supported",
		context: { pointer: "/process/selinuxLabel" },
	});
	spec.process.selinuxLabel = "";
	spec.linux.mountLabel = label;
	const plan = compile(spec);
	t.match(plan.warnings, [{ at: "/linux/mountLabel", message: /selinux is disabled/ }]);
	t.notOk(JSON.stringify(plan.init).includes(label));
	spec.linux.mountLabel = "";
	t.strictSame(compile(spec).warnings, []);
});

t.test("an annotation names the option for the mount label", async (t) => {
	const spec = defaultSpec();
	spec.linux.mountLabel = label;
	const contexts = () => {
		const found = stepsOf(compile(spec, { host: { selinux: true } }), "mount.filesystem")
			.filter(({ type }) => type === "devpts")
			.flatMap(({ options }) => options.filter((option) => option[1] === label));
		return found.map(([option]) => option);
	};
	t.same(contexts(), ["context"]);
	spec.annotations = { "run.oci.mount_context_type": "rootcontext" };
	t.same(contexts(), ["rootcontext"]);
});

t.test("the mount label is an option of the filesystems that take one", async (t) => {
	const spec = defaultSpec();
	spec.linux.mountLabel = label;
	spec.linux.maskedPaths = ["/proc/acpi"];
	spec.mounts.push(
		{ destination: "/own", type: "tmpfs", source: "tmpfs", options: ['context="mine"'] },
		{ destination: "/data", source: "/srv", options: ["bind"] },
	);
	const plan = compile(spec, { host: { selinux: true } });
	const labelled = (type: string) =>
		stepsOf(plan, "mount.filesystem")
			.filter((step) => step.type === type)
			.map(({ options }) => options.filter((option) => option[0] === "context"));
	for (const type of ["proc", "sysfs", "cgroup", "mqueue"])
		t.ok(
			labelled(type).every((found) => found.length === 0),
			type,
		);
	t.same(labelled("devpts"), [[["context", label]]]);
	const tmpfs = stepsOf(plan, "mount.filesystem").filter(({ type }) => type === "tmpfs");
	t.ok(tmpfs.length > 2);
	for (const { destination, options } of tmpfs) {
		t.same(
			options.filter((option) => option[0] === "context"),
			[["context", destination === "/own" ? '"mine"' : label]],
			destination,
		);
	}
	t.match(
		stepsOf(plan, "mount.filesystem").find(({ type }) => type === "mqueue"),
		{ rootLabel: label },
	);
	t.match(stepsOf(plan, "path.mask"), [{ path: "/proc/acpi", label }]);
	t.notOk("rootLabel" in (stepsOf(plan, "mount.bind")[0] ?? {}));
});
