/** The scope that systemd has for a container, where engines leave the cgroups to systemd. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";

export function units(t: Test, engine: Engine): void {
	const { machine } = engine;
	const skip = machine.systemd ? (engine.unable.limits ?? false) : "systemd is not the machine's first process";
	// An ordinary user's containers are units of the user's systemd.
	const manager = engine.name.endsWith("-rootless")
		? [...engine.argv.slice(0, -1), "systemctl", "--user"]
		: ["systemctl"];

	t.test("systemd: the scope has the limits, keeps them, and goes with the container", { skip }, async (t) => {
		const systemctl = async (...words: string[]) => {
			const { status, stdout, stderr } = await machine.run([...manager, ...words], engine.options);
			if (status !== 0) throw new Error(`systemctl ${words.join(" ")}: ${stderr}`);
			return stdout;
		};
		const flags = ["--memory", "64m", "--memory-swap", "64m", "--pids-limit", "50", "--cpus", "0.5"];
		const name = await engine.sleeping(flags);
		const pid = await engine.inspect(name, "{{.State.Pid}}");
		const cgroup = machine.read(`/proc/${pid}/cgroup`).trim().replace("0::", "");
		const unit = cgroup.split("/").find((word) => word.endsWith(".scope")) ?? "none";
		t.match(unit, await engine.inspect(name, "{{.Id}}"), cgroup);
		const shown = await systemctl("show", unit);
		t.match(shown, /^ActiveState=active$/m);
		t.match(shown, /^MemoryMax=67108864$/m);
		t.match(shown, /^MemorySwapMax=0$/m);
		t.match(shown, /^TasksMax=50$/m);
		t.match(shown, /^CPUQuotaPerSecUSec=500ms$/m);

		await engine.ok("update", "--memory", "128m", "--memory-swap", "256m", name);
		t.match(await systemctl("show", unit), /^MemoryMax=134217728$/m);
		// systemd writes anew what it believes the limits are.
		await systemctl("daemon-reload");
		const files = ["memory.max", "memory.swap.max", "pids.max", "cpu.max"].map((file) => `/sys/fs/cgroup/${file}`);
		t.equal(await engine.ok("exec", name, "cat", ...files), "134217728\n134217728\n50\n50000 100000");
		t.equal((await engine.run(["exec", name, "sh", "-c", "head -c 1 /dev/zero >/dev/null"])).status, 0, "devices too");

		await engine.remove(name);
		t.match(await systemctl("show", unit), /^LoadState=not-found$/m);
	});
}
