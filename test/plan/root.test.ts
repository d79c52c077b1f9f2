import t from "tap";
import { compile, defaultSpec, position, stepOf, stepsOf } from "./fixture.js";

t.test("the host's mounts become slaves, or what rootfsPropagation says", async (t) => {
	t.match(stepOf(compile(defaultSpec()), "root.open"), { path: "/bundle/rootfs", propagation: "rslave" });
	for (const propagation of ["shared", "slave", "private", "unbindable"] as const) {
		const spec = defaultSpec();
		spec.linux.rootfsPropagation = propagation;
		const plan = compile(spec);
		const host = propagation === "unbindable" ? "private" : propagation;
		t.equal(stepOf(plan, "root.open").propagation, host, "what is unbindable could not be bound");
		const after = stepsOf(plan, "mount.propagation");
		if (propagation === "private") t.strictSame(after, [], "which the root is already");
		else {
			t.match(after, [{ at: "/linux/rootfsPropagation", destination: "/", propagation: [propagation] }]);
			// Read-only paths bind what is there onto itself, which has to be bindable.
			const before = propagation === "unbindable" ? "path.mask" : "root.enter";
			t.equal(
				position(plan, ({ op }) => op === "mount.propagation"),
				plan.init.findLastIndex(({ op }) => op === before) + 1,
			);
		}
	}
});

t.test("how the root is entered", async (t) => {
	t.equal(stepOf(compile(defaultSpec()), "root.enter").method, "pivot");
	t.equal(stepOf(compile(defaultSpec(), { options: { noPivot: true } }), "root.enter").method, "move");
});

t.test("a read-only root is closed after the pivot, and the working directory made before", async (t) => {
	const spec = defaultSpec();
	spec.process.cwd = "/srv/app";
	spec.root = { path: "rootfs", readonly: true };
	const plan = compile(spec);
	const remount = plan.init.findIndex((step) => step.at === "/root/readonly");
	t.match(plan.init[remount], { op: "mount.remount", destination: "/", bind: true, attributes: { set: ["rdonly"] } });
	t.ok(remount > position(plan, ({ op }) => op === "root.enter"));
	t.match(stepOf(plan, "directory.create"), { path: "/srv/app", at: "/process/cwd" });
	t.ok(remount > position(plan, ({ op }) => op === "directory.create"));
	t.notOk(compile({ ...spec, root: { path: "rootfs" } }).init.some(({ at }) => at === "/root/readonly"));
});

t.test("masked and read-only paths, in the order given and clean", async (t) => {
	const spec = defaultSpec();
	spec.linux.readonlyPaths = ["/proc/sys/", "/proc//bus"];
	spec.linux.maskedPaths = ["/proc/kcore", "/a/../b"];
	const plan = compile(spec);
	t.strictSame(
		stepsOf(plan, "path.readonly").map(({ path }) => path),
		["/proc/sys", "/proc/bus"],
	);
	t.strictSame(stepsOf(plan, "path.mask"), [
		{ op: "path.mask", at: "/linux/maskedPaths/0", path: "/proc/kcore" },
		{ op: "path.mask", at: "/linux/maskedPaths/1", path: "/b" },
	]);
});

t.test("names", async (t) => {
	const spec = defaultSpec();
	t.match(stepOf(compile({ ...spec, hostname: "h", domainname: "d" }), "uts.domainname"), {
		name: "d",
		at: "/domainname",
	});
	t.equal(stepsOf(compile({ ...spec, hostname: "" }), "uts.hostname").length, 0);
});

t.test("sysctls, however they are written", async (t) => {
	const spec = defaultSpec();
	spec.linux.sysctl = {
		"net.ipv4.ip_forward": "1",
		"net/ipv4/conf/eth0.100/rp_filter": "2",
		"net.ipv4.conf.eth0/1.forwarding": "0",
	};
	t.strictSame(
		stepsOf(compile(spec), "sysctl.write").map(({ at, key, path, value }) => [at, key, path, value]),
		[
			["/linux/sysctl/net.ipv4.ip_forward", "net.ipv4.ip_forward", "net/ipv4/ip_forward", "1"],
			[
				"/linux/sysctl/net~1ipv4~1conf~1eth0.100~1rp_filter",
				"net.ipv4.conf.eth0/100.rp_filter",
				"net/ipv4/conf/eth0.100/rp_filter",
				"2",
			],
			[
				"/linux/sysctl/net.ipv4.conf.eth0~11.forwarding",
				"net.ipv4.conf.eth0/1.forwarding",
				"net/ipv4/conf/eth0.1/forwarding",
				"0",
			],
		],
	);
});
