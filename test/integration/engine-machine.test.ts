/** The machine that the lanes of the engines run in: is it one, and does it see what is left in it? */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { NamespaceMachine } from "../engines/machine-namespaces.js";

if (process.getuid?.() !== 0) {
	t.plan(0, "namespaces and cgroups take root");
	process.exit(0);
}

t.test("a process table, a network, an /etc and an /run of its own", async (t) => {
	const machine = await NamespaceMachine.boot();
	t.teardown(() => machine.halt());
	t.equal(await machine.sh("ls /sys/class/net"), "lo");
	t.equal(await machine.sh("ls /run | grep -v mount | tr '\\n' ' '"), "lock user");
	t.equal(await machine.sh("cat /proc/1/comm"), "machine.sh");
	await machine.sh("echo changed >/etc/hostname");
	t.not(readFileSync("/etc/hostname", "utf8"), "changed\n");
	t.notMatch(await machine.sh("cut -d: -f3 /proc/self/cgroup"), /\.\./, "the cgroups begin with the machine's");
	t.match(await machine.run(["sh", "-c", "cat; echo wrong >&2; exit 3"], { input: "asked" }), {
		status: 3,
		stdout: "asked",
		stderr: "wrong\n",
	});
	t.same(await machine.left(), []);
});

t.test("controllers can be given to cgroups below", async (t) => {
	const machine = await NamespaceMachine.boot();
	t.teardown(() => machine.halt());
	const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
	const file = v2 ? "/sys/fs/cgroup/a/memory.max" : "/sys/fs/cgroup/memory/a/memory.limit_in_bytes";
	t.equal(await machine.sh(`mkdir $(dirname ${file}); echo 1048576 >${file}; cat ${file}`), "1048576");
});

for (const [what, script, found] of [
	["a process", "setsid sleep 1000 >/dev/null 2>&1 &", /^process \d+: sleep 1000 $/],
	["a mount", "mkdir /run/here; mount -t tmpfs none /run/here", /^mount \/run\/here \(tmpfs\)$/],
	["a cgroup", "mkdir $(ls -d /sys/fs/cgroup/pids /sys/fs/cgroup 2>/dev/null | tail -n 1)/left", /^cgroup .*\/left$/],
	["a network device", "ip link add left0 type veth peer name left1", /^network device left[01]$/],
	["a container's state", "mkdir -p /run/runtime-ts/left", /^state \/run\/runtime-ts\/left$/],
] as const) {
	t.test(`${what} that is left is found, and goes with the machine`, async (t) => {
		const machine = await NamespaceMachine.boot();
		t.teardown(() => machine.halt());
		await machine.sh(script);
		const left = await machine.left();
		t.ok(left.length > 0);
		for (const line of left) t.match(line, found);
		t.same(await machine.halt(), []);
		t.notOk(existsSync(machine.directory));
	});
}
